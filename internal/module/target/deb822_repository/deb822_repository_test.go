package deb822repository

import (
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
)

func TestContract(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/armored":
			_, _ = w.Write([]byte("-----BEGIN PGP PUBLIC KEY BLOCK-----\nx\n"))
		case "/binary":
			_, _ = w.Write([]byte{0x99, 1})
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	// The directory that the module works below is that of the case.
	var dir string
	m := module.Target{Spec: spec, Run: func(ctx context.Context, env *module.Env, args module.Args) *module.Result {
		target := below(dir)
		return target.Run(ctx, env, args)
	}}
	at := func(_ *testing.T, d string) { dir = d }
	holds := func(name, want string) func(*testing.T, string, *module.Result) {
		return func(t *testing.T, dir string, _ *module.Result) {
			t.Helper()
			mt.Has(t, filepath.Join(dir, name), want)
		}
	}
	const there = "Types: deb\nURIs: http://a\nX-Repolib-Name: a\n"
	mt.Run(t, &m, []mt.Case{
		{Name: "new", Setup: at, Args: `{"name": "My Repo_1!", "uris": ["http://a", "http://b"], "suites": "s", "components": ["main", "x"], "enabled": true, "by_hash": false, "date_max_future": 5, "inrelease_path": "p", "pdiffs": true, "architectures": ["amd64"]}`, Changed: true,
			Verify: holds("sources.list.d/my-repo-1.sources", "Architectures: amd64\nBy-Hash: no\nComponents: main x\nDate-Max-Future: 5\nEnabled: yes\nInrelease-Path: p\nX-Repolib-Name: My Repo_1!\nPdiffs: yes\nSuites: s\nTypes: deb\nURIs: http://a http://b\n")},
		{Name: "armored key", Setup: at, Args: `{"name": "a", "uris": "http://a", "suites": "s/", "signed_by": "` + server.URL + `/armored"}`, Changed: true, Verify: func(t *testing.T, dir string, r *module.Result) {
			key := filepath.Join(dir, "keyrings/a.asc")
			holds("sources.list.d/a.sources", "X-Repolib-Name: a\nSigned-By: "+key+"\nSuites: s/\nTypes: deb\nURIs: http://a\n")(t, dir, r)
			holds("keyrings/a.asc", "-----BEGIN PGP PUBLIC KEY BLOCK-----\nx\n")(t, dir, r)
			mt.Mode(t, key, 0o644)
			mt.Mode(t, filepath.Dir(key), 0o755)
		}},
		{Name: "binary key", Setup: at, Args: `{"name": "a", "uris": "http://a", "suites": "s/", "signed_by": "` + server.URL + `/binary"}`, Changed: true, Verify: holds("keyrings/a.gpg", "\x99\x01")},
		{Name: "key itself", Setup: at, Args: `{"name": "a", "uris": "http://a", "suites": "s", "signed_by": "-----BEGIN\n\n x\n-----END\n"}`, Changed: true,
			Verify: holds("sources.list.d/a.sources", "X-Repolib-Name: a\nSigned-By:\n    -----BEGIN\n    .\n    x\n    -----END\nSuites: s\nTypes: deb\nURIs: http://a\n")},
		{Name: "mode", Setup: func(t *testing.T, d string) {
			dir = d
			mt.Write(t, d, "sources.list.d/a.sources", "X-Repolib-Name: a\nSuites: s\nTypes: deb\nURIs: http://a\n")
		}, Args: `{"name": "a", "uris": "http://a", "suites": "s", "mode": "0600"}`, Changed: true},
		{Name: "absent", Setup: func(t *testing.T, d string) {
			dir = d
			mt.Write(t, d, "sources.list.d/a.sources", there)
			mt.Write(t, d, "keyrings/a.asc", "x")
		}, Args: `{"name": "a", "state": "absent"}`, Changed: true},
		{Name: "absent already", Setup: at, Args: `{"name": "a", "state": "absent"}`, Verify: func(t *testing.T, dir string, r *module.Result) {
			if r.Get("key_filename") != filepath.Join(dir, "keyrings/a.gpg") || r.Get("repo") != nil {
				t.Errorf("%v", r.ToMap())
			}
		}},
		{Name: "every field", Setup: at, Args: `{"name": "a", "uris": "http://a", "suites": ["s"], "types": ["deb", "deb-src"], "allow_downgrade_to_insecure": false, "allow_insecure": true, "allow_weak": false, "check_date": true, "check_valid_until": false, "languages": ["en", "de"], "targets": ["Packages"], "trusted": true, "signed_by": "ABCD1234"}`, Changed: true,
			Verify: holds("sources.list.d/a.sources", "Allow-Downgrade-To-Insecure: no\nAllow-Insecure: yes\nAllow-Weak: no\nCheck-Date: yes\nCheck-Valid-Until: no\nLanguages: en de\nX-Repolib-Name: a\nSigned-By: ABCD1234\nSuites: s\nTargets: Packages\nTrusted: yes\nTypes: deb deb-src\nURIs: http://a\n")},
		{Name: "wrong type", Setup: at, Args: `{"name": "a", "uris": "http://a", "suites": "s", "types": ["rpm"]}`, Fails: "value of types must be one or more of: deb, deb-src. Got no match for: rpm"},
		{Name: "no key there", Setup: at, Args: `{"name": "a", "uris": "http://a", "suites": "s", "signed_by": "` + server.URL + `/none"}`, Fails: "Could not fetch signed_by key: HTTP Error 404: Not Found"},
		{Name: "little", Setup: at, Args: `{"name": "a", "uris": [], "install_python_debian": false}`, Changed: true, Verify: holds("sources.list.d/a.sources", "X-Repolib-Name: a\nTypes: deb\nURIs:\n")},
		{Name: "no name", Setup: at, Args: `{"name": "!", "uris": "http://a", "suites": "s"}`, Fails: "has no letter or digit"},
	})
}
