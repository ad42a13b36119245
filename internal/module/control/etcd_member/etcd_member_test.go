package etcdmember

import (
	"errors"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/value"
)

func TestSpec(t *testing.T) { moduletest.Spec(t, &Module.Spec) }

func run(t *testing.T, pairs ...any) *module.Result {
	t.Helper()
	return moduletest.Task(t, &moduletest.Controller{}, &Module, nil, value.MapOf(pairs...))
}

func fails(t *testing.T, part string, r *module.Result) {
	t.Helper()
	if !r.Failed || !strings.Contains(r.Msg, part) {
		t.Errorf("want a failure with %q, got %s", part, value.ToJSON(r.ToMap()))
	}
}

func TestMistakes(t *testing.T) {
	nowhere := []any{"http://127.0.0.1:1", "http://127.0.0.1:2"}
	fails(t, "missing required arguments: endpoints", run(t, "name", "a"))
	fails(t, "one of the following is required: name, id, peer_urls", run(t, "endpoints", nowhere))
	fails(t, "parameters are required together: user, password", run(t, "endpoints", nowhere, "name", "a", "user", "root"))
	fails(t, "ca_cert: ", run(t, "endpoints", nowhere, "name", "a", "ca_cert", "/no/such/file"))
	r := run(t, "endpoints", nowhere, "name", "a", "timeout", 1)
	fails(t, "no endpoint answers: http://127.0.0.1:1: dial tcp 127.0.0.1:1: connect: connection refused", r)
	fails(t, "http://127.0.0.1:2: ", r)
	fails(t, "nonsense: no URL such as", run(t, "endpoints", []any{"nonsense"}, "name", "a", "timeout", 1))
}

// three is a cluster of three voters, of which some are ill, and a learner.
func three(ill ...string) *view {
	v := &view{members: []member{
		{id: 0xa1, name: "a", peers: []string{"http://a:2380"}, clients: []string{"http://a:2379"}},
		{id: 0xb2, name: "b", peers: []string{"http://b:2380", "http://b2:2380"}},
		{id: 0xc3, name: "c", peers: []string{"http://c:2380"}},
		{id: 0xd4, peers: []string{"http://d:2380"}, learner: true, ill: "not started"},
	}}
	for i := range v.members {
		for _, name := range ill {
			if v.members[i].name == name {
				v.members[i].ill = "connection refused"
			}
		}
	}
	return v
}

func TestMajority(t *testing.T) {
	for _, c := range []struct {
		voters int
		ill    []string
		refuse string
	}{
		{voters: 3},
		{voters: 3, ill: []string{"a"}},
		{voters: 4},
		{voters: 4, ill: []string{"b"}, refuse: "cannot x: of 4 voting members then, 3 must be well for a majority and 2 would be; not well: b (connection refused)"},
		{voters: 3, ill: []string{"b", "c"}, refuse: "not well: b (connection refused), c (connection refused)"},
	} {
		v := three(c.ill...)
		err := v.majority(c.voters, v.well(), "x")
		if c.refuse == "" && err != nil || c.refuse != "" && (err == nil || !strings.Contains(err.Error(), c.refuse)) {
			t.Errorf("%v: %v", c, err)
		}
	}
}

func TestFind(t *testing.T) {
	for _, c := range []struct {
		args []any
		want string // the id, or part of the error
	}{
		{[]any{"name", "b"}, "b2"},
		{[]any{"name", "x"}, ""},
		{[]any{"id", "0xC3"}, "c3"},
		{[]any{"id", "c3", "name", "a"}, "c3"},
		{[]any{"peer_urls", []any{"http://b2:2380/"}}, "b2"},
		{[]any{"name", "d", "peer_urls", []any{"http://d:2380"}}, "d4"},
		{[]any{"name", "a", "peer_urls", []any{"http://new:2380"}}, "a1"},
		{[]any{"name", "a", "peer_urls", []any{"http://c:2380"}}, "is named c, not a"},
	} {
		args, err := Module.Spec.Parse(value.MapOf(append([]any{"endpoints", []any{"x"}}, c.args...)...))
		if err != nil {
			t.Fatal(err)
		}
		m, err := (&job{args: args}).find(three())
		got := ""
		switch {
		case err != nil:
			got = err.Error()
		case m != nil:
			got = hex(m.id)
		}
		if got != c.want && (err == nil || !strings.Contains(got, c.want)) {
			t.Errorf("%v: %q, not %q", c.args, got, c.want)
		}
	}
	want := "a=http://a:2380,b=http://b:2380,b=http://b2:2380,c=http://c:2380,d=http://d:2380"
	if got := three().initialCluster(0xd4, "d"); got != want {
		t.Error(got)
	}
}

// Many tries that were alike leave the first and the last.
func TestNote(t *testing.T) {
	j := &job{}
	for range 5 {
		j.note(j.deadline, errors.New("same"))
	}
	j.note(j.deadline, nil)
	j.note(j.deadline, errors.New("same"))
	if len(j.tries) != 4 {
		t.Errorf("%d tries are kept", len(j.tries))
	}
}
