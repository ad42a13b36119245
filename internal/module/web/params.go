// Package web is what modules that ask web servers share: the parameters, the
// client that they describe, and the words for what went wrong.
package web

import "github.com/tutti-run/tutti/internal/module"

// Params are the parameters of modules that ask web servers; url_username has the
// aliases user.
func Params(user ...string) []module.Param {
	return []module.Param{
		{Name: "url", Required: true, Doc: "What to ask for."},
		{Name: "force", Type: module.Bool, Default: false, Doc: "Ask even if nothing is newer."},
		{Name: "http_agent", Default: "ansible-httpget", Doc: "Name to go by."},
		{Name: "use_proxy", Type: module.Bool, Default: true, Doc: "Use the proxy that the environment names."},
		{Name: "validate_certs", Type: module.Bool, Default: true, Doc: "Check the server's certificate."},
		{Name: "url_username", Aliases: user, Doc: "User to log in as."},
		{Name: "url_password", Aliases: []string{"password"}, NoLog: true, Doc: "Password to log in with."},
		{Name: "force_basic_auth", Type: module.Bool, Default: false, Doc: "Send the password without being asked."},
		{Name: "client_cert", Type: module.Path, Doc: "Certificate to show, in PEM; may hold the key as well."},
		{Name: "client_key", Type: module.Path, Doc: "Key of the certificate."},
		{Name: "use_gssapi", Type: module.Bool, Default: false, Doc: "Log in with Kerberos; not supported."},
		{Name: "headers", Type: module.Dict, Doc: "Headers to send."},
		{Name: "unredirected_headers", Type: module.List, Elements: module.Str, Default: []any{}, Doc: "Headers to leave out after a redirect."},
		{Name: "decompress", Type: module.Bool, Default: true, Doc: "Decompress what comes compressed."},
		{Name: "ciphers", Type: module.List, Elements: module.Str, Doc: "TLS ciphers to offer."},
		{Name: "use_netrc", Type: module.Bool, Default: true, Doc: "Take user and password from ~/.netrc."},
	}
}
