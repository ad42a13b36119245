package web

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tutti-run/tutti/internal/hostsfile"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
)

// client makes the http.Client that the arguments describe.
func client(env *module.Env, args module.Args, o Options, secure bool, astray *string) (*http.Client, error) {
	if args.Bool("use_gssapi") {
		return nil, errors.New("use_gssapi is not supported: log in with url_username and url_password")
	}
	config, err := tlsConfig(args, o.CAPath)
	if err != nil {
		return nil, err
	}
	if err := certificate(config, args); err != nil && secure { // plain HTTP shows nobody one, and does not miss it
		return nil, err
	}
	t := &http.Transport{
		TLSClientConfig: config, DisableCompression: true, DisableKeepAlives: true,
		TLSHandshakeTimeout: o.Timeout, ResponseHeaderTimeout: o.Timeout, ForceAttemptHTTP2: false,
	}
	dialer := &hostsfile.Dialer{Dialer: net.Dialer{Timeout: o.Timeout}}
	t.DialContext = dialer.DialContext
	if o.UnixSocket != "" {
		t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, "unix", o.UnixSocket)
			if text := errno(err); text != "" {
				err = fmt.Errorf("Invalid Socket File (%s): %s", o.UnixSocket, text)
			}
			return conn, err
		}
	}
	if args.Bool("use_proxy") && o.UnixSocket == "" {
		t.Proxy = proxies(env.Environ)
	}
	return &http.Client{Transport: t, CheckRedirect: redirects(args, o.Redirects, astray)}, nil
}

func tlsConfig(args module.Args, caPath string) (*tls.Config, error) {
	c := &tls.Config{InsecureSkipVerify: !args.Bool("validate_certs")}
	if caPath != "" {
		pem, err := os.ReadFile(caPath)
		if err != nil {
			return nil, &refused{files.Errno(err, caPath)}
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ca_path %s holds no certificate", caPath)
		}
	}
	if names := args.Strings("ciphers"); len(names) > 0 {
		known := map[string]uint16{}
		for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
			known[s.Name] = s.ID
			// OpenSSL's spelling of TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256.
			short := strings.NewReplacer("TLS_", "", "_WITH", "", "AES_128", "AES128", "AES_256", "AES256").Replace(s.Name)
			known[strings.ReplaceAll(short, "_", "-")] = s.ID
		}
		for _, list := range names {
			for name := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ':' || r == ',' }) {
				if id, ok := known[name]; ok {
					c.CipherSuites = append(c.CipherSuites, id)
				}
			}
		}
		if len(c.CipherSuites) == 0 {
			return nil, fmt.Errorf("none of the ciphers is known: %s", strings.Join(names, ", "))
		}
		c.MaxVersion = tls.VersionTLS12 // TLS 1.3 lets nobody choose
	}
	return c, nil
}

// certificate adds the one that we show.
func certificate(c *tls.Config, args module.Args) error {
	cert := args.String("client_cert")
	if cert == "" {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(cert, cmp.Or(args.String("client_key"), cert))
	if err != nil {
		return fmt.Errorf("cannot use client_cert: %w", err)
	}
	c.Certificates = []tls.Certificate{pair}
	return nil
}

// redirects decides which redirects are followed: all, none, or by method.
// One that goes round in circles or where nobody can follow ends where it is, and
// astray says so, with %s for the answer's own words.
func redirects(args module.Args, policy string, astray *string) func(*http.Request, []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		// Nobody is told where we come from.
		if from := via[0].Header.Get("Referer"); from != "" {
			req.Header.Set("Referer", from)
		} else {
			req.Header.Del("Referer")
		}
		if s := req.URL.Scheme; s != "http" && s != "https" && s != "ftp" {
			*astray = "%s - Redirection to url '" + strings.ReplaceAll(req.URL.String(), "%", "%%") + "' is not allowed"
			return http.ErrUseLastResponse
		}
		first := via[0].Method
		safe := first == http.MethodGet || first == http.MethodHead
		switch {
		case policy == "no" || policy == "none":
			return http.ErrUseLastResponse
		case policy == "safe" && !safe:
			return http.ErrUseLastResponse
		case policy == "urllib2" && !safe && req.Method == first:
			return http.ErrUseLastResponse // 307 of a POST
		}
		if policy == "urllib2" {
			req.Method = http.MethodGet // of HEAD too
		}
		visits, places := 0, map[string]bool{}
		for _, v := range via[1:] {
			places[v.URL.String()] = true
			if v.URL.String() == req.URL.String() {
				visits++
			}
		}
		if visits >= 4 || len(places) >= 10 {
			*astray = "The HTTP server returned a redirect error that would lead to an infinite loop.\nThe last 30x error message was:\n%s"
			return http.ErrUseLastResponse
		}
		for _, name := range args.Strings("unredirected_headers") {
			req.Header.Del(name)
		}
		return nil
	}
}

