package module

import (
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/value"
)

var sample = Spec{
	Name: "ansible.builtin.sample",
	Params: []Param{
		{Name: "path", Type: Path, Required: true, Aliases: []string{"dest", "name"}},
		{Name: "state", Choices: []any{"absent", "file", "no"}, Default: "file"},
		{Name: "count", Type: Int},
		{Name: "size", Type: Bytes},
		{Name: "force", Type: Bool, Default: false},
		{Name: "tags", Type: List, Elements: Str},
		{Name: "ports", Type: List, Elements: Int},
		{Name: "opts", Type: Dict},
		{Name: "body", Type: JSONArg},
		{Name: "any", Type: Raw},
		{Name: "src", Type: Path},
		{Name: "content"},
		{Name: "users", Type: List, Elements: Dict, Options: []Param{
			{Name: "name", Required: true}, {Name: "uid", Type: Int, Default: 7},
		}},
		{Name: "secret", Internal: true},
	},
	Rules: Rules{
		MutuallyExclusive: [][]string{{"src", "content"}},
		RequiredTogether:  [][]string{{"size", "count"}},
		RequiredIf:        []RequiredIf{{Param: "state", Value: "absent", Needs: []string{"force"}}, {Param: "state", Value: "no", Needs: []string{"src", "content"}, Any: true}},
		RequiredBy:        map[string][]string{"opts": {"body"}},
	},
}

