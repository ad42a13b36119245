// Compat measures how far Tutti does what ansible-core does, and writes
// docs/compatibility.md. It downloads nothing: the sources are given as paths.
//
//	go run ./e2e/compat -conformance DIR [-reuse] PROJECT...
//
// DIR holds the harness for Ansible's own integration targets (conform, with
// its targets.tsv), the recorded templates (templates.jsonl) and the comparison
// of listings (compare-listings). A PROJECT is a checkout of other people's
// playbooks, NAME=PATH or PATH. The roles and collections of others that it
// wants are found where ANSIBLE_ROLES_PATH and ANSIBLE_COLLECTIONS_PATH say.
// The real ansible-playbook must be installed.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
)

// names are the commands that Tutti stands in for.
var names = []string{"ansible", "ansible-config", "ansible-doc", "ansible-galaxy", "ansible-inventory", "ansible-playbook", "ansible-pull", "ansible-vault"}

// run is one measurement.
type run struct {
	conformance string // the folder of the harness
	links       string // the folder of links to the program
	name        string // of the results
	reuse       bool
}

func main() {
	var r run
	var program, out string
	flag.StringVar(&r.conformance, "conformance", "", "folder of the conformance harness")
	flag.StringVar(&program, "program", "bin/tutti", "the program to measure (make build makes it)")
	flag.StringVar(&out, "o", "docs/compatibility.md", "the page to write")
	flag.StringVar(&r.name, "name", "compat", "name of the results")
	flag.BoolVar(&r.reuse, "reuse", false, "take the results that are there from an earlier run")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := r.measure(ctx, program, out, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "compat:", err)
		os.Exit(1)
	}
}

func (r *run) measure(ctx context.Context, program, out string, projects []string) error {
	if r.conformance == "" {
		return fmt.Errorf("name the folder of the harness with -conformance")
	}
	var err error
	if r.conformance, err = filepath.Abs(r.conformance); err != nil {
		return err
	}
	if err := r.link(program); err != nil {
		return err
	}
	defer os.RemoveAll(r.links)
	p := page{}
	for _, set := range []string{"fair", "partly"} {
		t, err := r.targets(ctx, set)
		if err != nil {
			return err
		}
		p.targets = append(p.targets, t)
	}
	for _, native := range []bool{false, true} {
		b, err := r.battery(ctx, native)
		if err != nil {
			return err
		}
		p.batteries = append(p.batteries, b)
	}
	for _, project := range projects {
		l, err := r.listings(ctx, project)
		if err != nil {
			return err
		}
		p.listings = append(p.listings, l)
	}
	return os.WriteFile(out, p.markdown(), 0o644)
}

// link makes a folder in which the program has the names of Ansible's commands.
func (r *run) link(program string) error {
	abs, err := filepath.Abs(program)
	if err != nil {
		return err
	}
	if _, err := os.Stat(abs); err != nil {
		return fmt.Errorf("%w; run make build first", err)
	}
	if r.links, err = os.MkdirTemp("", "tutti-compat-"); err != nil {
		return err
	}
	data, err := os.ReadFile(abs)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(r.links, "tutti"), data, 0o755); err != nil {
		return err
	}
	for _, n := range names {
		if err := os.Symlink("tutti", filepath.Join(r.links, n)); err != nil {
			return err
		}
	}
	return os.Chmod(r.links, 0o755)
}

// results is where the results of a part of the measurement are kept: beside
// those of the harness.
func (r *run) results(part string) (string, error) {
	dir := os.Getenv("CONF_DIR")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(home, ".cache", "tutti-conformance")
	}
	dir = filepath.Join(dir, "results")
	return filepath.Join(dir, r.name+"-"+part), os.MkdirAll(dir, 0o755)
}

// tool runs a program of the harness and gives its output; what it says on the
// way is shown.
func (r *run) tool(ctx context.Context, env []string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(r.conformance, name), args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	data, err := cmd.Output()
	if _, failed := err.(*exec.ExitError); failed && len(data) > 0 {
		err = nil // some targets failed, or some listings differ
	}
	fmt.Fprintln(os.Stderr, name, strings.Join(args[:min(len(args), 6)], " "))
	return string(data), err
}
