package find

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/value"
)

func TestContract(t *testing.T) {
	setup := func(t *testing.T, dir string) {
		old := mt.Write(t, dir, "a.log", "one\ntwo\n")
		mt.Write(t, dir, "b.txt", strings.Repeat("x", 3000))
		mt.Write(t, dir, ".hidden", "")
		mt.Write(t, dir, "d/c.log", "three\n")
		mt.Write(t, dir, "d/e/f[1]", "")
		os.Symlink("a.log", dir+"/l")
		os.Symlink("..", dir+"/d/up")
		past := time.Now().Add(-48 * time.Hour)
		os.Chtimes(old, past, past)
	}
	var cases []mt.Case
	for _, c := range []struct{ args, want string }{
		{``, "a.log b.txt"},
		{`"recurse": true`, "a.log b.txt d/c.log d/e/f[1]"},
		{`"recurse": true, "follow": true, "depth": 2`, "a.log b.txt d/c.log"},
		{`"hidden": true`, ".hidden a.log b.txt"},
		{`"patterns": "*.log", "recurse": true`, "a.log d/c.log"},
		{`"patterns": ["*.log", "*.txt"], "excludes": "b*"`, "a.log"},
		{`"patterns": "^[ab]\\.", "use_regex": true`, "a.log b.txt"},
		{`"patterns": "f[[]1]", "recurse": true`, "d/e/f[1]"},
		{`"patterns": "[!a]*"`, "b.txt"},
		{`"excludes": "*.log"`, "b.txt"},
		{`"file_type": "directory", "recurse": true`, "d d/e"},
		{`"file_type": "link"`, "l"},
		{`"file_type": "any"`, "a.log b.txt d l"},
		{`"size": "2k"`, "b.txt"},
		{`"size": "-2k"`, "a.log"},
		{`"age": "1d"`, "a.log"},
		{`"age": "-1d"`, "b.txt"},
		{`"contains": "tw"`, "a.log"},
		{`"contains": "wo"`, ""},
		{`"contains": "one.two", "read_whole_file": true`, ""},
		{`"contains": "one\\ntwo", "read_whole_file": true`, "a.log"},
	} {
		cases = append(cases, mt.Case{
			Name: c.args, Setup: setup, Args: strings.TrimSuffix(`{"paths": ["$DIR"], `+c.args, ", ") + "}",
			Verify: func(t *testing.T, dir string, r *module.Result) {
				var got []string
				for _, f := range r.Get("files").([]any) {
					rel, _ := filepath.Rel(dir, value.Str(f.(*value.Map).At("path")))
					got = append(got, rel)
				}
				slices.Sort(got) // they come in the directory's order
				if strings.Join(got, " ") != c.want || r.Get("matched") != len(got) || r.Msg != "All paths examined" {
					t.Errorf("found %q, want %q (%s)", got, c.want, r.Msg)
				}
			},
		})
	}
	cases = append(cases,
		mt.Case{Name: "not there", Args: `{"paths": ["$DIR/none", "$DIR"]}`, Verify: func(t *testing.T, dir string, r *module.Result) {
			if len(r.Warnings) != 1 || r.Get("skipped_paths").(*value.Map).At(dir+"/none") != "'"+dir+"/none' is not a directory" {
				t.Errorf("result %s", value.Repr(r.ToMap()))
			}
		}},
		mt.Case{Name: "checksum", Setup: setup, Args: `{"paths": "$DIR/d", "get_checksum": true}`, Verify: func(t *testing.T, dir string, r *module.Result) {
			if f := r.Get("files").([]any)[0].(*value.Map); f.At("checksum") != string(mt.Digest("three\n")) || f.At("pw_name") == "" {
				t.Errorf("file %s", value.Repr(f))
			}
		}},
		mt.Case{Name: "bad age", Args: `{"paths": "$DIR", "age": "old"}`, Fails: "failed to process age"},
		mt.Case{Name: "bad size", Args: `{"paths": "$DIR", "size": "1x"}`, Fails: "failed to process size"},
		mt.Case{Name: "bad pattern", Args: `{"paths": "$DIR", "patterns": "(", "use_regex": true}`, Fails: "pattern \"(\": "},
	)
	mt.Run(t, &Module, cases)
}
