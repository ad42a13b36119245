//go:build lab

package e2e

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"

	"github.com/tutti-run/tutti/internal/lab"
)

// TestEqual runs each playbook of testdata/equal twice through ansible-playbook
// on one pair of hosts and twice through Tutti on another: recap, exit code,
// what each task said, and the state of the hosts and of the folder that the
// playbook is in have to be the same.
//
// A playbook's first lines may say "# args: ..." for both programs, and "# order:
// any" where chance decides in which order headings and results come.
func TestEqual(t *testing.T) {
	needAnsible(t)
	books, err := filepath.Glob("testdata/equal/*.yml")
	if err != nil || len(books) < 20 {
		t.Fatalf("%d playbooks, %v", len(books), err)
	}
	var table strings.Builder
	for _, book := range books {
		name := strings.TrimSuffix(filepath.Base(book), ".yml")
		t.Run(name, func(t *testing.T) {
			var recap, state bool
			settle(t, func() (found []string) {
				recap, state, found = compare(t, filepath.Base(book))
				return found
			})
			fmt.Fprintf(&table, "%-24s %-12s %s\n", name, word(recap), word(state))
		})
	}
	t.Logf("\n%-24s %-12s %s\n%s", "playbook", "recap", "state", table.String())
}

func word(ok bool) string {
	if ok {
		return "equal"
	}
	return "DIFFERENT"
}

// needAnsible installs the real ansible-playbook, and the collections whose
// modules are compared, if they are missing.
func needAnsible(t *testing.T) {
	t.Helper()
	_, program := exec.LookPath("/usr/bin/ansible-playbook")
	_, collections := os.Stat("/usr/lib/python3/dist-packages/ansible_collections/community/general")
	if program == nil && collections == nil {
		return
	}
	install := exec.Command("sh", "-c", "apt-get update -qq && apt-get install -qy --no-install-recommends ansible-core ansible")
	install.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("cannot install ansible, to compare with: %v: %s", err, out)
	}
}

// side is one of the two programs with its hosts.
type side struct {
	argv  []string
	hosts [2]int
	dir   string
	runs  [2]ran
}

func compare(t *testing.T, book string) (recap, state bool, found []string) {
	note := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	if err := freshHosts(t); err != nil {
		t.Fatal(err)
	}
	sides := []*side{
		{argv: []string{"/usr/bin/ansible-playbook"}, hosts: [2]int{1, 2}},
		{argv: []string{program(t), "play"}, hosts: [2]int{3, 4}},
	}
	source, err := os.ReadFile(filepath.Join("testdata/equal", book))
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"-i", "hosts.ini", book}
	anyOrder := strings.Contains(string(source), "\n# order: any\n")
	for _, line := range strings.Split(string(source), "\n") {
		if rest, ok := strings.CutPrefix(line, "# args: "); ok {
			args = append(args, strings.Fields(rest)...)
		}
	}
	var both sync.WaitGroup
	for _, s := range sides {
		s.dir = place(t)
		if err := os.CopyFS(s.dir, os.DirFS("testdata/equal")); err != nil {
			t.Fatal(err)
		}
		inventory(t, labHosts(t), s.dir, s.hosts[0], s.hosts[1])
		both.Go(func() {
			for i := range s.runs {
				s.runs[i] = run(t, s.dir, append(append([]string{}, s.argv...), args...)...)
			}
		})
	}
	both.Wait()
	want, got := sides[0], sides[1]
	recap, state = true, true
	for i := range got.runs {
		w, g := want.runs[i], got.runs[i]
		same := true
		if w.recap() != g.recap() || w.code != g.code {
			recap, same = false, false
			note("run %d: ansible-playbook exits with %d and says\n%s\ntutti with %d and\n%s", i+1, w.code, w.recap(), g.code, g.recap())
		}
		if d := differences(w.story(anyOrder), g.story(anyOrder)); d != "" {
			same = false
			note("run %d: what tasks say differs (- ansible-playbook, + tutti):\n%s", i+1, d)
		}
		if !same {
			note("run %d: ansible-playbook says\n%s\nEND\n\ntutti says\n%s\nEND", i+1, w.out, g.out)
		}
	}
	for n := range want.hosts {
		if d := differences(hostState(t, labHosts(t), want.hosts[n]), hostState(t, labHosts(t), got.hosts[n])); d != "" {
			state = false
			note("the state of %s differs (- ansible-playbook, + tutti):\n%s", []string{"alpha", "beta"}[n], d)
		}
	}
	if d := differences(tree(t, want.dir), tree(t, got.dir)); d != "" {
		state = false
		note("the playbook's folder differs (- ansible-playbook, + tutti):\n%s", d)
	}
	return recap, state, found
}

// freshHosts starts the lab anew, with the names that both inventories use.
func freshHosts(t *testing.T) error {
	l := labHosts(t)
	if err := l.Up(4); err != nil {
		return err
	}
	for i, name := range []string{"alpha", "beta", "alpha", "beta"} {
		if _, err := l.Sh(i+1, "hostname "+name+" && echo "+name+" >/etc/hostname && echo 127.0.1.1 "+name+" >>/etc/hosts && mkdir -m 1777 /srv/equal"); err != nil {
			return err
		}
	}
	return nil
}

