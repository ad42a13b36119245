package seboolean

import (
	"context"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
)

func TestContract(t *testing.T) {
	mt.Bin(t, map[string]string{
		"semanage": `printf 'other_bool (on , on) x\na_bool (%s , %s) Allow a\n' $(tr 01 'f.' <$SE/booleans/a_bool | sed 's/f.*/off/;s/\..*/on/') $(cat $SE/stored)`,
		"setsebool": `p=; test $1 != -P || { p=1; shift; }; v=${1#*=}; echo "$v $v" >$SE/booleans/${1%=*}
test -z "$p" || { if test $v = 1; then echo on; else echo off; fi >$SE/stored; }`,
	})
	var dir string
	m := module.Target{Spec: spec, Run: func(ctx context.Context, env *module.Env, args module.Args) *module.Result {
		target := at(dir)
		return target.Run(ctx, env, args)
	}}
	with := func(t *testing.T, d string) {
		dir = d
		t.Setenv("SE", d)
		mt.Write(t, d, "booleans/a_bool", "0 0\n")
		mt.Write(t, d, "stored", "off\n")
	}
	mt.Run(t, &m, []mt.Case{
		{Name: "on", Setup: with, Args: `{"name": "a_bool", "state": true}`, Changed: true},
		{Name: "off already", Setup: with, Args: `{"name": "a_bool", "state": false, "persistent": true}`},
		{Name: "for ever", Setup: with, Args: `{"name": "a_bool", "state": true, "persistent": true}`, Changed: true},
		{Name: "no switch", Setup: with, Args: `{"name": "none", "state": true}`, Fails: "SELinux boolean none does not exist."},
		{Name: "no SELinux", Setup: func(_ *testing.T, _ string) { dir = "/nowhere" }, Args: `{"name": "a_bool", "state": true}`, Fails: "SELinux is disabled on this host."},
	})
}
