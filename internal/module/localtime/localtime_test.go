package localtime

import (
	"archive/zip"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var summer = time.Date(2024, 7, 1, 12, 0, 0, 0, time.UTC)

func hour(z *time.Location) int { return summer.In(z).Hour() }

// zones writes files of time zones, which come with Go, and returns their folder.
func zones(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	all, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	for _, name := range names {
		f, err := all.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(name)), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestZoneOfEnvironment(t *testing.T) {
	dir := zones(t, "Asia/Tokyo")
	for _, c := range []struct {
		environ []string
		want    int
	}{
		{[]string{"TZ=Asia/Tokyo"}, 21},
		{[]string{"TZ=:Asia/Tokyo"}, 21},
		{[]string{"TZ=" + dir + "/Tokyo"}, 21},
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
	dir := zones(t, "Asia/Tokyo", "Europe/Vienna")
	f := file{path: filepath.Join(dir, "localtime")}
	if got := hour(f.zone()); got != 12 {
		t.Errorf("no file: %d o'clock", got)
	}
	for _, c := range []struct {
		target string
		want   int
	}{{"Tokyo", 21}, {"Vienna", 14}, {"Tokyo", 21}, {"none", 12}, {"Vienna", 14}} {
		os.Remove(f.path)
		if err := os.Symlink(c.target, f.path); err != nil {
			t.Fatal(err)
		}
		if got := hour(f.zone()); got != c.want {
			t.Errorf("%s: %d o'clock, want %d", c.target, got, c.want)
		}
	}
}
