//go:build lab

package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tutti-run/tutti/internal/lab"
)

var again = flag.Bool("again", false, "run each module's playbook once more, and write the table of what was compared")

// TestModules runs the playbook of each module in testdata/modules through
// ansible-playbook on one fresh host and through Tutti on another: with --check
// --diff, and for real. Every key and value of every task's result and the state of
// the hosts have to be the same. With -again there is a third run, after which
// nothing should have to change, and what came out is written to
// docs/modules-compared.md; with -run TestModules/NAME that row is renewed.
//
// Two playbooks run side by side, each on a pair of hosts of its own.
//
// A playbook's first lines may say
//
//	# packages: NAMES       Debian's packages that both hosts need beyond the lab's
//	# before: COMMAND       run on both hosts first
//	# after: COMMAND        run on both hosts at the end, whatever happened
//	# state: COMMAND        whose output belongs to the state of a host
//	# differs: KEY, TASK / KEY -- why     whose value has to differ
//	# without: KEY, TASK / KEY -- why     what only one of the two has
//	# unordered: KEY -- why               a list in no particular order
//	# apart: RUN / TASK -- why            a task not to be compared in that run
//	# unstated: PATH -- why               files that are no part of the state
func TestModules(t *testing.T) {
	needAnsible(t)
	books, err := filepath.Glob("testdata/modules/*.yml")
	if err != nil || len(books) == 0 {
		t.Fatalf("%d playbooks, %v", len(books), err)
	}
	var rows sync.Mutex
	table := readTable(t)
	t.Cleanup(func() { // when all of them have run
		if !*again {
			return
		}
		maps.DeleteFunc(table, func(name, _ string) bool { return !slices.Contains(books, "testdata/modules/"+name+".yml") })
		writeTable(t, table)
	})
	for _, book := range books {
		name := strings.TrimSuffix(filepath.Base(book), ".yml")
		t.Run(name, func(t *testing.T) {
			t.Parallel() // as many as there are processors
			l := modulePair(t)
			var c *moduleCase
			settle(t, func() []string {
				c = newModuleCase(t, book)
				c.run(t, l)
				return c.found
			})
			rows.Lock()
			defer rows.Unlock()
			table[name] = c.row(name)
		})
	}
}

// pairs are the labs of two hosts that nobody uses.
var pairs = func() chan string {
	free := make(chan string, 2)
	for n := range cap(free) {
		free <- fmt.Sprintf("e2e-pair%d", n+1)
	}
	return free
}()

