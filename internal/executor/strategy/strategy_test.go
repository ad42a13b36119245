package strategy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/executor/strategy"
	"github.com/tutti-run/tutti/internal/playbook"
)

func task(name string) *playbook.Task { return &playbook.Task{Name: name} }

func tasks(names ...string) []playbook.Item {
	var out []playbook.Item
	for _, n := range names {
		out = append(out, task(n))
	}
	return out
}

func name(t *playbook.Task) string {
	if t == nil {
		return ""
	}
	return t.Name.(string)
}

// walk runs a host through items; a task whose name begins with "fail" fails.
func walk(c *strategy.Cursor) (ran []string) {
	for t := c.Next(); t != nil; t = c.Next() {
		ran = append(ran, name(t))
		if strings.HasPrefix(name(t), "fail") {
			c.Fail()
		} else {
			c.Advance()
		}
	}
	return ran
}

func TestCursorBlocks(t *testing.T) {
	block := func(items, rescue, always []playbook.Item) *playbook.Block {
		return &playbook.Block{Items: items, Rescue: rescue, Always: always}
	}
	together := func(items, rescue, always []playbook.Item) *playbook.Block {
		b := block(items, rescue, always)
		b.Together = true
		return b
	}
	for _, c := range []struct {
		what   string
		items  []playbook.Item
		want   string
		failed bool
	}{
		{"together, a failure waits for the others", append([]playbook.Item{together(tasks("fail1", "a", "fail2", "b"), tasks("r"), tasks("z"))}, tasks("c")...), "fail1 a fail2 b r z c", false},
		{"together, without a rescue", append([]playbook.Item{together(tasks("fail", "a"), nil, tasks("z"))}, tasks("c")...), "fail a z", true},
		{"together, the failure of a block inside", append([]playbook.Item{together(append([]playbook.Item{block(tasks("fail", "x"), nil, tasks("y"))}, tasks("a")...), tasks("r"), nil)}, tasks("c")...), "fail y a r c", false},
		{"plain", tasks("a", "b"), "a b", false},
		{"a failure ends the host", tasks("a", "fail", "b"), "a fail", true},
		{"rescue takes over and the play goes on", append([]playbook.Item{block(tasks("a", "fail", "b"), tasks("r"), tasks("z"))}, tasks("c")...), "a fail r z c", false},
		{"always runs and the failure goes on", append([]playbook.Item{block(tasks("fail"), nil, tasks("z"))}, tasks("c")...), "fail z", true},
		{"a failing rescue fails the host after always", append([]playbook.Item{block(tasks("fail1"), tasks("fail2", "r"), tasks("z"))}, tasks("c")...), "fail1 fail2 z", true},
		{"rescue without a failure is passed over", append([]playbook.Item{block(tasks("a"), tasks("r"), tasks("z"))}, tasks("c")...), "a z c", false},
		{"the outer rescue takes the inner failure, after the inner always",
			[]playbook.Item{block([]playbook.Item{block(tasks("fail"), nil, tasks("z1"))}, tasks("r"), tasks("z2"))}, "fail z1 r z2", false},
		{"a failure in always fails", append([]playbook.Item{block(tasks("a"), tasks("r"), tasks("fail", "z"))}, tasks("c")...), "a fail", true},
		{"empty blocks", append([]playbook.Item{block(nil, nil, nil), block(nil, tasks("r"), tasks("z"))}, tasks("c")...), "z c", false},
	} {
		cursor := strategy.NewCursor(c.items)
		if got := strings.Join(walk(cursor), " "); got != c.want || cursor.Failed != c.failed {
			t.Errorf("%s: ran %q, failed %v; want %q, %v", c.what, got, cursor.Failed, c.want, c.failed)
		}
	}
}

