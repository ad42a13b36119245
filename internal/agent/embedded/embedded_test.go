package embedded

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strings"
	"testing"
)

// Whatever the agents are, each is what its hash says.
func TestBuiltin(t *testing.T) {
	list, err := Builtin("agent").Agents()
	if err != nil || len(list) == 0 {
		t.Fatalf("%d agents, %v", len(list), err)
	}
	for _, a := range list {
		packed, err := a.Gzip()
		if err != nil {
			t.Fatal(err)
		}
		r, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.New()
		if _, err := io.Copy(sum, r); err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(sum.Sum(nil)); got != a.SHA256 {
			t.Errorf("%s/%s is %s, not %s", a.OS, a.Arch, got, a.SHA256)
		}
	}
}

func TestFor(t *testing.T) {
	both := []Agent{{OS: "linux", Arch: "amd64"}, {OS: "linux", Arch: "arm64"}}
	if a, err := For(both, "linux", "arm64"); err != nil || a.Arch != "arm64" {
		t.Errorf("%v %v", a, err)
	}
	if _, err := For(both, "linux", "riscv64"); err == nil || !strings.Contains(err.Error(), "linux/riscv64, only for linux/amd64 linux/arm64") {
		t.Errorf("%v", err)
	}
	self := []Agent{{OS: "linux", Arch: "amd64", Words: []string{"agent"}}}
	if _, err := For(self, "linux", "arm64"); err == nil || !strings.Contains(err.Error(), "make build") {
		t.Errorf("%v", err)
	}
}
