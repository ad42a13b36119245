package template

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
	"unicode"

	"github.com/tutti-run/tutti/internal/value"
)

// run runs a shell command and gives its output.
func (l *look) run(command string) ([]byte, error) {
	cmd := exec.CommandContext(l.c.ctx(), "/bin/sh", "-c", command)
	cmd.Dir = l.c.env().BaseDir
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return out, &Error{Kind: "AnsibleError", Msg: fmt.Sprintf("lookup_plugin.%s(%s) returned %d", l.name, command, exit.ExitCode())}
	}
	return out, err
}

func lookupPipe(l *look) ([]any, error) {
	out := []any{}
	for _, t := range l.terms {
		command, err := l.word(t)
		if err != nil {
			return nil, err
		}
		data, err := l.run(command)
		if err != nil {
			return nil, err
		}
		out = append(out, strings.TrimRightFunc(string(data), unicode.IsSpace))
	}
	return out, nil
}

func lookupLines(l *look) ([]any, error) {
	out := []any{}
	for _, t := range l.terms {
		command, err := l.word(t)
		if err != nil {
			return nil, err
		}
		data, err := l.run(command)
		if err != nil {
			return nil, err
		}
		out = append(out, splitLines(string(data), false)...)
	}
	return out, nil
}

func lookupURL(l *look) ([]any, error) {
	out := []any{}
	seconds, ok := toFloat(l.option("timeout", 10))
	if !ok {
		return nil, lookupErr("url: timeout must be a number")
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if !l.flag("validate_certs", true) {
		transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // the user asked for it
	}
	if !l.flag("use_proxy", true) {
		transport.Proxy = nil
	}
	client := &http.Client{Timeout: time.Duration(seconds * float64(time.Second)), Transport: transport}
	defer client.CloseIdleConnections()
	for _, t := range l.terms {
		address, err := l.word(t)
		if err != nil {
			return nil, err
		}
		req, err := http.NewRequestWithContext(l.c.ctx(), http.MethodGet, address, nil)
		if err != nil {
			return nil, lookupErr("Received HTTP error for %s : %s", address, err)
		}
		req.Header.Set("User-Agent", l.text("http_agent", "ansible-httpget"))
		if m, ok := l.option("headers", nil).(*value.Map); ok {
			for k, v := range m.All() {
				req.Header.Set(Str(k), Str(v))
			}
		}
		if u := l.option("username", nil); u != nil {
			req.SetBasicAuth(Str(u), l.text("password", ""))
		}
		resp, err := client.Do(req)
		if err != nil {
			return nil, lookupErr("Failed lookup url for %s : %s", address, err)
		}
		data, err := io.ReadAll(io.LimitReader(resp.Body, int64(l.st.e.limits.Output)+1))
		resp.Body.Close()
		switch {
		case err != nil:
			return nil, lookupErr("Failed lookup url for %s : %s", address, err)
		case resp.StatusCode >= 400:
			return nil, lookupErr("Received HTTP error for %s : HTTP Error %s", address, resp.Status)
		}
		if err := l.st.room(len(data)); err != nil {
			return nil, err
		}
		if l.flag("split_lines", true) {
			out = append(out, splitLines(string(data), false)...)
		} else {
			out = append(out, string(data))
		}
	}
	return out, nil
}
