// Package dpkg reads what Debian's package manager knows of a machine: its
// database of packages, versions and their order, and who holds its lock. It
// starts no program and changes nothing.
package dpkg

import (
	"bytes"
	"fmt"
	"os"
	"strings"
)

// Admin is dpkg's directory.
const Admin = "/var/lib/dpkg"

// Package is one package of the database.
type Package struct {
	Name, Arch, Version, Source string
	Section, Priority           string
	Status                      string // the last word: installed, config-files, half-configured...
	Want                        string // the first: install, hold, deinstall, purge
	Provides                    string
}

// Installed tells whether the package is there and configured.
func (p *Package) Installed() bool { return p != nil && p.Status == "installed" }

// Database is dpkg's database as it was when it was read.
type Database struct {
	Packages []*Package
	arch     string // of dpkg itself: the machine's
	byName   map[string][]*Package
}

// Read reads the database. A machine without one has no packages.
func Read() (*Database, error) {
	data, err := os.ReadFile(Admin + "/status")
	if err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("cannot read dpkg's database: %w", err)
	}
	return parse(data), nil
}

func parse(data []byte) *Database {
	db := &Database{byName: map[string][]*Package{}}
	for len(data) > 0 {
		var stanza []byte
		if i := bytes.Index(data, []byte("\n\n")); i >= 0 {
			stanza, data = data[:i+1], data[i+2:]
		} else {
			stanza, data = data, nil
		}
		if p := parsePackage(stanza); p.Name != "" {
			db.Packages = append(db.Packages, p)
			db.byName[p.Name] = append(db.byName[p.Name], p)
			if p.Name == "dpkg" {
				db.arch = p.Arch
			}
		}
	}
	return db
}

func parsePackage(stanza []byte) *Package {
	p := &Package{}
	for line := range bytes.Lines(stanza) {
		if line[0] == ' ' || line[0] == '\t' {
			continue
		}
		key, rest, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			continue
		}
		var to *string
		switch string(key) {
		case "Package":
			to = &p.Name
		case "Architecture":
			to = &p.Arch
		case "Version":
			to = &p.Version
		case "Source":
			to = &p.Source
		case "Section":
			to = &p.Section
		case "Priority":
			to = &p.Priority
		case "Provides":
			to = &p.Provides
		case "Status":
			if words := strings.Fields(string(rest)); len(words) == 3 {
				p.Want, p.Status = words[0], words[2]
			}
			continue
		default:
			continue
		}
		*to = string(bytes.TrimSpace(rest))
	}
	return p
}

// Arch is the machine's own architecture, "" if it is not known.
func (db *Database) Arch() string { return db.arch }

// Find returns a package by name, of the machine's architecture or of the one
// after a colon; nil if the database does not have it.
func (db *Database) Find(name string) *Package {
	name, arch, _ := strings.Cut(name, ":")
	for _, p := range db.byName[name] {
		switch {
		case arch == "any", p.Arch == arch:
			return p
		case (arch == "" || arch == "native" || arch == db.arch) && (p.Arch == "all" || p.Arch == db.arch || db.arch == ""):
			return p
		}
	}
	return nil
}

// HasFiles tells whether files of a package are on the machine, installed or
// left behind when it was removed.
func (db *Database) HasFiles(p *Package) bool {
	if p == nil {
		return false
	}
	for _, name := range []string{p.Name, p.Name + ":" + p.Arch} {
		if fi, err := os.Stat(Admin + "/info/" + name + ".list"); err == nil && fi.Size() > 0 {
			return true
		}
	}
	return false
}
