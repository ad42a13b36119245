package geturl

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/value"
)

func server(t *testing.T) string {
	mux := http.NewServeMux()
	mux.HandleFunc("/f.txt", func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), strings.NewReader("hi\n"))
	})
	mux.HandleFunc("/sums", func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte("00 *other\n98ea6e4f216f2fb4b69fff9b3a44842c38686ca685f3f55dc48c5d3fb1107be4  ./f.txt\n"))
	})
	mux.HandleFunc("/named", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Disposition", `attachment; filename="../../x.bin"`)
		w.Write([]byte("x"))
	})
	mux.HandleFunc("/private", func(w http.ResponseWriter, r *http.Request) {
		if u, p, ok := r.BasicAuth(); !ok || u != "u" || p != "p" {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Write([]byte("secret"))
	})
	mux.Handle("/moved", http.RedirectHandler("/f.txt", http.StatusFound))
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}

// A check says how long it took to ask.
func TestElapsed(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(1100 * time.Millisecond) }))
	t.Cleanup(s.Close)
	dir := t.TempDir()
	r := mt.Call(t, &Module, mt.Args(t, dir, `{"url": "`+s.URL+`/x", "dest": "$DIR/x"}`), mt.Options{Check: true})
	if r.Get("elapsed") != 1 || !r.Changed {
		t.Errorf("result %s", value.Repr(r.ToMap()))
	}
}

