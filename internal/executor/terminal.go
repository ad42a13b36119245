package executor

import (
	"strings"

	"github.com/tutti-run/tutti/internal/module"
)

// oneStream puts both streams of a module that gave no result together, where
// Ansible would have run it on a terminal: over ssh, unless pipelining is on. What
// the module wrote to standard error is then in module_stdout, and playbooks look
// for it there.
func (it *item) oneStream(res *module.Result) {
	errors, ok := res.Get("module_stderr").(string)
	if !ok || !res.Failed || errors == "" {
		return
	}
	conn, err := it.connection()
	if err != nil || strings.TrimPrefix(conn.Kind, "ansible.builtin.") == "local" {
		return
	}
	pipelining, _ := it.connectionDefault("ansible_pipelining")
	if on, err := boolean(pipelining); err != nil || on {
		return
	}
	output, _ := res.Get("module_stdout").(string)
	res.Set("module_stdout", output+errors).Set("module_stderr", "")
}
