//go:build lab

package e2e

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestLargeFiles sees to it that neither side holds a file to move it: what is
// moved is several times as large as what either may take.
func TestLargeFiles(t *testing.T) {
	const size, most = 320 << 20, 160 << 20
	b := newBench(t, nil)
	sh(t, 3, "rm -rf /tmp/large && install -d -m 777 /tmp/large")
	t.Cleanup(func() { sh(t, 3, "rm -rf /tmp/large") })
	want := longTemplate(t, filepath.Join(b.dir, "text.j2"), size)
	write(t, filepath.Join(b.dir, "loop.j2"), "{% for i in range(4000) %}{% for j in range(1000) %}"+strings.Repeat("x", 97)+"{{ i % 10 }}\n{% endfor %}{% endfor %}")
	write(t, filepath.Join(b.dir, "hole"), "begin")
	if err := os.Truncate(filepath.Join(b.dir, "hole"), size); err != nil {
		t.Fatal(err)
	}
	parts := filepath.Join(b.dir, "parts")
	if err := os.Mkdir(parts, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(filepath.Join(b.dir, "hole"), filepath.Join(parts, "1")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(parts, "2"), "end\n")

	// The peak of a process is asked for from within: what the kernel tells about a
	// child that has ended counts what its parent had when it made it.
	s := b.start(b.play("host3", `
    - {name: text, template: {src: text.j2, dest: /tmp/large/text}}
    - {name: loop, template: {src: loop.j2, dest: /tmp/large/loop}}
    - {name: copy, copy: {src: hole, dest: /tmp/large/hole}}
    - {name: fetch, fetch: {src: /tmp/large/hole, dest: back, flat: true}}
    - {name: assemble, assemble: {src: parts/, dest: /tmp/large/whole, remote_src: false}}
    - {name: archive, archive: {path: /tmp/large/hole, dest: /tmp/large/a.tgz, force_archive: true}}
    - {name: folder, file: {path: /tmp/large/out, state: directory}}
    - {name: unarchive, unarchive: {src: /tmp/large/a.tgz, dest: /tmp/large/out, remote_src: true}}
    - {name: agent, shell: "awk '/VmHWM/ {print \"agent=\" $2}' /proc/$PPID/status; cat /proc/$PPID/comm", register: agent}
    - {name: tell, debug: {var: agent.stdout_lines}}
    - {name: controller, debug: {msg: "{{ lookup('pipe', peak) }}"}, vars: {peak: "awk '/VmHWM/ {print \"controller=\" $2}' /proc/$PPID/status"}}
`))
	r, _ := s.end()
	if r.code != 0 {
		t.Fatalf("exit %d\n%s", r.code, r.out)
	}
	for _, side := range []string{"controller", "agent"} {
		_, text, _ := strings.Cut(r.out, `"`+side+"=")
		text, _, _ = strings.Cut(text, `"`)
		if taken, err := strconv.Atoi(text); err != nil || taken<<10 > most {
			t.Errorf("the %s took %s KiB (%v)\n%s", side, text, err, r.out)
		} else {
			t.Logf("the %s took %d KiB", side, taken)
		}
	}
	for path, sum := range map[string]string{
		"text": want, "hole": hashOf(t, filepath.Join(b.dir, "hole")), "out/hole": hashOf(t, filepath.Join(b.dir, "back")),
	} {
		if got := sh(t, 3, "sha256sum /tmp/large/"+path); !strings.HasPrefix(got, sum) {
			t.Errorf("%s: %s, want %s", path, got, sum)
		}
	}
	if got := strings.TrimSpace(sh(t, 3, "stat -c %s /tmp/large/loop /tmp/large/whole; tail -n 1 /tmp/large/loop; tail -c 4 /tmp/large/whole")); got != fmt.Sprintf("%d\n%d\n%s9\nend", 4_000_000*99, size+5, strings.Repeat("x", 97)) {
		t.Errorf("host3 has %s", got)
	}
}

// longTemplate writes a template of at least size bytes to path, and returns the
// hash of what it makes on host3.
func longTemplate(t *testing.T, path string, size int) string {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out, sum := bufio.NewWriter(f), sha256.New()
	block := strings.Repeat("a line of the template with nothing in it but text, as there are many\n", 1000)
	for n := 0; n < size; n += len(block) {
		_, _ = out.WriteString("{% if true %}host {{ inventory_hostname }}\n{% endif %}" + block) // Flush tells
		_, _ = io.WriteString(sum, "host host3\n"+block)
	}
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func hashOf(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(sum.Sum(nil))
}
