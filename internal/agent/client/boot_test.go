package client

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/agent/embedded"
)

// The script asks for chunk after chunk, and executes what came if all came.
func TestPutScript(t *testing.T) {
	noise := make([]byte, 2*chunk+1000) // so that it does not shrink when packed
	for i := range noise {
		noise[i] = byte(rand.IntN(256))
	}
	program := append([]byte("#!/bin/sh\necho \"TUTTI-AGENT $*\"; exit\n"), noise...)
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = w.Write(program)
	_ = w.Close()
	a := &embedded.Agent{SHA256: strings.Repeat("0a", 32), Words: []string{"agent"}}
	for _, c := range []struct {
		name string
		data []byte
		gzip bool
		cut  int // bytes that get lost
		want string
	}{
		{"packed", packed.Bytes(), true, 0, "agent install %[1]s %[2]s serve %[1]s"},
		{"plain", program, false, 0, "agent install %[1]s %[2]s serve %[1]s"},
		{"whole chunks", program[:2*chunk], false, 0, "agent install %[1]s %[2]s serve %[1]s"},
		{"packed, cut", packed.Bytes(), true, 10, "fail copy %[2]s"},
		{"plain, cut", program, false, 10, "fail copy %[2]s"},
		{"plain, cut after the first chunk", program, false, chunk + 5, "fail copy %[2]s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			home := t.TempDir()
			cmd := exec.Command("/bin/sh", "-c", "m=TUTTI; u=0; "+(&Target{}).putScript(a, len(c.data), c.gzip))
			cmd.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH")}
			in, _ := cmd.StdinPipe()
			out, _ := cmd.StdoutPipe()
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(out)
			data := c.data[:len(c.data)-c.cut]
			asked := 0
			for ; len(data) >= chunk; asked++ {
				_, _ = in.Write(data[:chunk])
				data = data[chunk:]
				if !lines.Scan() || lines.Text() != "TUTTI-AGENT more" {
					t.Fatalf("asked %d times, then said %q", asked, lines.Text())
				}
			}
			_, _ = in.Write(data)
			_ = in.Close()
			dir := filepath.Join(home, cacheDir)
			want := "TUTTI-AGENT " + fmt.Sprintf(c.want, a.SHA256, dir)
			for lines.Scan() && lines.Text() == "TUTTI-AGENT more" { // what came was less
			}
			if got := lines.Text(); got != want {
				t.Errorf("it said %q, want %q", got, want)
			}
			_, _ = io.Copy(io.Discard, out)
			_ = cmd.Wait()
			left, _ := os.ReadDir(dir)
			if c.cut > 0 && len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
			if fi, err := os.Stat(dir); err != nil || fi.Mode().Perm() != 0o700 {
				t.Errorf("%v %v", fi, err)
			}
		})
	}
}
