package uri

import (
	"fmt"
	"io"
	"log"
	"mime"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/value"
)

func server(t *testing.T) string {
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		http.SetCookie(w, &http.Cookie{Name: "c", Value: "1"})
		w.Header().Set("X-Thing", "a")
		w.Header().Set("Content-Type", "application/vnd.x+json")
		fmt.Fprintf(w, `{"method": %q, "type": %q, "body": %q, "x": %q}`, r.Method, r.Header.Get("Content-Type"), body, r.Header.Get("X-Y"))
	})
	mux.HandleFunc("/upload", func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(1 << 20); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		f, h, err := r.FormFile("file")
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		data, _ := io.ReadAll(f)
		fmt.Fprintf(w, "%s %s %s", r.FormValue("a"), h.Filename, data)
	})
	mux.HandleFunc("/text", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "text\n") })
	mux.HandleFunc("/raw", func(w http.ResponseWriter, r *http.Request) {
		_, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
		body, _ := io.ReadAll(r.Body)
		io.WriteString(w, strings.ReplaceAll(string(body), params["boundary"], "B"))
	})
	mux.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "nosch://x/%41")
		w.WriteHeader(http.StatusFound)
	})
	mux.Handle("/moved", http.RedirectHandler("/echo", http.StatusFound))
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}

