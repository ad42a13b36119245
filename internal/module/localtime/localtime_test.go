package localtime

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

var summer = time.Date(2024, 7, 1, 12, 0, 0, 0, time.UTC)

func hour(z *time.Location) int { return summer.In(z).Hour() }

func TestZoneOfEnvironment(t *testing.T) {
	const zones = "/usr/share/zoneinfo/"
	if _, err := os.Stat(zones + "Asia/Tokyo"); err != nil {
		t.Skip("no tzdata here")
	}
	for _, c := range []struct {
		environ []string
		want    int
	}{
		{[]string{"TZ=Asia/Tokyo"}, 21},
		{[]string{"TZ=:Asia/Tokyo"}, 21},
		{[]string{"TZ=" + zones + "Asia/Tokyo"}, 21},
		{[]string{"TZ=Asia/Tokyo", "A=b", "TZ=UTC"}, 12},
		{[]string{"TZ="}, 12},
		{[]string{"TZ=No/Where"}, 12},
		{[]string{"TZ=/no/where"}, 12},
		{nil, hour(machine.zone())},
	} {
		if got := hour(Zone(c.environ)); got != c.want {
			t.Errorf("%q: %d o'clock, want %d", c.environ, got, c.want)
		}
	}
}

func TestZoneOfMachineIsReadAnew(t *testing.T) {
	zone := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join("/usr/share/zoneinfo", name))
		if err != nil {
			t.Skip("no tzdata here")
		}
		return data
	}
	dir := t.TempDir()
	for name, text := range map[string][]byte{"tokyo": zone("Asia/Tokyo"), "vienna": zone("Europe/Vienna")} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := file{path: filepath.Join(dir, "localtime")}
	if got := hour(f.zone()); got != 12 {
		t.Errorf("no file: %d o'clock", got)
	}
	for _, c := range []struct {
		target string
		want   int
	}{{"tokyo", 21}, {"vienna", 14}, {"tokyo", 21}, {"none", 12}, {"vienna", 14}} {
		os.Remove(f.path)
		if err := os.Symlink(c.target, f.path); err != nil {
			t.Fatal(err)
		}
		if got := hour(f.zone()); got != c.want {
			t.Errorf("%s: %d o'clock, want %d", c.target, got, c.want)
		}
	}
}