func TestCursorTogether(t *testing.T) {
	names := func(list []playbook.Item) string {
		c := strategy.NewCursor(list)
		c.Skip = func(t *playbook.Task) bool { return name(t) == "skipped" }
		var out []string
		for t := c.Next(); t != nil; t = c.Next() {
			var with []string
			for _, o := range c.Together() {
				with = append(with, name(o))
			}
			out = append(out, name(t)+"("+strings.Join(with, " ")+")")
			c.Advance()
		}
		return strings.Join(out, " ")
	}
	b := &playbook.Block{Together: true, Items: append(tasks("a", "skipped"), &playbook.Block{Items: tasks("x", "y")}, task("b")), Always: tasks("z")}
	if got, want := names(append([]playbook.Item{b}, tasks("c")...)), "a(a b) x() y() b(b) z() c()"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestCursorInsertAndFlush(t *testing.T) {
	c := strategy.NewCursor(tasks("a", "include", "b"))
	handlers := []*playbook.Task{task("h1"), task("h2"), task("h3")}
	notified := map[string]bool{"h1": true}
	var ran []string
	for n := c.Next(); n != nil; n = c.Next() {
		ran = append(ran, name(n))
		switch name(n) {
		case "include":
			c.Insert([]*playbook.Block{{Items: tasks("i1", "flush", "i2")}}, []int{0})
		case "flush":
			c.Flush(handlers, func(h *playbook.Task) bool { return notified[name(h)] })
		case "h1":
			notified["h3"] = true // a handler may notify a later one
			c.Advance()
		default:
			c.Advance()
		}
	}
	if got, want := strings.Join(ran, " "), "a include i1 flush h1 h3 i2 b"; got != want {
		t.Errorf("ran %q, want %q", got, want)
	}
}

func runners(n int, items []playbook.Item) []*strategy.Runner {
	var out []*strategy.Runner
	for i := range n {
		out = append(out, &strategy.Runner{Host: fmt.Sprint("h", i), Cursor: strategy.NewCursor(items)})
	}
	return out
}

func TestLinearKeepsStep(t *testing.T) {
	block := &playbook.Block{Items: tasks("a", "b"), Rescue: tasks("r"), Always: tasks("z")}
	rs := runners(3, append([]playbook.Item{block}, tasks("c")...))
	var log []string
	for {
		steps := strategy.Linear(rs)
		if len(steps) == 0 {
			break
		}
		var hosts []string
		for _, r := range steps[0].Hosts {
			hosts = append(hosts, r.Host)
			if name(steps[0].Task) == "a" && r.Host == "h1" {
				r.Cursor.Fail()
			} else {
				r.Cursor.Advance()
			}
		}
		log = append(log, name(steps[0].Task)+":"+strings.Join(hosts, ","))
	}
	if got, want := strings.Join(log, " "), "a:h0,h1,h2 b:h0,h2 r:h1 z:h0,h1,h2 c:h0,h1,h2"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	rs = runners(2, tasks("a"))
	rs[0].Busy = true
	if steps := strategy.Linear(rs); steps != nil {
		t.Errorf("began %v while a host is busy", steps)
	}
}

func TestFreeAndPinned(t *testing.T) {
	rs := runners(3, tasks("a", "b"))
	rs[1].Busy = true
	if steps := strategy.Free(rs); len(steps) != 2 || steps[0].Hosts[0].Host != "h0" || steps[1].Hosts[0].Host != "h2" {
		t.Errorf("free began %v", steps)
	}
	rs = runners(3, tasks("a", "b"))
	pinned := strategy.HostPinned(1)
	var order []string
	for {
		steps := pinned(rs)
		if len(steps) == 0 {
			break
		}
		if len(steps) != 1 {
			t.Fatalf("%d hosts at once with a limit of 1", len(steps))
		}
		order = append(order, steps[0].Hosts[0].Host+name(steps[0].Task))
		steps[0].Hosts[0].Cursor.Advance()
	}
	if got, want := strings.Join(order, " "), "h0a h0b h1a h1b h2a h2b"; got != want {
		t.Errorf("host_pinned: %s, want %s", got, want)
	}
}

func TestUnknownStrategy(t *testing.T) {
	for _, n := range []string{"sideways"} {
		if _, err := strategy.ByName(n, 5); err == nil {
			t.Errorf("%s was accepted", n)
		}
	}
}
