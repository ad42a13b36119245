package lvol

import (
	"testing"

	mt "github.com/tutti-run/tutti/internal/module/moduletest"
)

// The stand-ins keep volumes as lines of a file; the lab has the real programs.
func TestContract(t *testing.T) {
	mt.Bin(t, map[string]string{
		"lvm":      `echo "  LVM version:     2.03.16(2) (2022-05-18)"`,
		"vgs":      `for vg; do :; done; test $vg = data || exit 5; echo "  data;100.00;40.00;4.00"`,
		"lvs":      `sed 's/^/  /' $LVM/lvs`,
		"lvcreate": `test "$1" = --test || echo "$3;$(echo $5 | tr -d m).00;-wi-a-----" >>$LVM/lvs`,
		"lvextend": `case "$*" in *--test*) ;; *) sed -i "s/^there;[^;]*/there;$(echo $2 | tr -d m).00/" $LVM/lvs;; esac`,
		"lvreduce": `case "$*" in *--test*) ;; *) sed -i "s/^there;[^;]*/there;$(echo $3 | tr -d m).00/" $LVM/lvs;; esac`,
		"lvremove": `test "$1" = --test || sed -i "/^there;/d" $LVM/lvs`,
		"lvchange": `case $1 in -ay) a=a;; *) a=-;; esac; sed -i "s/^\(${2#data/};.*;-wi-\)./\1$a/" $LVM/lvs`,
	})
	with := func(t *testing.T, dir string) {
		t.Setenv("LVM", dir)
		mt.Write(t, dir, "lvs", "there;20.00;-wi-a-----\npool;20.00;twi-a-tz--\n")
	}
	mt.Run(t, &Module, []mt.Case{
		{Name: "create", Setup: with, Args: `{"vg": "data", "lv": "new", "size": "8"}`, Changed: true},
		{Name: "there", Setup: with, Args: `{"vg": "data", "lv": "there", "size": "20"}`},
		{Name: "larger", Setup: with, Args: `{"vg": "data", "lv": "there", "size": "24m"}`, Changed: true},
		{Name: "smaller", Setup: with, Args: `{"vg": "data", "lv": "there", "size": "8m", "force": true}`, Changed: true},
		{Name: "hide", Setup: with, Args: `{"vg": "data", "lv": "there", "active": false}`, Changed: true},
		{Name: "remove", Setup: with, Args: `{"vg": "data", "lv": "there", "state": "absent", "force": true}`, Changed: true},
		{Name: "removed already", Setup: with, Args: `{"vg": "data", "lv": "none", "state": "absent"}`},
		{Name: "smaller without force", Setup: with, Args: `{"vg": "data", "lv": "there", "size": "8m"}`, Fails: "Sorry, no shrinking of there without force=true."},
		{Name: "more than is free", Setup: with, Args: `{"vg": "data", "lv": "there", "size": "90%VG"}`, Fails: "Not enough free space left (68.0m required / 40.0m available)"},
		{Name: "snapshot of a pool", Setup: with, Args: `{"vg": "data", "lv": "pool", "snapshot": "s", "size": "4"}`, Fails: "Snapshots of thin pool LVs are not supported."},
		{Name: "share of a pool", Setup: with, Args: `{"vg": "data", "lv": "new", "thinpool": "pool", "size": "10%VG"}`, Fails: "Thin volume sizing with percentage not supported."},
		{Name: "no group", Setup: with, Args: `{"vg": "none", "lv": "there"}`, Fails: "Volume group none does not exist."},
		{Name: "neither", Setup: with, Args: `{"vg": "data"}`, Fails: "one of the following is required: lv, thinpool"},
	})
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]size{
		"":          {unit: "m"},
		"512":       {number: "512", unit: "m"},
		"1.5G":      {number: "1.5", unit: "G"},
		"+100%FREE": {operator: "+", number: "100%FREE", percent: 100, whole: "FREE"},
		"-4m":       {operator: "-", number: "4", unit: "m"},
	} {
		if got, failed := parseSize(text); failed != nil || got != want {
			t.Errorf("%q: %+v, %+v", text, got, failed)
		}
	}
	for _, text := range []string{"m", "+", ".5g", "many", "5%", "5%ORIGIN", "101%VG", "x%VG"} {
		if got, failed := parseSize(text); failed == nil {
			t.Errorf("%q is %+v", text, got)
		}
	}
}