func TestParseValues(t *testing.T) {
	for _, c := range []struct{ raw, param, want string }{
		{`{"dest": "/x"}`, "path", "'/x'"},
		{`{"path": "/x"}`, "state", "'file'"},
		{`{"path": 5}`, "path", "'5'"},
		{`{"path": "/x", "size": 1, "count": " 5 "}`, "count", "5"},
		{`{"path": "/x", "size": 1, "count": true}`, "count", "1"},
		{`{"path": "/x", "force": "Yes"}`, "force", "True"},
		{`{"path": "/x", "force": 0}`, "force", "False"},
		{`{"path": "/x", "tags": "a,b , c"}`, "tags", "['a', 'b ', ' c']"},
		{`{"path": "/x", "tags": 3}`, "tags", "['3']"},
		{`{"path": "/x", "tags": [1, true]}`, "tags", "['1', 'True']"},
		{`{"path": "/x", "ports": "80,443"}`, "ports", "[80, 443]"},
		{`{"path": "/x", "body": "{}", "opts": "a=1, b='x y'"}`, "opts", "{'a': '1', 'b': 'x y'}"},
		{`{"path": "/x", "body": "{}", "opts": "{\"a\": 1}"}`, "opts", "{'a': 1}"},
		{`{"path": "/x", "body": "{}", "opts": "{'a': [1, None]}"}`, "opts", "{'a': [1, None]}"},
		{`{"path": "/x", "body": {"a": [1]}}`, "body", `'{"a": [1]}'`},
		{`{"path": "/x", "size": "1.5K", "count": 1}`, "size", "1536"},
		{`{"path": "/x", "any": [1, {"b": null}]}`, "any", "[1, {'b': None}]"},
		{`{"path": "/x", "content": {"a": true}}`, "content", `"{'a': True}"`},
		{`{"path": "/x", "state": false, "src": "/y"}`, "state", "'no'"},
		{`{"path": "/x", "users": [{"name": "u"}]}`, "users", "[{'name': 'u', 'uid': 7}]"},
		{`{"path": "~/$X/${Y}"}`, "path", "'~/$X/${Y}'"},
		{`{"path": "/x", "count": null}`, "count", "None"},
	} {
		raw := parseJSON(t, c.raw)
		args, err := sample.Parse(raw)
		if err != nil {
			t.Errorf("%s: %v", c.raw, err)
			continue
		}
		if got := value.Repr(args.Any(c.param)); got != c.want {
			t.Errorf("%s: %s = %s, want %s", c.raw, c.param, got, c.want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct{ raw, want string }{
		{`{}`, "missing required arguments: path"},
		{`{"bogus": 1}`, "missing required arguments: path"},
		{`{"path": "/x", "bogus": 1, "secret": 2}`, "Unsupported parameters for (sample) module: bogus, secret. Supported parameters include: any, body, content, count, force, opts, path, ports, size, src, state, tags, users (dest, name)."},
		{`{"path": "/x", "state": "present"}`, "value of state must be one of: absent, file, no, got: present"},
		{`{"path": "/x", "count": "five"}`, "argument 'count' is of type <class 'str'> and we were unable to convert to int: <class 'str'> cannot be converted to an int"},
		{`{"path": "/x", "count": 1.5}`, "argument 'count' is of type <class 'float'> and we were unable to convert to int: <class 'float'> cannot be converted to an int"},
		{`{"path": "/x", "force": "maybe"}`, "argument 'force' is of type <class 'str'> and we were unable to convert to bool: The value 'maybe' is not a valid boolean."},
		{`{"path": "/x", "ports": ["a"]}`, "Elements value for option 'ports' is of type <class 'str'> and we were unable to convert to int: <class 'str'> cannot be converted to an int"},
		{`{"path": "/x", "tags": {"a": 1}}`, "argument 'tags' is of type <class 'dict'> and we were unable to convert to list: <class 'dict'> cannot be converted to a list"},
		{`{"path": "/x", "src": "a", "content": "b"}`, "parameters are mutually exclusive: src|content"},
		{`{"path": "/x", "src": null, "content": "b"}`, "parameters are mutually exclusive: src|content"},
		{`{"path": "/x", "size": 5}`, "parameters are required together: size, count"},
		{`{"path": "/x", "state": "no"}`, "state is no but any of the following are missing: src, content"},
		{`{"path": "/x", "opts": "a=b"}`, "missing parameter(s) required by 'opts': body"},
		{`{"path": "/x", "users": [{"uid": 1}]}`, "missing required arguments: name found in users"},
		{`{"path": "/x", "users": [{"name": "u", "gid": 1}]}`, "Unsupported parameters for (sample) module: users.gid. Supported parameters include: name, uid."},
		{`{"path": "/x", "users": ["x"]}`, "dictionary requested, could not parse JSON or key=value"},
		{`{"path": "/x", "_raw_params": "foo"}`, "this task 'sample' has extra params"},
	} {
		_, err := sample.Parse(parseJSON(t, c.raw))
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s:\n got %v\nwant %s", c.raw, err, c.want)
		}
	}
}

func TestParseTarget(t *testing.T) {
	args, err := sample.ParseTarget(value.MapOf("path", "~/$X/${Y}/$Z", "secret", "s"), []string{"HOME=/home/u", "X=a", "Y=b c"})
	if err != nil {
		t.Fatal(err)
	}
	if got := args.String("path"); got != "/home/u/a/b c/$Z" {
		t.Errorf("path = %q", got)
	}
	if args.String("secret") != "s" || !args.Given("path") || args.Given("state") {
		t.Errorf("given or internal parameters are wrong: %v", args)
	}
}

func TestParseKeepsRawAndWarns(t *testing.T) {
	raw := value.MapOf("path", "/a", "dest", "/b")
	args, err := sample.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	if args.String("path") != "/b" || len(args.Warnings()) != 1 || raw.At("path") != "/a" || raw.Len() != 2 {
		t.Errorf("path %q, warnings %q, raw %s", args.String("path"), args.Warnings(), value.Repr(raw))
	}
}

func TestFreeForm(t *testing.T) {
	spec := Spec{Name: "ansible.builtin.command", FreeForm: "cmd", Params: []Param{{Name: "cmd"}}}
	args, err := spec.Parse(value.MapOf(RawParams, "echo hi"))
	if err != nil || args.String("cmd") != "echo hi" || !args.Given("cmd") {
		t.Errorf("cmd %q, error %v", args.String("cmd"), err)
	}
	if _, err = spec.Parse(value.MapOf(RawParams, "echo hi", "cmd", "ls")); err == nil {
		t.Error("both texts were accepted")
	}
}

func TestInspect(t *testing.T) {
	for _, c := range []struct {
		raw  *value.Map
		want string
	}{
		{value.MapOf("pth", "/x"), "did you mean path?"},
		{value.MapOf("state", "fil"), "did you mean file?"},
		{value.MapOf("state", value.Text("{{ x }}", diag.Pos{})), ""},
		{value.MapOf("count", "x"), "unable to convert to int"},
		{value.MapOf("users", []any{value.MapOf("nam", "x")}), "missing required arguments: name found in users"},
		{value.MapOf("path", "/x"), ""},
	} {
		found := sample.Inspect(c.raw)
		if c.want == "" {
			if len(found) > 0 {
				t.Errorf("%s: %+v", value.Repr(c.raw), found)
			}
			continue
		}
		if len(found) != 1 || !strings.Contains(found[0].Msg+found[0].Hint, c.want) {
			t.Errorf("%s: %+v, want %s", value.Repr(c.raw), found, c.want)
		}
	}
}

func TestHumanToBytes(t *testing.T) {
	for _, c := range []struct {
		s    string
		bits bool
		want int
	}{{"10", false, 10}, {"1K", false, 1024}, {"2 MB", false, 2 << 20}, {"1Mb", true, 1 << 20}, {"1.5G", false, 3 << 29}, {"5 bytes", false, 5}} {
		if got, err := HumanToBytes(c.s, c.bits); err != nil || got != c.want {
			t.Errorf("HumanToBytes(%q) = %d, %v; want %d", c.s, got, err, c.want)
		}
	}
	for _, s := range []string{"", "x", "1Q", "1Mb"} {
		if n, err := HumanToBytes(s, false); err == nil {
			t.Errorf("HumanToBytes(%q) = %d, want an error", s, n)
		}
	}
}

func parseJSON(t *testing.T, s string) *value.Map {
	t.Helper()
	v, err := value.ParseJSON([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return v.(*value.Map)
}