func TestContract(t *testing.T) {
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that we break off
	secure.StartTLS()
	t.Cleanup(secure.Close)
	base := server(t)
	ask := func(path string, kv ...any) func(string) *value.Map {
		return func(string) *value.Map { return value.MapOf(append(kv, "url", base+path)...) }
	}
	is := func(want ...any) func(*testing.T, string, *module.Result) {
		return func(t *testing.T, _ string, r *module.Result) {
			t.Helper()
			m := r.ToMap()
			for i := 0; i < len(want); i += 2 {
				if got := value.Repr(m.At(want[i])); got != want[i+1] {
					t.Errorf("%s = %s, want %s", want[i], got, want[i+1])
				}
			}
		}
	}
	mt.Run(t, &Module, []mt.Case{
		{Name: "get", ArgsMap: ask("/echo", "headers", value.MapOf("X-Y", "z")), Verify: is("status", "200", "x_thing", "'a'", "cookies", "{'c': '1'}", "cookies_string", "'c=1'",
			"redirected", "False", "content", "None", "json", "{'method': 'GET', 'type': '', 'body': '', 'x': 'z'}", "elapsed", "0")},
		{Name: "json", ArgsMap: ask("/echo", "method", "post", "body", value.MapOf("a", []any{1, nil}), "body_format", "json"),
			Verify: is("json", `{'method': 'POST', 'type': 'application/json', 'body': '{"a": [1, null]}', 'x': ''}`)},
		{Name: "form", ArgsMap: ask("/echo", "method", "POST", "body", value.MapOf("a", "b c", "l", []any{1, 2}), "body_format", "form-urlencoded"),
			Verify: is("json", "{'method': 'POST', 'type': 'application/x-www-form-urlencoded', 'body': 'a=b+c&l=1&l=2', 'x': ''}")},
		{Name: "form of a dict", ArgsMap: ask("/echo", "method", "POST", "body", []any{[]any{"a", value.MapOf("k", 1)}}, "body_format", "form-urlencoded"),
			Verify: is("json", "{'method': 'POST', 'type': 'application/x-www-form-urlencoded', 'body': 'a=k', 'x': ''}")},
		{Name: "redirect out of the web", ArgsMap: ask("/away"), Fails: "Status code was 302 and not [200]: HTTP Error 302: Found - Redirection to url 'nosch://x/%41' is not allowed"},
		{Name: "own type", ArgsMap: ask("/echo", "method", "PUT", "body", "x", "body_format", "json", "headers", value.MapOf("content-type", "text/x")),
			Verify: is("json", "{'method': 'PUT', 'type': 'text/x', 'body': 'x', 'x': ''}")},
		{Name: "parts", ArgsMap: func(dir string) *value.Map {
			return ask("/upload", "method", "POST", "body_format", "form-multipart", "return_content", true,
				"body", value.MapOf("a", "b", "file", value.MapOf("filename", dir+"/f.txt")))(dir)
		}, Setup: func(t *testing.T, dir string) { mt.Write(t, dir, "f.txt", "data") }, Verify: is("content", "'b f.txt data'")},
		{Name: "how parts are written", ArgsMap: ask("/raw", "method", "POST", "body_format", "form-multipart", "return_content", true, "headers", value.MapOf("Content-Type", "multipart/form-data"),
			"body", value.MapOf("t", "x", "f", value.MapOf("filename", "d/a\"é.json", "content", "{}"), "c", value.MapOf("content", "1"), "n\"", value.MapOf("content", "2", "mime_type", "a/b", "filename", "q\""))),
			Verify: is("content", value.Repr("--B\r\nContent-Type: application/octet-stream\r\nContent-Disposition: form-data; name=\"c\"\r\n\r\n1\r\n"+
				"--B\r\nContent-Type: application/json\r\nContent-Disposition: form-data; name=\"f\"; filename*=utf-8''a%22%C3%A9.json\r\n\r\n{}\r\n"+
				"--B\r\nContent-Type: a/b\r\nContent-Disposition: form-data; name=\"n\\\"\"; filename=\"q\\\"\"\r\n\r\n2\r\n"+
				"--B\r\nContent-Type: text/plain\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\nx\r\n--B--\r\n"))},
		{Name: "a part that is no text", ArgsMap: ask("/raw", "body_format", "form-multipart", "body", value.MapOf("a", 1)), Fails: "failed to parse body as form-multipart: value must be a string, or mapping, cannot be type int", Verify: is("elapsed", "None")},
		{Name: "an empty part", ArgsMap: ask("/raw", "body_format", "form-multipart", "body", value.MapOf("a", value.MapOf("content", ""))), Fails: "failed to parse body as form-multipart: at least one of filename or content must be provided"},
		{Name: "no body as JSON", ArgsMap: ask("/echo", "method", "PUT", "body", nil, "body_format", "json", "headers", value.MapOf("content-type", "text/x")),
			Verify: is("json", "{'method': 'PUT', 'type': 'text/x', 'body': 'null', 'x': ''}")},
		{Name: "file behind a link, the same", ArgsMap: func(dir string) *value.Map { return ask("/text", "dest", dir+"/l", "force", true)(dir) }, Setup: func(t *testing.T, dir string) {
			mt.Write(t, dir, "f", "text\n")
			if err := os.Symlink("f", dir+"/l"); err != nil {
				t.Fatal(err)
			}
		}, Changed: true, Again: true, Verify: is("state", "'link'")},
		{Name: "file behind a link, another", ArgsMap: func(dir string) *value.Map { return ask("/text", "dest", dir+"/l", "force", true)(dir) }, Setup: func(t *testing.T, dir string) {
			mt.Write(t, dir, "f", "old\n")
			if err := os.Symlink("f", dir+"/l"); err != nil {
				t.Fatal(err)
			}
		}, Changed: true, Again: true, Verify: func(t *testing.T, dir string, r *module.Result) {
			mt.Has(t, dir+"/l", "text\n")
			mt.Has(t, dir+"/f", "old\n")
		}},
		{Name: "file, not there", ArgsMap: func(dir string) *value.Map { return ask("/none", "dest", dir+"/out")(dir) }, Fails: "Status code was 404", Verify: func(t *testing.T, dir string, r *module.Result) {
			is("path", value.Repr(dir+"/out"))(t, dir, r)
		}},
		{Name: "a certificate for nobody", ArgsMap: ask("/echo", "client_cert", "/none"), Verify: is("status", "200")},
		{Name: "no certificate", Args: `{"url": "` + secure.URL + `/", "client_cert": "/none"}`, Fails: "Status code was -1"},
		{Name: "no authorities", ArgsMap: ask("/echo", "ca_path", "/none"), Fails: "Status code was -1 and not [200]: Connection failure: [Errno 2] No such file or directory: b'/none'"},
		{Name: "unknown parameter", ArgsMap: ask("/echo", "colour", "red"), Fails: "Unsupported parameters for (ansible.legacy.uri) module: colour"},
		{Name: "redirect", ArgsMap: ask("/moved"), Verify: is("redirected", "True", "url", value.Repr(base+"/echo"))},
		{Name: "no redirect", ArgsMap: ask("/moved", "follow_redirects", "none", "status_code", 302), Verify: is("status", "302", "location", value.Repr(base+"/echo"))},
		{Name: "unsafe redirect", ArgsMap: ask("/moved", "method", "POST", "body", "x"), Fails: "Status code was 302 and not [200]: HTTP Error 302: Found"},
		{Name: "not there", ArgsMap: ask("/none"), Fails: "Status code was 404 and not [200]: HTTP Error 404: Not Found", Verify: is("status", "404", "failed", "True")},
		{Name: "not there as asked", ArgsMap: ask("/none", "status_code", []any{200, "404"}), Verify: is("status", "404", "msg", "'HTTP Error 404: Not Found'")},
		{Name: "file", ArgsMap: func(dir string) *value.Map { return ask("/echo", "dest", dir+"/out", "mode", "0600")(dir) }, Changed: true, Again: true,
			Verify: func(t *testing.T, dir string, r *module.Result) {
				mt.Mode(t, dir+"/out", 0o600)
				is("path", value.Repr(dir+"/out"), "mode", "'0600'")(t, dir, r)
			}},
		{Name: "creates", ArgsMap: ask("/none", "creates", "/dev/null"), Verify: is("stdout", `"skipped, since '/dev/null' exists"`)},
		{Name: "bad method", ArgsMap: ask("/echo", "method", "GET IT"), Fails: "Parameter 'method' needs to be a single word"},
		{Name: "unknown certificate", Args: `{"url": "` + secure.URL + `/"}`, Fails: "<urlopen error [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate>"},
		{Name: "nobody there", Args: `{"url": "http://127.0.0.1:1/"}`, Fails: "Status code was -1 and not [200]: Request failed: <urlopen error [Errno 111] Connection refused>"},
	})
}
