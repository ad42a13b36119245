package config

import (
	"os"
	"path/filepath"
	"testing"
)

func TestBecome(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ansible.cfg")
	if err := os.WriteFile(file, []byte("[privilege_escalation]\nbecome_flags = -a\n[sudo_become_plugin]\npassword = file's\nexecutable = /opt/sudo\n[su_become_plugin]\nflags = -s\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		env                  map[string]string
		method, option, want string
	}{
		{nil, "sudo", "pass", "file's"},
		{nil, "su", "pass", ""},
		{nil, "ansible.builtin.sudo", "exe", "/opt/sudo"},
		{nil, "sudo", "flags", "-a"},
		{nil, "su", "flags", "-s"},
		{map[string]string{"ANSIBLE_BECOME_PASS": "all's"}, "sudo", "pass", "all's"},
		{map[string]string{"ANSIBLE_BECOME_PASS": "all's", "ANSIBLE_DOAS_PASS": "doas's"}, "community.general.doas", "pass", "doas's"},
		{map[string]string{"ANSIBLE_SU_PASS": "su's"}, "sudo", "pass", "file's"},
	} {
		conf, err := Load(func(name string) string {
			if name == "ANSIBLE_CONFIG" {
				return file
			}
			return c.env[name]
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := conf.Become(c.method, c.option); got != c.want {
			t.Errorf("%v: %s of %s is %q, want %q", c.env, c.option, c.method, got, c.want)
		}
	}
}