// said matches how a task's result begins, with the host and the item.
var said = regexp.MustCompile(`^(ok|changed|skipping|fatal|failed|included|FAILED - RETRYING|ASYNC \w+ on \w+): ?(\[[^\]]*\]( \(\d+ retries left\))?(: FAILED!|: UNREACHABLE!)?( => \(item=.*?\)( =>|$)| =>|$|:)|\S+ for .*)`)

// story tells which tasks came and how they ended, hosts in a fixed order; in
// any order, it tells only how they ended.
func (r ran) story(anyOrder bool) []string {
	var story, results []string
	flush := func() {
		if anyOrder {
			return
		}
		sort.Strings(results)
		story = append(story, results...)
		results = nil
	}
	for _, line := range strings.Split(r.out, "\n") {
		line = strings.TrimRight(line, " *")
		switch {
		case strings.HasPrefix(line, "PLAY [") || strings.HasPrefix(line, "TASK [") || strings.HasPrefix(line, "RUNNING HANDLER ["):
			flush()
			if !anyOrder {
				story = append(story, line)
			}
		case said.MatchString(line):
			text := address.ReplaceAllString(elsewhere.ReplaceAllString(said.FindString(line), "DIR/"), "ADDRESS")
			// Who comes to an include at the same moment shares its line.
			if file, hosts, ok := strings.Cut(text, " for "); ok && strings.HasPrefix(text, "included: ") {
				for _, h := range strings.Split(hosts, ", ") {
					results = append(results, file+" for "+h)
				}
				continue
			}
			results = append(results, text)
		}
	}
	anyOrder = false
	flush()
	return story
}

// elsewhere are the folders that the two programs run in, address those of their
// hosts.
var (
	elsewhere = regexp.MustCompile(`/tmp/e2e\d+/`)
	address   = regexp.MustCompile(`10\.213\.\d+\.\d+`)
)

var (
	stamp  = regexp.MustCompile(`\.\d+\.\d{4}-\d\d-\d\d@\d\d:\d\d:\d\d~`) // of backups
	itsOwn = regexp.MustCompile(`^(/etc/(ssh/ssh_host|machine-id)|\S+/\.(ansible|ansible_async|cache|rpmdb)\b)`)
)

// hostState lists what playbooks change on a host.
func hostState(t *testing.T, l *lab.Lab, i int) []string {
	t.Helper()
	out := shOn(t, l, i, `python3 - <<'END'
import glob, os, stat, hashlib, pwd, grp
def name(f, n):
    try: return f(n)[0]
    except KeyError: return str(n)
def show(path):
    st = os.lstat(path)
    more = ''
    if stat.S_ISREG(st.st_mode): more = '%d %s' % (st.st_size, hashlib.sha1(open(path, 'rb').read()).hexdigest())
    if stat.S_ISLNK(st.st_mode): more = '-> ' + os.readlink(path)
    print(path, stat.filemode(st.st_mode), name(pwd.getpwuid, st.st_uid), name(grp.getgrgid, st.st_gid), more)
for top in ['/srv/equal', '/etc', '/home', '/root', '/opt', '/usr/local', '/var/spool/cron'] + glob.glob('/usr/share/tutti*'):
    for dir, dirs, files in os.walk(top):
        show(dir)
        for f in files + [d for d in dirs if os.path.islink(os.path.join(dir, d))]: show(os.path.join(dir, f))
END
cat /etc/passwd /etc/group /etc/shadow; dpkg -l | grep tutti || true`)
	return lines(out)
}

func lines(text string) []string {
	var list []string
	for _, line := range strings.Split(stamp.ReplaceAllString(text, ".BACKUP~"), "\n") {
		line = strings.ReplaceAll(strings.TrimSpace(line), "'", "")
		if line != "" && !itsOwn.MatchString(line) {
			list = append(list, line)
		}
	}
	sort.Strings(list)
	return list
}

// tree lists a folder on this machine.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var text strings.Builder
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if path == ".home" || path == "hosts.ini" {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		sum := ""
		if fi.Mode().IsRegular() {
			data, err := os.ReadFile(filepath.Join(dir, path))
			if err != nil {
				return err
			}
			hash := sha1.Sum(elsewhere.ReplaceAll(data, []byte("DIR/")))
			sum = hex.EncodeToString(hash[:])
		}
		fmt.Fprintln(&text, path, fi.Mode(), sum)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines(text.String())
}

// differences shows the lines that only one of two lists has.
func differences(a, b []string) string {
	count := map[string]int{}
	for _, line := range a {
		count[line]++
	}
	for _, line := range b {
		count[line]--
	}
	var out strings.Builder
	show := func(sign string, list []string, positive bool) {
		seen := map[string]bool{}
		for _, line := range list {
			if n := count[line]; !seen[line] && (positive && n > 0 || !positive && n < 0) {
				fmt.Fprintln(&out, sign, line)
			}
			seen[line] = true
		}
	}
	show("-", a, true)
	show("+", b, false)
	if out.Len() == 0 && !slices.Equal(a, b) {
		return "the order"
	}
	return out.String()
}
