package half

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/module/source"
	"github.com/tutti-run/tutti/internal/value"
)

// found is the half of an action plugin.
func found(t *testing.T, action module.Name) *module.Half {
	t.Helper()
	h := module.NewRegistry(nil, nil, All(source.NewCache())...).Half(action)
	if h == nil {
		t.Fatalf("there is no half %s", action)
	}
	return h
}

func TestPlans(t *testing.T) {
	local := value.MapOf("ansible_connection", "local", "kind", "Pod")
	away := value.MapOf("ansible_connection", "ssh", "kind", "Pod")
	for _, c := range []struct {
		name   string
		action module.Name
		vars   *value.Map
		args   string
		want   string // the arguments that the module gets
		fails  string
	}{
		{"patch", "ansible.posix.patch", away, `{"basedir": "/"}`, "", "src is required"},
		{"patch there", "ansible.posix.patch", away, `{"src": "x", "remote_src": "yes"}`, `{"src": "x", "remote_src": "yes"}`, ""},
		{"no patch", "ansible.posix.patch", away, `{"src": "x"}`, "", "Could not find or access 'x'"},

		{"template", "kubernetes.core.k8s", away, `{"template": "$DIR/templates/a.j2", "state": "present"}`, `{"state": "present", "definition": [{"kind": "Pod", "l": [1]}, {"b": 2}]}`, ""},
		{"template and definition", "kubernetes.core.k8s", away, `{"template": {"path": "$DIR/templates/b.j2"}, "definition": {"c": 1}}`, `{"template": {"path": "$DIR/templates/b.j2"}, "definition": [{"c": "Pod"}]}`, ""},
		{"templates", "kubernetes.core.k8s", away, `{"template": ["$DIR/templates/b.j2", {"path": "$DIR/templates/b.j2", "newline_sequence": "\\n"}]}`, `{"definition": [{"c": "Pod"}, {"c": "Pod"}]}`, ""},
		{"no path", "kubernetes.core.k8s", away, `{"template": {"trim_blocks": true}}`, "", "Please specify path for template."},
		{"a number", "kubernetes.core.k8s", away, `{"template": 3}`, "", "a string or dict for template expected, but got int instead"},
		{"newline", "kubernetes.core.k8s", away, `{"template": {"path": "$DIR/templates/b.j2", "newline_sequence": "x"}}`, "", "newline_sequence needs to be one of"},
		{"not YAML", "kubernetes.core.k8s", away, `{"template": "$DIR/templates/bad.j2"}`, "", "bad.j2:2:1"},
		{"wrong module", "kubernetes.core.k8s_info", away, `{"template": "$DIR/templates/a.j2"}`, "", "'template' is only a supported parameter for the 'k8s' module."},
		{"kubeconfig", "kubernetes.core.helm", local, `{"kubeconfig": "$DIR/files/one:$DIR/files/one"}`, `{"kubeconfig": "$DIR/files/one:$DIR/files/one"}`, ""},
		{"no kubeconfig", "kubernetes.core.helm", local, `{"kubeconfig": "two"}`, "", "Could not find or access 'two'"},
		{"kubeconfig there", "kubernetes.core.helm", away, `{"kubeconfig": "two"}`, `{"kubeconfig": "two"}`, ""},
		{"kubeconfig list", "kubernetes.core.helm", away, `{"kubeconfig": [1]}`, "", "a string or dict expected, but got list"},
		{"src", "kubernetes.core.k8s", local, `{"src": "two"}`, "", "Could not find or access 'two'"},
		{"src there", "kubernetes.core.k8s", away, `{"src": "two"}`, `{"src": "two"}`, ""},
		{"src of a server", "kubernetes.core.k8s", local, `{"src": "https://x/y"}`, `{"src": "https://x/y"}`, ""},
		{"copy", "kubernetes.core.k8s_cp", local, `{"local_path": "$DIR/files/one", "state": "to_pod"}`, `{"local_path": "$DIR/files/one", "state": "to_pod"}`, ""},
		{"copy nothing", "kubernetes.core.k8s_cp", local, `{"local_path": "two", "state": "to_pod"}`, "", "two does not exist in local filesystem"},

		{"copy into", "community.docker.docker_container_copy_into", away, `{"path": "x"}`, `{"path": "x", "_max_file_size_for_diff": 104448}`, ""},

		{"object", "amazon.aws.s3_object", away, `{"mode": "get"}`, `{"mode": "get"}`, ""},
		{"object there", "amazon.aws.s3_object", away, `{"src": "/there"}`, `{"src": "/there"}`, ""},
		{"object here", "amazon.aws.s3_object", away, `{"src": "one"}`, `{"src": "$DIR/files/one"}`, ""},
		{"object nowhere", "amazon.aws.s3_object", away, `{"src": "two"}`, `{"src": "two"}`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			mt.Write(t, dir, "files/one", "1")
			mt.Write(t, dir, "templates/a.j2", "---\nkind: {{ kind }}\nx: __omit_place_holder__\nl: [1, __omit_place_holder__]\n---\nb: 2\n")
			mt.Write(t, dir, "templates/b.j2", "c: {{ kind }}")
			mt.Write(t, dir, "templates/bad.j2", "c: [\n")
			ctl := &mt.Controller{Dir: dir, Vars: c.vars, Answers: func(call *module.Call) (*module.Result, error) {
				return (&module.Result{}).Set("stat", value.MapOf("exists", call.Args.At("path") == "/there")), nil
			}}
			args := mt.Args(t, dir, c.args)
			before := value.Repr(args)
			plan, err := found(t, c.action).Plan(t.Context(), ctl, c.action, args)
			if value.Repr(args) != before {
				t.Errorf("the task's arguments are changed: %s", value.Repr(args))
			}
			if c.fails != "" {
				if err == nil || !strings.Contains(err.Error(), c.fails) {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if want := mt.Args(t, dir, c.want); value.Repr(plan.Call.Args) != value.Repr(want) {
				t.Errorf("%s\nnot %s", value.Repr(plan.Call.Args), value.Repr(want))
			}
		})
	}
}

func TestPatchIsSent(t *testing.T) {
	dir := t.TempDir()
	path := mt.Write(t, dir, "files/fix.diff", "the patch")
	plan, err := found(t, "ansible.posix.patch").Plan(t.Context(), &mt.Controller{Dir: dir}, "ansible.posix.patch", value.MapOf("src", "fix.diff"))
	if err != nil {
		t.Fatal(err)
	}
	sent, ok := plan.Call.Args.At("src").(module.Sent)
	if !ok || sent.Name != "fix.diff" || plan.Call.Files[sent.Digest].Path != path {
		t.Errorf("%#v %#v", plan.Call.Args.At("src"), plan.Call.Files)
	}
}

func TestVaultedKubeconfig(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", t.TempDir())
	vaulted := mt.Write(t, dir, "files/conf", "$ANSIBLE_VAULT;1.1;AES256\n00\n")
	ctl := &mt.Controller{Dir: dir, Vars: value.MapOf("ansible_connection", "local")}
	plan, err := found(t, "kubernetes.core.k8s_info").Plan(t.Context(), ctl, "kubernetes.core.k8s_info", value.MapOf("kubeconfig", "conf"))
	if err != nil {
		t.Fatal(err)
	}
	open := value.Str(plan.Call.Args.At("kubeconfig"))
	fi, err := os.Stat(open)
	if err != nil || open == vaulted || fi.Mode().Perm() != 0o600 {
		t.Errorf("%s: %v", open, err)
	}
	plan.Close()
	if left, _ := filepath.Glob(os.Getenv("TMPDIR") + "/*"); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

func TestScrambledDiff(t *testing.T) {
	scramble := func(s string) string {
		data := []byte(s)
		for i := range data {
			data[i] ^= 7
		}
		return "=S=" + base64.StdEncoding.EncodeToString(data)
	}
	plan, err := found(t, "community.docker.docker_container_copy_into").Plan(t.Context(), &mt.Controller{}, "x", value.NewMap(0))
	if err != nil {
		t.Fatal(err)
	}
	r := plan.Finish(&module.Result{Diff: value.MapOf("scrambled_diff", "Bw==", "before", scramble("old\n"), "after", scramble("new\n"), "after_header", "x")})
	if got, want := value.Repr(r.Diff), `{'before': 'old\n', 'after': 'new\n', 'after_header': 'x'}`; got != want {
		t.Errorf("%s\nnot %s", got, want)
	}
	for _, bad := range []*value.Map{
		value.MapOf("scrambled_diff", "", "before", "x"),
		value.MapOf("scrambled_diff", "Bw==", "before", "plain"),
		value.MapOf("scrambled_diff", "Bw==", "after", "=S=*"),
	} {
		if r := plan.Finish(&module.Result{Diff: bad}); r.Diff != nil || len(r.Warnings) != 1 {
			t.Errorf("%s %q", value.Repr(r.Diff), r.Warnings)
		}
	}
}
