package lab

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// pkg is a package of the lab's own repository.
type pkg struct {
	Name, Version string
	Depends       string
	Files         map[string]string // path to content
	Conffiles     []string
	Postinst      string
}

// packages make apt real without a network: two versions of one, one that
// depends on another, one that takes its time, one with a configuration file.
var packages = []pkg{
	{Name: "tutti-hello", Version: "1.0", Files: map[string]string{"/usr/bin/tutti-hello": "#!/bin/sh\necho hello 1.0\n"}},
	{Name: "tutti-hello", Version: "2.0", Files: map[string]string{"/usr/bin/tutti-hello": "#!/bin/sh\necho hello 2.0\n"}},
	{Name: "tutti-greet", Version: "1.0", Depends: "tutti-hello", Files: map[string]string{"/usr/share/tutti-greet/text": "greetings\n"}},
	{Name: "tutti-slow", Version: "1.0", Postinst: "#!/bin/sh\nsleep 2\n", Files: map[string]string{"/usr/share/tutti-slow/text": "slow\n"}},
	{Name: "tutti-conf", Version: "1.0", Files: map[string]string{"/etc/tutti-conf.conf": "level = 1\n"}, Conffiles: []string{"/etc/tutti-conf.conf"}},
	{Name: "tutti-conf", Version: "1.1", Files: map[string]string{"/etc/tutti-conf.conf": "level = 2\n"}, Conffiles: []string{"/etc/tutti-conf.conf"}},
	{Name: "tutti-broken", Version: "1.0", Postinst: "#!/bin/sh\necho this package cannot be configured >&2\nexit 1\n"},
}

// manyPackages is how many empty packages there are besides, tutti-many-01 and
// so on: for what happens when many are installed at once.
const manyPackages = 40

// makeRepo builds the packages and their index.
func (l *Lab) makeRepo(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var index strings.Builder
	all := slices.Clone(packages)
	for i := range manyPackages {
		all = append(all, pkg{Name: fmt.Sprintf("tutti-many-%02d", i+1), Version: "1.0"})
	}
	for _, p := range all {
		entry, err := p.build(dir)
		if err != nil {
			return err
		}
		index.WriteString(entry + "\n")
	}
	return os.WriteFile(filepath.Join(dir, "Packages"), []byte(index.String()), 0o644)
}

func (p *pkg) control() string {
	text := fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: Tutti lab <lab@example.org>\nSection: misc\nPriority: optional\n", p.Name, p.Version)
	if p.Depends != "" {
		text += "Depends: " + p.Depends + "\n"
	}
	return text + "Description: package of the Tutti lab\n"
}

// build makes the .deb and returns its entry for the index.
func (p *pkg) build(dir string) (string, error) {
	tree, err := os.MkdirTemp("", "tutti-lab-deb-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tree)
	if err := os.Chmod(tree, 0o755); err != nil {
		return "", err
	}
	write := func(path, text string, mode os.FileMode) error {
		full := filepath.Join(tree, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			return err
		}
		return os.WriteFile(full, []byte(text), mode)
	}
	err = write("DEBIAN/control", p.control(), 0o644)
	for path, text := range p.Files {
		mode := os.FileMode(0o644)
		if strings.HasPrefix(path, "/usr/bin/") {
			mode = 0o755
		}
		err = errors.Join(err, write(path, text, mode))
	}
	if len(p.Conffiles) > 0 {
		err = errors.Join(err, write("DEBIAN/conffiles", strings.Join(p.Conffiles, "\n")+"\n", 0o644))
	}
	if p.Postinst != "" {
		err = errors.Join(err, write("DEBIAN/postinst", p.Postinst, 0o755))
	}
	if err != nil {
		return "", err
	}
	name := fmt.Sprintf("%s_%s_all.deb", p.Name, p.Version)
	if out, err := exec.Command("dpkg-deb", "--root-owner-group", "-b", tree, filepath.Join(dir, name)).CombinedOutput(); err != nil {
		return "", fmt.Errorf("dpkg-deb: %w: %s", err, out)
	}
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	description := "Description: package of the Tutti lab\n"
	return strings.TrimSuffix(p.control(), description) +
		fmt.Sprintf("Filename: ./%s\nSize: %d\nSHA256: %s\n", name, len(data), hex.EncodeToString(sum[:])) + description, nil
}