func TestContract(t *testing.T) {
	base := server(t)
	get := func(path string, kv ...any) func(string) *value.Map {
		return func(dir string) *value.Map {
			m := value.MapOf(kv...)
			m.Set("url", base+path)
			if !m.Has("dest") {
				m.Set("dest", dir+"/out")
			}
			return m
		}
	}
	out := func(content string) func(*testing.T, string, *module.Result) {
		return func(t *testing.T, dir string, r *module.Result) {
			mt.Has(t, dir+"/out", content)
			if r.Get("dest") != dir+"/out" {
				t.Errorf("result %s", value.Repr(r.ToMap()))
			}
		}
	}
	old := func(t *testing.T, dir string) { mt.Write(t, dir, "out", "hi\n") }
	local := func(src, dest string) func(string) *value.Map {
		return func(dir string) *value.Map {
			return value.MapOf("url", "file://"+dir+"/"+src, "dest", filepath.Join(dir, dest))
		}
	}
	mt.Run(t, &Module, []mt.Case{
		{Name: "new", ArgsMap: get("/f.txt", "mode", "0600"), Changed: true, Verify: func(t *testing.T, dir string, r *module.Result) {
			out("hi\n")(t, dir, r)
			mt.Mode(t, dir+"/out", 0o600)
			if r.Get("status_code") != 200 || r.Msg != "OK (3 bytes)" || r.Get("checksum_dest") != nil || r.Get("checksum_src") != string(mt.Digest("hi\n")) {
				t.Errorf("result %s", value.Repr(r.ToMap()))
			}
		}},
		{Name: "not newer", ArgsMap: get("/f.txt"), Setup: old, Verify: func(t *testing.T, _ string, r *module.Result) {
			if r.Get("status_code") != 304 {
				t.Errorf("result %s", value.Repr(r.ToMap()))
			}
		}},
		{Name: "same by force", ArgsMap: get("/f.txt", "force", true), Setup: old, Blind: true},
		{Name: "checksum", ArgsMap: get("/f.txt", "checksum", "sha1:"+string(mt.Digest("hi\n"))), Changed: true, Verify: out("hi\n")},
		{Name: "checksum is there", ArgsMap: get("/none", "checksum", "sha1:"+string(mt.Digest("hi\n"))), Setup: old, Verify: func(t *testing.T, _ string, r *module.Result) {
			if r.Msg != "file already exists" {
				t.Errorf("result %s", value.Repr(r.ToMap()))
			}
		}},
		{Name: "list of checksums", ArgsMap: get("/f.txt", "checksum", "sha256:"+base+"/sums"), Changed: true, Verify: out("hi\n")},
		{Name: "no list of checksums", ArgsMap: get("/f.txt", "checksum", "sha256:"+base+"/none"), Fails: "Request failed", Verify: func(t *testing.T, _ string, r *module.Result) {
			if r.Get("url") != base+"/none" || r.Get("status_code") != 404 || r.Fields.Has("checksum_src") {
				t.Errorf("result %s", value.Repr(r.ToMap()))
			}
		}},
		{Name: "list of checksums, no place for it", Setup: old, ArgsMap: func(dir string) *value.Map {
			return get("/f.txt", "checksum", "sha256:"+base+"/sums", "tmp_dest", dir+"/none")(dir)
		}, Fails: "/none directory does not exist."},
		{Name: "checksum of a kind that is none", ArgsMap: get("/f.txt", "checksum", "sha0:00"), Fails: "with algorithm 'sha0'. Available algorithms: md5, sha1, sha224, sha256, sha384, sha512"},
		{Name: "wrong checksum", ArgsMap: get("/f.txt", "checksum", "md5:0123"), Fails: "did not match 0123; it was 764efa883dda1e11db47671c4a3bbd9e.",
			Verify: func(t *testing.T, dir string, _ *module.Result) {
				if _, err := os.Stat(dir + "/out"); err == nil {
					t.Error("the wrong file is there")
				}
			}},
		{Name: "no checksum", ArgsMap: get("/f.txt", "checksum", "abc"), Fails: "The checksum parameter has to be in format <algorithm>:<checksum>"},
		{Name: "redirect", ArgsMap: get("/moved"), Changed: true, Verify: out("hi\n")},
		{Name: "into a directory", ArgsMap: func(dir string) *value.Map { return get("/f.txt", "dest", dir)(dir) }, Changed: true,
			Verify: func(t *testing.T, dir string, _ *module.Result) { mt.Has(t, dir+"/f.txt", "hi\n") }},
		{Name: "named by the server", ArgsMap: func(dir string) *value.Map { return get("/named", "dest", dir)(dir) }, Changed: true,
			Verify: func(t *testing.T, dir string, _ *module.Result) { mt.Has(t, dir+"/x.bin", "x") }},
		{Name: "login when asked", ArgsMap: get("/private", "username", "u", "password", "p"), Changed: true, Verify: out("secret")},
		{Name: "login at once", ArgsMap: get("/private", "username", "u", "password", "p", "force_basic_auth", true), Changed: true},
		{Name: "wrong login", ArgsMap: get("/private", "username", "u", "password", "q"), Fails: "Request failed"},
		{Name: "not there", ArgsMap: get("/none"), Fails: "Request failed", Verify: func(t *testing.T, _ string, r *module.Result) {
			if r.Get("status_code") != 404 || r.Get("response") != "HTTP Error 404: Not Found" {
				t.Errorf("result %s", value.Repr(r.ToMap()))
			}
		}},
		{Name: "no directory", ArgsMap: func(dir string) *value.Map { return get("/f.txt", "dest", dir+"/a/b")(dir) }, Fails: "/a does not exist"},
		{Name: "file", ArgsMap: func(dir string) *value.Map { return value.MapOf("url", "file://"+dir+"/src", "dest", dir+"/out") }, Changed: true,
			Setup: func(t *testing.T, dir string) { mt.Write(t, dir, "src", "hi\n") }, Verify: out("hi\n")},
		{Name: "file again", ArgsMap: local("src", "out"), Setup: func(t *testing.T, dir string) { mt.Write(t, dir, "src", "hi\n"); mt.Write(t, dir, "out", "hi\n") }},
		{Name: "file with an escape", ArgsMap: local("a%20b", ""), Setup: func(t *testing.T, dir string) { mt.Write(t, dir, "a b", "hi\n") }, Changed: true,
			Verify: func(t *testing.T, dir string, _ *module.Result) { mt.Has(t, dir+"/a%20b", "hi\n") }},
		{Name: "file of an index", ArgsMap: local("index.html", "out"), Setup: func(t *testing.T, dir string) { mt.Write(t, dir, "index.html", "hi\n") }, Changed: true, Verify: out("hi\n")},
		{Name: "file that is a directory", ArgsMap: local("", "out"), Fails: "Request failed: <urlopen error [Errno 21] Is a directory: "},
		{Name: "no file", ArgsMap: local("none", "out"), Setup: old, Fails: "Request failed: <urlopen error [Errno 2] No such file or directory: ", Verify: func(t *testing.T, _ string, r *module.Result) {
			if r.Get("size") != 3 || r.Get("state") != "file" {
				t.Errorf("result %s", value.Repr(r.ToMap()))
			}
		}},
		{Name: "checksum that is none", ArgsMap: get("/f.txt", "checksum", "foo:bar"), Fails: "The checksum format is invalid"},
		{Name: "nobody there", Args: `{"url": "http://127.0.0.1:1/", "dest": "$DIR/out"}`, Fails: "Request failed: <urlopen error [Errno 111] Connection refused>"},
	})
}
