package playbook

import (
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/yaml"
)

// AdHoc makes a playbook of one task, as `tutti run` asks for it. args is
// "name=value ..." text, free text, or a JSON object.
func (l *Loader) AdHoc(dir, pattern, module, args string, async, poll, timeout int) (*Playbook, error) {
	r := &reader{Loader: l}
	pos := diag.Pos{File: "-a"}
	p := &Play{Pos: pos, Path: filepath.Join(dir, "ad-hoc"), Name: "Ansible Ad-Hoc", Hosts: pattern, Keywords: &Keywords{}, GatherFacts: false}
	node := yaml.NewText(args, pos)
	if trimmed := strings.TrimSpace(args); strings.HasPrefix(trimmed, "{") && !strings.HasPrefix(trimmed, "{{") {
		n, err := yaml.Parse([]byte(args), "-a", yaml.Options{Vault: l.Vault})
		if err != nil {
			return nil, err
		}
		node = n
	}
	task := &yaml.Node{Kind: yaml.Map, Pos: pos, Pairs: []yaml.Pair{{Key: yaml.NewText(module, diag.Pos{File: "-m"}), Value: node}}}
	if timeout > 0 {
		task.Pairs = append(task.Pairs, yaml.Pair{Key: yaml.NewText("timeout", pos), Value: yaml.NewText(strconv.Itoa(timeout), pos)})
	}
	t := r.task(task, scope{keywords: &Keywords{Collections: r.home(p.Path)}, play: p, dir: dir})
	if t != nil {
		if plain, ok := t.(*Task); ok && async > 0 {
			plain.Async, plain.Poll = async, poll
		}
		p.Tasks = []*Block{{Pos: pos, Implicit: true, Keywords: &Keywords{}, Items: []Item{t}}}
	}
	return &Playbook{Path: p.Path, Plays: []*Play{p}}, r.Err()
}
