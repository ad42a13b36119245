package template_test

import (
	"bufio"
	"bytes"
	"os"
	"testing"

	"github.com/tutti-run/tutti/internal/template"
	"github.com/tutti-run/tutti/internal/value"
)

// FuzzResolve: whatever the text, nothing panics and the limits hold.
func FuzzResolve(f *testing.F) {
	data, err := os.ReadFile("testdata/cases.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Scan()
	first, err := value.ParseJSON(lines.Bytes())
	if err != nil {
		f.Fatal(err)
	}
	for i := 0; lines.Scan(); i++ {
		v, err := value.ParseJSON(lines.Bytes())
		if err != nil {
			f.Fatal(err)
		}
		if s, ok := v.(*value.Map).At("template").(string); ok && i%3 == 0 {
			f.Add(s)
		}
	}
	vars, _ := value.MarkTemplates(first.(*value.Map).At("vars"), here).(*value.Map)
	limits := template.Limits{Output: 1 << 16, Steps: 5000, Depth: 40}
	engines := []*template.Engine{
		template.New(template.Options{Limits: limits, Do: true, LoopControls: true}),
		template.New(template.Options{Limits: limits, Native: true}),
	}
	f.Fuzz(func(t *testing.T, src string) {
		if bytes.Contains([]byte(src), []byte("pipe")) || bytes.Contains([]byte(src), []byte("lines")) ||
			bytes.Contains([]byte(src), []byte("password")) || bytes.Contains([]byte(src), []byte("url")) {
			return // these act on the machine, or are slow on purpose
		}
		for _, e := range engines {
			c := &template.Context{Vars: template.VarsOf(vars)}
			v, err := e.Resolve(c, text(src))
			if err == nil {
				value.ToJSON(v)
				if s, ok := v.(string); ok && len(s) > 2<<16 && len(src) < 1<<16 {
					t.Errorf("%d bytes of output", len(s))
				}
			}
			if _, err := e.File(c, src, template.FileOptions{}); err != nil && err.Error() == "" {
				t.Error("an error without a message")
			}
			_, _ = e.Condition(c, src)
		}
	})
}
