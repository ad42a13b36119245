package servicefacts

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/value"
)

func programs(t *testing.T, texts map[string]string) *module.Env {
	t.Helper()
	bin := t.TempDir()
	for name, text := range texts {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return mt.Env(t, mt.Options{Environ: []string{"PATH=" + bin + ":/bin:/usr/bin"}})
}

func TestContract(t *testing.T) { mt.Run(t, &Module, nil) }

func TestScripts(t *testing.T) {
	env := programs(t, map[string]string{"service": "echo ' [ + ]  cron'; echo ' [ - ]  ssh'; echo ' [ ? ]  odd' >&2"})
	w := &task{ctx: t.Context(), env: env, r: module.OK(), found: value.NewMap(0)}
	w.scripts()
	if got := string(value.ToJSON(w.found)); got != `{"cron":{"name":"cron","state":"running","source":"sysv"},"ssh":{"name":"ssh","state":"stopped","source":"sysv"}}` {
		t.Error(got)
	}
}

func TestSystemd(t *testing.T) {
	env := programs(t, map[string]string{"systemctl": `case $1 in
list-units) cat <<END
  UNIT LOAD ACTIVE SUB DESCRIPTION
  cron.service loaded active running Regular jobs
  once.service loaded active exited Once
● lost.service not-found inactive dead lost.service
END
;;
list-unit-files) cat <<END
UNIT FILE STATE PRESET
cron.service enabled enabled
off.service disabled enabled
one@.service static -
END
;;
show) echo ActiveState=inactive;;
esac`})
	w := &task{ctx: t.Context(), env: env, r: module.OK(), found: value.NewMap(0)}
	w.systemd()
	for name, want := range map[string]string{
		"cron.service": "running enabled", "once.service": "stopped active", "lost.service": "stopped not-found",
		"off.service": "inactive disabled", "one@.service": "unknown static",
	} {
		s, _ := w.found.At(name).(*value.Map)
		if got := value.Str(s.At("state")) + " " + value.Str(s.At("status")); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}
