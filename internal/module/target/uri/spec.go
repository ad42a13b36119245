// Package uri is the module that talks to web services.
package uri

import (
	"slices"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/web"
	"github.com/tutti-run/tutti/parallel"
)

// Spec is uri's, for both halves.
var Spec = module.Spec{
	Name: "ansible.builtin.uri", Called: "ansible.legacy.uri", Summary: "Talks to web services.",
	Params: slices.Concat(web.Params("user"), []module.Param{
		{Name: "dest", Type: module.Path, Doc: "File or directory for the answer."},
		{Name: "body", Type: module.Raw, Doc: "What to send."},
		{Name: "body_format", Default: "raw", Choices: []any{"form-urlencoded", "json", "raw", "form-multipart"}, Doc: "How to write body."},
		{Name: "src", Type: module.Path, Doc: "File to send, on the controller unless remote_src."},
		{Name: "method", Default: "GET", Doc: "HTTP method."},
		{Name: "return_content", Type: module.Bool, Default: false, Doc: "Return the answer's body as content."},
		{Name: "follow_redirects", Default: "safe", Choices: []any{"all", "no", "none", "safe", "urllib2", "yes"}, Doc: "Which redirects to follow."},
		{Name: "creates", Type: module.Path, Doc: "Do nothing if this file is there."},
		{Name: "removes", Type: module.Path, Doc: "Do nothing unless this file is there."},
		{Name: "status_code", Type: module.List, Elements: module.Int, Default: []any{200}, Doc: "Answers that are a success."},
		{Name: "timeout", Type: module.Int, Default: 30, Doc: "Seconds to wait for an answer."},
		{Name: "unix_socket", Type: module.Path, Doc: "Socket to connect to instead of the URL's host."},
		{Name: "remote_src", Type: module.Bool, Default: false, Doc: "src is on the target."},
		{Name: "ca_path", Type: module.Path, Doc: "Certificates to trust, in PEM."},
		{Name: "_src", Internal: true, Doc: "Digest of src."},
		{Name: "_files", Type: module.Dict, Internal: true, Doc: "Digests of the files that body names."},
	}, files.CommonParams()),
	Rules: module.Rules{MutuallyExclusive: [][]string{{"body", "src"}}},
	// What a service does with a request is unknown to us; services that need
	// pauses are the policy's to name.
	Hints: []parallel.Hint{parallel.Free()},
	Check: module.None, Diff: module.None,
	Returns: []module.Return{
		{Name: "status", Type: module.Int, When: "always", Doc: "The answer."},
		{Name: "content", When: "return_content", Doc: "The answer's body."},
		{Name: "json", Type: module.Raw, When: "the answer is JSON", Doc: "The answer's body, read."},
		{Name: "msg", When: "always", Doc: "The answer in words."},
		{Name: "url", When: "always", Doc: "Address after redirects."},
		{Name: "redirected", Type: module.Bool, When: "always", Doc: "Whether there was a redirect."},
		{Name: "elapsed", Type: module.Int, When: "always", Doc: "Seconds that it took."},
		{Name: "cookies", Type: module.Dict, When: "on success", Doc: "Cookies, by name."},
		{Name: "cookies_string", When: "on success", Doc: "Cookies, as a header has them."},
		{Name: "path", When: "dest is given", Doc: "The file."},
	},
}

// Module is the target half.
var Module = module.Target{Spec: Spec, Run: run}