// modulePair gives a test a lab for two hosts, until it ends.
func modulePair(t *testing.T) *lab.Lab {
	t.Helper()
	name := <-pairs
	t.Cleanup(func() { pairs <- name })
	l, err := lab.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Down(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// installOn puts packages and what they need onto both hosts, from where this
// machine has its own: the hosts reach nobody.
func installOn(t *testing.T, l *lab.Lab, packages []string) {
	t.Helper()
	dir := t.TempDir()
	status := filepath.Join(dir, "status")
	write(t, status, shOn(t, l, 1, "cat /var/lib/dpkg/status"))
	if err := os.Mkdir(filepath.Join(dir, "partial"), 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("apt-get", "update", "-qq").CombinedOutput(); err != nil { // a fresh machine has no lists
		t.Fatalf("apt-get update: %v: %s", err, out)
	}
	get := exec.Command("apt-get", append([]string{"install", "-qqy", "--download-only", "--no-install-recommends",
		"-o", "Dir::State::status=" + status, "-o", "Dir::Cache::archives=" + dir, "-o", "Dir::Cache::pkgcache=", "-o", "APT::Sandbox::User=root"}, packages...)...)
	if out, err := get.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", get, err, out)
	}
	var both sync.WaitGroup
	for i := 1; i <= 2; i++ {
		both.Go(func() {
			pack := exec.Command("tar", "-cC", dir, ".")
			unpack, err := l.Command(i, "/bin/sh", "-c", `mkdir /srv/debs && tar -xC /srv/debs && export DEBIAN_FRONTEND=noninteractive &&
				dpkg --install --force-unsafe-io /srv/debs/*.deb && rm -r /srv/debs`)
			if err != nil {
				t.Error(err)
				return
			}
			if unpack.Stdin, err = pack.StdoutPipe(); err != nil {
				t.Error(err)
				return
			}
			if err := pack.Start(); err != nil {
				t.Error(err)
				return
			}
			if out, err := unpack.CombinedOutput(); err != nil {
				t.Errorf("%s: %v: %s", packages, err, out)
			}
			if err := pack.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

const tablePath = "../docs/modules-compared.md"

const tableHead = `# Modules beside Ansible's

Written by ` + "`go test -tags lab -timeout 90m -run TestModules ./e2e -again`" + `. Each playbook in
e2e/testdata/modules runs with --check --diff and then twice, through ansible-playbook
on one fresh host and through Tutti on another. A case is one task in one of the
three runs; it is equal if every key and value of its result is, but for those that
the playbook's header names. The state of a host is the name, mode, owner and
content of what playbooks change, and what the header adds.

| module | tasks | results equal / of | state of the host |
|---|---|---|---|
`

// readTable reads the rows that are there, by module.
func readTable(t *testing.T) map[string]string {
	t.Helper()
	rows := map[string]string{}
	data, err := os.ReadFile(tablePath)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(data), "|---|---|---|---|\n")
	for line := range strings.Lines(text) {
		if name, _, ok := strings.Cut(strings.TrimPrefix(line, "| "), " |"); ok {
			rows[name] = strings.TrimSpace(line)
		}
	}
	return rows
}

func writeTable(t *testing.T, rows map[string]string) {
	t.Helper()
	text := tableHead
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		text += rows[name] + "\n"
	}
	write(t, tablePath, text)
}

// moduleCase is one module's comparison.
type moduleCase struct {
	book                 string
	packages             []string
	before, after, state []string
	marks                map[string]map[string]bool // differs, without... and what they name

	tasks, equal, of int
	sameState        bool
	found            []string // the differences
}

func newModuleCase(t *testing.T, book string) *moduleCase {
	t.Helper()
	source, err := os.ReadFile(book)
	if err != nil {
		t.Fatal(err)
	}
	c := &moduleCase{book: book, marks: map[string]map[string]bool{}}
	for line := range strings.Lines(string(source)) {
		key, rest, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch key {
		case "# packages":
			c.packages = strings.Fields(rest)
		case "# before":
			c.before = append(c.before, rest)
		case "# after":
			c.after = append(c.after, rest)
		case "# state":
			c.state = append(c.state, rest)
		case "# differs", "# without", "# unordered", "# apart", "# unstated":
			what, why, ok := strings.Cut(rest, " -- ")
			if !ok || why == "" {
				t.Fatalf("%s: no reason for %q", book, line)
			}
			kind := key[2:]
			if c.marks[kind] == nil {
				c.marks[kind] = map[string]bool{}
			}
			for _, k := range strings.Split(what, ", ") {
				c.marks[kind][k] = true
			}
		}
	}
	return c
}

func (c *moduleCase) row(name string) string {
	return fmt.Sprintf("| %s | %d | %d / %d | %s |", name, c.tasks, c.equal, c.of, word(c.sameState))
}

// outcome is what one task of one run came to.
type outcome struct {
	task   string
	result map[string]any
}

// player runs the playbook in dir and returns its outcomes.
type player func(t *testing.T, dir string, args ...string) []outcome

func (c *moduleCase) run(t *testing.T, l *lab.Lab) {
	if err := l.Up(2); err != nil {
		t.Fatal(err)
	}
	if len(c.packages) > 0 {
		installOn(t, l, c.packages)
	}
	runs := []struct {
		name string
		args []string
	}{{"check", []string{"--check", "--diff"}}, {"first", nil}}
	if *again {
		runs = append(runs, runs[1])
		runs[2].name = "second"
	}
	var outcomes [2][3][]outcome
	var state [2][]string
	var both sync.WaitGroup
	for i, play := range []player{playAnsible, playTutti} {
		if len(c.after) > 0 {
			defer func() { shOn(t, l, i+1, strings.Join(c.after, "\n")) }()
		}
		shOn(t, l, i+1, "hostname alpha; echo alpha >/etc/hostname; echo 127.0.1.1 alpha >>/etc/hosts; mkdir -m 1777 /srv/equal\n"+strings.Join(c.before, "\n"))
		dir := place(t)
		if err := os.CopyFS(dir, os.DirFS("testdata/modules")); err != nil {
			t.Fatal(err)
		}
		inventory(t, l, dir, i+1, i+1)
		both.Go(func() {
			for n, run := range runs {
				outcomes[i][n] = play(t, dir, append([]string{"-i", "hosts.ini", filepath.Base(c.book)}, run.args...)...)
			}
		})
	}
	both.Wait()
	for i := range state {
		state[i] = slices.DeleteFunc(hostState(t, l, i+1), func(line string) bool {
			for path := range c.marks["unstated"] {
				if strings.HasPrefix(line, path) {
					return true
				}
			}
			return false
		})
		for _, command := range c.state {
			state[i] = append(state[i], lines(shOn(t, l, i+1, command))...)
		}
	}
	for n, run := range runs {
		c.compare(run.name, outcomes[0][n], outcomes[1][n])
	}
	d := differences(state[0], state[1])
	if c.sameState = d == ""; !c.sameState {
		c.note("the state of the host differs (- ansible-playbook, + tutti):\n%s", d)
	}
}

func (c *moduleCase) note(format string, args ...any) {
	c.found = append(c.found, fmt.Sprintf(format, args...))
}

func (c *moduleCase) compare(run string, want, got []outcome) {
	c.tasks = max(c.tasks, len(want))
	for i, w := range want {
		if c.marks["apart"][run+" / "+w.task] {
			continue
		}
		c.of++
		if i >= len(got) || got[i].task != w.task {
			c.note("%s run: tutti has no task %q in place %d", run, w.task, i+1)
			continue
		}
		c.mask(w.task, w.result)
		c.mask(w.task, got[i].result)
		d := differences(flat("", w.result), flat("", got[i].result))
		if d == "" {
			c.equal++
			continue
		}
		c.note("%s run, task %q (- ansible-playbook, + tutti):\n%s", run, w.task, d)
	}
	if len(got) > len(want) {
		c.note("%s run: tutti has %d tasks, ansible-playbook %d", run, len(got), len(want))
	}
}

func (c *moduleCase) marked(kind, task, key string) bool {
	return c.marks[kind][key] || c.marks[kind][task+" / "+key]
}

// mask hides the values that have to differ, but not whether they are there.
func (c *moduleCase) mask(task string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			switch {
			case c.marked("without", task, k):
				delete(v, k)
				continue
			case c.marked("differs", task, k):
				v[k] = "DIFFERS"
				continue
			}
			c.mask(task, e)
			if l, ok := e.([]any); ok && c.marked("unordered", task, k) {
				slices.SortFunc(l, func(a, b any) int { return strings.Compare(fmt.Sprint(flat("", a)), fmt.Sprint(flat("", b))) })
			}
		}
	case []any:
		for _, e := range v {
			c.mask(task, e)
		}
	}
}

// flat is a result as lines, one a value.
func flat(path string, v any) []string {
	switch v := v.(type) {
	case map[string]any:
		list := []string{path + " is a dict"}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			list = append(list, flat(path+"."+k, v[k])...)
		}
		return list
	case []any:
		list := []string{fmt.Sprintf("%s has %d", path, len(v))}
		for i, e := range v {
			list = append(list, flat(fmt.Sprintf("%s[%d]", path, i), e)...)
		}
		return list
	}
	text, err := json.Marshal(v)
	if err != nil {
		return []string{fmt.Sprintf("%s: %v", path, err)}
	}
	text = booleans.ReplaceAll(text, []byte("Valid booleans include"))
	text = yamlText.ReplaceAll(text, []byte("\\u003cclass 'str'\\u003e"))
	return []string{path + " = " + address.ReplaceAllString(elsewhere.ReplaceAllString(string(text), "DIR/"), "ADDRESS")}
}

// own are the keys that say how a task was run rather than what came of it, and
// those that only Python can have; itsTemp is the value of those that name a
// temporary file of Ansible's own, itsDir a warning about where it keeps those.
var (
	own     = regexp.MustCompile(`^(invocation|_ansible_.*|deprecations|action|exception|error_at)$`)
	itsTemp = regexp.MustCompile(`/\.ansible/tmp/ansible-local-`)
	itsDir  = regexp.MustCompile(`^Module remote_tmp \S+ did not exist`)
)

// booleans is a list that Python writes in another order each time.
var booleans = regexp.MustCompile(`Valid booleans include: [^\\"]*`)

// yamlText is the class of text that Ansible itself has read: elsewhere it is str.
var yamlText = regexp.MustCompile(`\\u003cclass 'ansible\.parsing\.yaml\.objects\.AnsibleUnicode'\\u003e`)

// stripOwn leaves of a result what a playbook can rely on.
func stripOwn(result map[string]any) map[string]any {
	for _, key := range []string{"failed", "skipped"} { // they are there once the result is registered
		if result[key] == false {
			delete(result, key)
		}
	}
	if _, loop := result["results"]; loop && result["skipped"] == false {
		delete(result, "skipped") // the same
	}
	strip(result)
	return result
}

func strip(v any) {
	switch v := v.(type) {
	case map[string]any:
		if w, ok := v["warnings"].([]any); ok {
			if w = slices.DeleteFunc(w, func(e any) bool { return itsDir.MatchString(fmt.Sprint(e)) }); len(w) == 0 {
				delete(v, "warnings")
			}
		}
		maps.DeleteFunc(v, func(k string, e any) bool {
			text, _ := e.(string)
			// Where Ansible's diff names such a file, ours names what it stands for.
			return own.MatchString(k) || itsTemp.MatchString(text) || k == "after_header" && strings.HasSuffix(text, "/.ansible/tmp/source")
		})
		for _, e := range v {
			strip(e)
		}
	case []any:
		for _, e := range v {
			strip(e)
		}
	}
}

func playAnsible(t *testing.T, dir string, args ...string) []outcome {
	r := run(t, dir, append([]string{"env", "ANSIBLE_STDOUT_CALLBACK=ansible.posix.json", "ANSIBLE_DEVEL_WARNING=0", "/usr/bin/ansible-playbook"}, args...)...)
	var said struct {
		Plays []struct {
			Tasks []struct {
				Task  struct{ Name string }
				Hosts map[string]map[string]any
			}
		}
	}
	// Warnings come before it.
	begin := strings.Index(r.out, "\n{\n")
	if strings.HasPrefix(r.out, "{") {
		begin = 0
	}
	if begin < 0 {
		t.Errorf("ansible-playbook says\n%s", r.out)
		return nil
	}
	d := json.NewDecoder(strings.NewReader(r.out[begin:]))
	d.UseNumber()
	if err := d.Decode(&said); err != nil {
		t.Errorf("ansible-playbook says\n%s\n%v", r.out, err)
		return nil
	}
	var list []outcome
	for _, p := range said.Plays {
		for _, task := range p.Tasks {
			list = append(list, outcome{task.Task.Name, stripOwn(task.Hosts["alpha"])})
		}
	}
	return list
}

func playTutti(t *testing.T, dir string, args ...string) []outcome {
	events := filepath.Join(dir, ".home.events")
	r := run(t, dir, append([]string{program(t), "play", "--events", events}, args...)...)
	data, err := os.ReadFile(events)
	if err != nil {
		t.Errorf("tutti says\n%s\n%v", r.out, err)
		return nil
	}
	var list []outcome
	in := bufio.NewScanner(bytes.NewReader(data))
	in.Buffer(nil, 64<<20)
	for in.Scan() {
		var e struct {
			Event  string
			Task   struct{ Name string }
			IsItem bool `json:"is_item"`
			Result map[string]any
		}
		d := json.NewDecoder(bytes.NewReader(in.Bytes()))
		d.UseNumber()
		if err := d.Decode(&e); err != nil {
			t.Errorf("events: %v: %s", err, in.Text())
			return nil
		}
		if e.Event == "result" && !e.IsItem {
			list = append(list, outcome{e.Task.Name, stripOwn(e.Result)})
		}
	}
	if len(list) == 0 {
		t.Errorf("tutti says\n%s", r.out)
	}
	return list
}