// proxies is http.ProxyFromEnvironment for the environment of the call, which
// is not the agent's own.
func proxies(environ []string) func(*http.Request) (*url.URL, error) {
	env := map[string]string{}
	for _, e := range environ {
		if k, v, ok := strings.Cut(e, "="); ok {
			env[k] = v
		}
	}
	get := func(name string) string {
		if v := env[name]; v != "" {
			return v
		}
		return env[strings.ToUpper(name)]
	}
	return func(req *http.Request) (*url.URL, error) {
		proxy := get(req.URL.Scheme + "_proxy")
		if proxy == "" || bypassed(req.URL.Hostname(), get("no_proxy")) {
			return nil, nil
		}
		if !strings.Contains(proxy, "://") {
			proxy = "http://" + proxy
		}
		return url.Parse(proxy)
	}
}

func bypassed(host, list string) bool {
	for entry := range strings.SplitSeq(list, ",") {
		entry = strings.TrimPrefix(strings.TrimSpace(entry), ".")
		entry, _, _ = strings.Cut(entry, ":")
		if entry == "*" || entry != "" && (host == entry || strings.HasSuffix(host, "."+entry)) {
			return true
		}
		if _, network, err := net.ParseCIDR(entry); err == nil {
			if ip := net.ParseIP(host); ip != nil && network.Contains(ip) {
				return true
			}
		}
	}
	return false
}

// credentials finds user and password: in the arguments, in the URL (from which
// they are taken out), in ~/.netrc.
func credentials(u *url.URL, env *module.Env, args module.Args) (user, password string, given bool) {
	user, password = args.String("url_username"), args.String("url_password")
	if u.User != nil {
		if user == "" {
			user = u.User.Username()
			password, _ = u.User.Password()
		}
		u.User = nil
	}
	if user != "" {
		return user, password, true
	}
	if args.Bool("use_netrc") {
		return netrc(u.Hostname(), env)
	}
	return "", "", false
}

func netrc(host string, env *module.Env) (user, password string, ok bool) {
	expand := module.Expander(env.Environ)
	path := expand("$NETRC")
	if path == "$NETRC" {
		path = expand("~/.netrc")
	}
	data, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		return "", "", false
	}
	words := strings.Fields(string(data))
	inside := false
	for i := 0; i < len(words); i++ {
		next := ""
		if i+1 < len(words) {
			next = words[i+1]
		}
		switch words[i] {
		case "machine":
			if inside {
				return user, password, user != ""
			}
			inside = next == host
			i++
		case "default":
			if inside {
				return user, password, user != ""
			}
			inside = true
		case "login":
			if i++; inside {
				user = next
			}
		case "password":
			if i++; inside {
				password = next
			}
		}
	}
	return user, password, inside && user != ""
}

// refused is what kept us from asking.
type refused struct{ text string }

func (r *refused) Error() string { return r.text }

// errorText words an error as Python's urllib does: users match on it.
func errorText(err error) string {
	var netErr net.Error
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return "Request failed: <urlopen error [Errno -2] Name or service not known>"
	case errors.As(err, &dns):
		return "Request failed: <urlopen error [Errno -3] Temporary failure in name resolution>"
	case errors.As(err, &netErr) && netErr.Timeout():
		return "Request failed: <urlopen error timed out>"
	}
	if r := (*refused)(nil); errors.As(err, &r) {
		return "Connection failure: " + r.text
	}
	if text := certificateText(err); text != "" {
		return "Request failed: <urlopen error [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: " + text + ">"
	}
	if errors.Is(err, io.EOF) {
		return "Connection failure: Remote end closed connection without response"
	}
	if text := errno(err); text != "" {
		return "Request failed: <urlopen error " + text + ">"
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return "Request failed: <urlopen error " + err.Error() + ">"
}

// certificateText words what is wrong with a server's certificate as OpenSSL does.
func certificateText(err error) string {
	var host x509.HostnameError
	var authority x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	selfSigned := func(c *x509.Certificate) bool { return c != nil && bytes.Equal(c.RawIssuer, c.RawSubject) }
	switch {
	case errors.As(err, &host) && selfSigned(host.Certificate), errors.As(err, &authority) && selfSigned(authority.Cert):
		return "self-signed certificate"
	case errors.As(err, &host):
		return "Hostname mismatch, certificate is not valid for '" + host.Host + "'."
	case errors.As(err, &authority):
		return "unable to get local issuer certificate"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "certificate has expired"
	}
	return ""
}

// defaultTimeout is for modules without a timeout of their own.
const defaultTimeout = 10 * time.Second
