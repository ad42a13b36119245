package battery_test

import (
	"bufio"
	"bytes"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/template"
	"github.com/tutti-run/tutti/internal/template/battery"
	"github.com/tutti-run/tutti/internal/value"
)

// TestRecorded holds the engine against the recorded answers in the file that
// TUTTI_BATTERY names.
func TestRecorded(t *testing.T) {
	path := os.Getenv("TUTTI_BATTERY")
	if path == "" {
		t.Skip("TUTTI_BATTERY names no file of recorded answers")
	}
	t.Setenv("BATTERY_ENV", "from-env")
	t.Setenv("TZ", "UTC")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []string{"expected", "expected_native"} {
		t.Run(mode, func(t *testing.T) {
			e := template.New(template.Options{Native: mode == "expected_native"})
			lines := bufio.NewScanner(bytes.NewReader(data))
			lines.Buffer(nil, 64<<20)
			right, all := 0, 0
			for lines.Scan() {
				v, err := value.ParseJSON(lines.Bytes())
				if err != nil {
					t.Fatal(err)
				}
				m := v.(*value.Map)
				want, ok := m.At(mode).(*value.Map)
				if !ok {
					continue
				}
				all++
				if bad := differs(battery.Answer(e, m), want); bad != "" {
					t.Errorf("%s %v %v\n%s", m.At("id"), m.At("mode"), m.At("template"), bad)
					continue
				}
				right++
			}
			t.Logf("%d of %d", right, all)
		})
	}
}

func differs(got, want *value.Map) string {
	show := func(m *value.Map) string { return string(value.ToJSON(m)) }
	if want.Has("error") {
		if !got.Has("error") {
			return " got " + show(got) + "\nwant " + show(want)
		}
		if strings.Contains(template.Str(want.At("message")), "is undefined") {
			name, _, _ := strings.Cut(template.Str(want.At("message")), " is undefined")
			name = name[strings.LastIndexByte(name, ' ')+1:]
			if !strings.Contains(template.Str(got.At("message")), name) {
				return "the message does not name " + name + ": " + show(got)
			}
		}
		return ""
	}
	if got.Has("error") || got.At("type") != want.At("type") || !alike(got.At("value"), want.At("value")) {
		return " got " + show(got) + "\nwant " + show(want)
	}
	return ""
}

// alike compares by what JSON shows; floats only nearly.
func alike(a, b any) bool {
	x, xok := a.(float64)
	y, yok := b.(float64)
	if xok && yok {
		return math.Abs(x-y) <= 1e-12*math.Max(math.Abs(x), math.Abs(y)) || math.IsNaN(x) && math.IsNaN(y)
	}
	return bytes.Equal(value.ToJSON(a), value.ToJSON(b))
}

func TestRun(t *testing.T) {
	in := `{"id":1,"template":"{{ a + 1 }}","vars":{"a":1}}

{"id":2,"template":"{{ b }}","vars":{}}
{"id":3,"template":"a is defined","vars":{"a":1},"mode":"when"}
{"id":4,"template":"{% include 'x.j2' %}\n","vars":{"a":1},"mode":"file","files":{"x.j2":"<{{ a }}>"}}
{"id":5,"template":["{{ a }}"],"vars":{"a":"{{ 1 }}"}}
`
	for _, c := range []struct {
		native bool
		want   string
	}{
		{false, `{"id":1,"value":"2","type":"str"}
{"id":2,"error":"AnsibleUndefinedVariable","message":"'b' is undefined"}
{"id":3,"value":true,"type":"bool"}
{"id":4,"value":"<1>\n","type":"str"}
{"id":5,"value":["1"],"type":"list"}
`},
		{true, `{"id":1,"value":2,"type":"int"}
{"id":2,"error":"AnsibleUndefinedVariable","message":"'b' is undefined"}
{"id":3,"value":true,"type":"bool"}
{"id":4,"value":"<1>\n","type":"str"}
{"id":5,"value":[1],"type":"list"}
`},
	} {
		var out strings.Builder
		if err := battery.Run(strings.NewReader(in), &out, c.native); err != nil {
			t.Fatal(err)
		}
		if out.String() != c.want {
			t.Errorf("native %v:\n got %s\nwant %s", c.native, out.String(), c.want)
		}
	}
	if err := battery.Run(strings.NewReader("[]"), &strings.Builder{}, false); err == nil {
		t.Error("a line that is no object was taken")
	}
}
