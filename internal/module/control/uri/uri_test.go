package uri

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/module/source"
	target "github.com/tutti-run/tutti/internal/module/target/uri"
	"github.com/tutti-run/tutti/internal/value"
)

func TestFilesOfTheController(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
			f, _, err := r.FormFile("f")
			if err != nil {
				t.Error(err)
				return
			}
			data, _ := io.ReadAll(f)
			fmt.Fprintf(w, "part %s", data)
			return
		}
		data, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "body %s", data)
	}))
	defer s.Close()
	dir := t.TempDir()
	mt.Write(t, dir, "files/a.txt", "A")
	ctl, m := &mt.Controller{Dir: dir}, New(source.NewCache())
	mt.Spec(t, &m.Spec)
	ask := func(kv ...any) any {
		r := mt.Task(t, ctl, m, &target.Module, value.MapOf(append(kv, "url", s.URL, "method", "POST", "return_content", true)...))
		if r.Failed {
			return r.Msg
		}
		return r.Get("content")
	}
	if got := ask("src", "a.txt"); got != "body A" {
		t.Errorf("src: %v", got)
	}
	if got := ask("body_format", "form-multipart", "body", value.MapOf("f", value.MapOf("filename", "a.txt"))); got != "part A" {
		t.Errorf("form-multipart: %v", got)
	}
	if got := ask("src", dir+"/files/a.txt", "remote_src", true); got != "body A" {
		t.Errorf("remote_src: %v", got)
	}
	if got := ask("src", "none.txt"); got != "Could not find or access 'none.txt' on the Ansible Controller." {
		t.Errorf("none: %v", got)
	}
	if got := ask("body_format", "form-multipart", "body", []any{}); got != "body must be mapping, cannot be type list" {
		t.Errorf("a list: %v", got)
	}
	ctl.CheckMode = true
	if got := ask("src", "none.txt"); got != "Could not find or access 'none.txt' on the Ansible Controller." {
		t.Errorf("none in check mode: %v", got)
	}
	if r := mt.Task(t, ctl, m, &target.Module, value.MapOf("url", s.URL)); !r.Skipped {
		t.Errorf("check mode: %s", value.Repr(r.ToMap()))
	}
}
