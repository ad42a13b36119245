package main

import (
	"context"
	_ "embed"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// reasons tells why targets fail, and listings of projects differ, that are known
// to: a name, a tab, the reason.
//
//go:embed reasons.tsv
var reasons string

// targetSet is what became of one set of integration targets.
type targetSet struct {
	set    string
	passed int
	of     int
	areas  []area
	failed []failure
}

type area struct {
	name       string
	passed, of int
}

type failure struct{ name, area, status, why string }

func table(path string) ([]map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	in := csv.NewReader(f)
	in.Comma, in.LazyQuotes, in.FieldsPerRecord = '\t', true, -1
	rows, err := in.ReadAll()
	if err != nil || len(rows) == 0 {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var out []map[string]string
	for _, row := range rows[1:] {
		m := map[string]string{}
		for i, v := range row {
			if i < len(rows[0]) {
				m[rows[0][i]] = v
			}
		}
		out = append(out, m)
	}
	return out, nil
}

// why are the reasons by name.
func why() map[string]string {
	out := map[string]string{}
	for _, line := range strings.Split(reasons, "\n") {
		if n, text, ok := strings.Cut(line, "\t"); ok {
			out[n] = text
		}
	}
	return out
}

// targets runs a set of Ansible's integration targets.
func (r *run) targets(ctx context.Context, set string) (*targetSet, error) {
	name := r.name + "-" + set
	results, err := r.results(set + ".tsv")
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(results); err != nil || !r.reuse {
		if _, err := r.tool(ctx, nil, "conform", "run", "--with", r.links, "--name", name, "--strict", "--set", set); err != nil {
			return nil, err
		}
	}
	known, err := table(filepath.Join(r.conformance, "targets.tsv"))
	if err != nil {
		return nil, err
	}
	got, err := table(results)
	if err != nil {
		return nil, err
	}
	areaOf := map[string]string{}
	for _, k := range known {
		areaOf[k["target"]] = k["area"]
	}
	why := why()
	out := &targetSet{set: set}
	areas := map[string]*area{}
	for _, g := range got {
		a := areas[areaOf[g["target"]]]
		if a == nil {
			a = &area{name: areaOf[g["target"]]}
			areas[a.name] = a
		}
		a.of++
		out.of++
		if g["status"] == "PASS" {
			a.passed++
			out.passed++
			continue
		}
		out.failed = append(out.failed, failure{g["target"], a.name, g["status"], why[g["target"]]})
	}
	for _, a := range areas {
		out.areas = append(out.areas, *a)
	}
	sort.Slice(out.areas, func(i, j int) bool { return out.areas[i].name < out.areas[j].name })
	sort.Slice(out.failed, func(i, j int) bool { return out.failed[i].name < out.failed[j].name })
	return out, nil
}
