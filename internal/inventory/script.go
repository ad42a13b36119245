package inventory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/value"
)

// runScript asks an inventory program for its hosts.
func runScript(ctx context.Context, inv *Inventory, path string) error {
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	run := func(args ...string) ([]byte, error) {
		cmd := exec.CommandContext(ctx, abs, args...)
		cmd.Dir = filepath.Dir(abs)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			var exit *exec.ExitError
			if errors.As(err, &exit) {
				return nil, fmt.Errorf("Inventory script (%s) had an execution error: %s", path, strings.TrimSpace(stderr.String()))
			}
			return nil, err
		}
		return out, nil
	}
	out, err := run("--list")
	if err != nil {
		return err
	}
	return readScript(inv, out, path, func(host string) ([]byte, error) { return run("--host", host) })
}

// readScript takes the JSON that an inventory script prints for --list.
// hostVars asks the script for one host where it gave no _meta.
func readScript(inv *Inventory, data []byte, path string, hostVars func(host string) ([]byte, error)) error {
	pos := diag.Pos{File: path}
	parsed, err := value.ParseJSON(data)
	if err != nil {
		return &diag.Problem{Pos: pos, Msg: fmt.Sprintf("failed to parse executable inventory script results: %s", err)}
	}
	top, ok := parsed.(*value.Map)
	if !ok {
		return &diag.Problem{Pos: pos, Msg: "failed to parse executable inventory script results: needs to be a json dict"}
	}
	var meta *value.Map
	if m, ok := top.At("_meta").(*value.Map); ok {
		meta, _ = m.At("hostvars").(*value.Map)
	}
	before := len(inv.order)
	for name, v := range top.Strings() {
		if name == "_meta" {
			continue
		}
		if err := scriptGroup(inv, name, v, pos); err != nil {
			return err
		}
	}
	for _, h := range append([]*Host(nil), inv.order[min(before, len(inv.order)):]...) {
		if meta != nil {
			if vars, ok := meta.At(h.Name).(*value.Map); ok {
				inv.update(h, value.MarkTemplates(vars, pos).(*value.Map))
			}
			continue
		}
		out, err := hostVars(h.Name)
		if err != nil {
			return &diag.Problem{Pos: pos, Msg: err.Error()}
		}
		if strings.TrimSpace(string(out)) == "" {
			continue
		}
		v, err := value.ParseJSON(out)
		if m, ok := v.(*value.Map); ok && err == nil {
			inv.update(h, value.MarkTemplates(m, pos).(*value.Map))
		} else {
			return &diag.Problem{Pos: pos, Msg: fmt.Sprintf("could not parse post variable response for host %s", h.Name)}
		}
	}
	return nil
}

func scriptGroup(inv *Inventory, name string, v any, pos diag.Pos) error {
	g := inv.Group(name)
	add := func(hosts any) {
		l, _ := hosts.([]any)
		for _, h := range l {
			if s, ok := h.(string); ok {
				inv.addHost(g, inv.Host(s))
			}
		}
	}
	m, ok := v.(*value.Map)
	if !ok {
		add(v)
		return nil
	}
	if !m.Has("hosts") && !m.Has("vars") && !m.Has("children") {
		// the oldest form: a dict that is one host of the group's name with its variables
		h := inv.Host(name)
		inv.addHost(g, h)
		inv.update(h, value.MarkTemplates(m, pos).(*value.Map))
		return nil
	}
	if hosts := m.At("hosts"); hosts != nil {
		if _, ok := hosts.([]any); !ok {
			return &diag.Problem{Pos: pos, Msg: fmt.Sprintf("You defined a group '%s' with bad data for the host list: %s", name, value.ToJSON(hosts))}
		}
		add(hosts)
	}
	if vars := m.At("vars"); vars != nil {
		vm, ok := vars.(*value.Map)
		if !ok {
			return &diag.Problem{Pos: pos, Msg: fmt.Sprintf("You defined a group '%s' with bad data for variables: %s", name, value.ToJSON(vars))}
		}
		for k, v := range vm.Strings() {
			g.setVar(k, value.MarkTemplates(v, pos))
		}
	}
	if children, ok := m.At("children").([]any); ok {
		for _, c := range children {
			if s, ok := c.(string); ok {
				if err := inv.link(g, inv.Group(s)); err != nil {
					return &diag.Problem{Pos: pos, Msg: err.Error()}
				}
			}
		}
	}
	return nil
}
