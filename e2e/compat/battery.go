package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
)

// battery is what became of the recorded templates, with one setting of
// jinja2_native.
type battery struct {
	native     bool
	passed, of int
	failed     []string // ids
}

func (r *run) battery(ctx context.Context, native bool) (*battery, error) {
	data, err := os.ReadFile(filepath.Join(r.conformance, "templates.jsonl"))
	if err != nil {
		return nil, err
	}
	args := []string{"eval", "--jsonl"}
	if native {
		args = append(args, "--native")
	}
	cmd := exec.CommandContext(ctx, filepath.Join(r.links, "tutti"), args...)
	cmd.Env = append(os.Environ(), "TZ=UTC", "BATTERY_ENV=from-env")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(data), os.Stderr
	answers, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("the battery: %w", err)
	}
	want, err := objects(data)
	if err != nil {
		return nil, err
	}
	got, err := objects(answers)
	if err != nil {
		return nil, err
	}
	byID := map[any]map[string]any{}
	for _, g := range got {
		byID[g["id"]] = g
	}
	b := &battery{native: native}
	for _, w := range want {
		b.of++
		expected, _ := w["expected"].(map[string]any)
		if e, ok := w["expected_native"].(map[string]any); ok && native {
			expected = e
		}
		if same(expected, byID[w["id"]]) {
			b.passed++
		} else {
			b.failed = append(b.failed, fmt.Sprint(w["id"]))
		}
	}
	return b, nil
}

// same compares a recorded answer with ours. Of an error only that it is one
// counts.
func same(want, got map[string]any) bool {
	if _, fails := want["error"]; fails {
		_, failed := got["error"]
		return failed
	}
	return reflect.DeepEqual(want["value"], got["value"]) && (want["type"] == nil || want["type"] == got["type"])
}

func objects(lines []byte) ([]map[string]any, error) {
	var out []map[string]any
	in := bufio.NewScanner(bytes.NewReader(lines))
	in.Buffer(nil, 64<<20)
	for in.Scan() {
		if strings.TrimSpace(in.Text()) == "" {
			continue
		}
		d := json.NewDecoder(bytes.NewReader(in.Bytes()))
		d.UseNumber()
		var m map[string]any
		if err := d.Decode(&m); err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, in.Err()
}
