package uri

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/web"
	"github.com/tutti-run/tutti/internal/value"
)

var isMethod = lazyregexp.New(`^[A-Z]+$`)

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	if env.Check {
		return module.NoCheckMode("ansible.legacy.uri")
	}
	method := strings.ToUpper(args.String("method"))
	if !isMethod.MatchString(method) {
		return module.Fail("Parameter 'method' needs to be a single word in uppercase, like GET or POST.")
	}
	if name := args.String("creates"); name != "" && files.Exists(name) {
		return skipped("exists", name)
	}
	if name := args.String("removes"); name != "" && !files.Exists(name) {
		return skipped("does not exist", name)
	}
	body, contentType, err := encodeBody(ctx, env, args)
	if err != nil {
		failed := module.Fail("%s", err)
		if args.String("body_format") != "form-multipart" {
			failed.Set("elapsed", 0)
		}
		return failed
	}
	o := web.Options{
		Method: method, Body: body, Header: map[string]string{}, Timeout: time.Duration(args.Int("timeout")) * time.Second,
		Redirects: args.String("follow_redirects"), UnixSocket: args.String("unix_socket"), CAPath: args.String("ca_path"),
	}
	if contentType != "" {
		o.Header["Content-Type"] = contentType
	}
	o.OwnType = args.String("body_format") == "form-multipart"
	dest := args.String("dest")
	if fi, err := os.Stat(dest); dest != "" && err == nil && fi.Mode().IsRegular() {
		o.NewerThan = fi.ModTime()
	}
	start := time.Now()
	resp := web.Do(ctx, env, args, args.String("url"), o)
	if resp.Body != nil {
		defer resp.Body.Close()
	}
	if resp.NoURL {
		return module.Fail("%s", resp.Msg).Set("url", resp.URL).Set("status", resp.Status)
	}
	r := module.OK()
	resp.Fields(r)
	r.Set("elapsed", int(time.Since(start).Seconds())).Set("redirected", resp.URL != args.String("url"))
	r.Msg = resp.Msg
	if location := resp.Header.Get("Location"); location != "" {
		r.Set("location", absolute(args.String("url"), location))
	}
	return answer(ctx, env, args, resp, r)
}

func skipped(why, name string) *module.Result {
	text := fmt.Sprintf("skipped, since '%s' %s", name, why)
	return module.OK().Set("stdout", text).Set("stdout_lines", module.Lines(text))
}

// answer deals with the answer's body: as a result, as JSON, as a file.
func answer(ctx context.Context, env *module.Env, args module.Args, resp *web.Response, r *module.Result) *module.Result {
	ok := slices.Contains(args.List("status_code"), any(resp.Status))
	wantContent := args.Bool("return_content")
	var content []byte
	var source io.Reader = resp.Body
	if resp.Body != nil && (wantContent || !ok || isJSON(resp.Header.Get("Content-Type"))) {
		var err error
		if content, err = io.ReadAll(resp.Body); err != nil {
			return module.Fail("Connection failure: %s", err)
		}
		source = bytes.NewReader(content)
		if isJSON(resp.Header.Get("Content-Type")) {
			if v, err := value.ParseJSON(content); err == nil {
				r.Set("json", v)
			}
		}
	}
	if dest := args.String("dest"); dest != "" && resp.Body != nil {
		if failed := save(ctx, env, args, resp, r, ok, source); failed != nil {
			return failed
		}
	}
	if !wantContent && ok && resp.Status >= 300 {
		// Nobody asked for it, but Ansible has read what came with an error.
		data, err := io.ReadAll(source)
		if err != nil {
			return module.Fail("Connection failure: %s", err)
		}
		r.Set("body", string(data))
	}
	if wantContent {
		r.Set("content", decode(content, resp.Header.Get("Content-Type")))
	}
	if !ok {
		r.Failed = true
		r.Msg = fmt.Sprintf("Status code was %d and not %s: %s", resp.Status, value.Repr(args.List("status_code")), resp.Msg)
	}
	return r
}

func save(ctx context.Context, env *module.Env, args module.Args, resp *web.Response, r *module.Result, ok bool, source io.Reader) *module.Result {
	dest := args.String("dest")
	if files.IsDir(dest) {
		name := "index.html"
		if u, err := url.Parse(resp.URL); err == nil && path.Base(u.Path) != "/" && path.Base(u.Path) != "." {
			name = path.Base(u.Path)
		}
		if _, p, err := mime.ParseMediaType(resp.Header.Get("Content-Disposition")); err == nil && p["filename"] != "" {
			name = p["filename"]
		}
		dest = filepath.Join(dest, filepath.Base(name))
	}
	if ok && resp.Status != http.StatusNotModified {
		unlock := files.Lock(dest)
		attrs := files.AttrsOf(args)
		err := write(ctx, env, files.Replacement{Path: dest, Attrs: attrs, Unsafe: args.Bool("unsafe_writes")}, source)
		if err == nil {
			_, err = attrs.Apply(dest, env.Check, nil)
		}
		unlock()
		if a := (*files.AttrError)(nil); errors.As(err, &a) {
			return a.Result()
		}
		if err != nil {
			return module.Fail("failed to copy %s to %s: %s", resp.URL, dest, err)
		}
		r.Changed = true
	}
	r.Set("path", dest)
	files.AddInfo(r, dest)
	return nil
}

// write makes the answer the file's content. A file that has it already stays,
// and so does a link to it.
func write(ctx context.Context, env *module.Env, f files.Replacement, source io.Reader) error {
	if have, err := files.SHA1OfFile(f.Path); err == nil {
		dir, err := env.TempDir()
		if err != nil {
			return err
		}
		spool, err := os.CreateTemp(dir, "answer-")
		if err != nil {
			return err
		}
		defer os.Remove(spool.Name())
		defer spool.Close()
		sums, err := files.Copy(spool, source)
		if err != nil || sums.SHA1 == have {
			return err
		}
		if _, err := spool.Seek(0, io.SeekStart); err != nil {
			return err
		}
		source = spool
	}
	_, err := f.Write(ctx, source)
	return err
}

func isJSON(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	_, sub, _ := strings.Cut(kind, "/")
	if _, suffix, ok := strings.Cut(sub, "+"); ok {
		sub = suffix
	}
	return sub == "json" || sub == "javascript"
}

// decode reads text in the encoding that its type names; UTF-8 is the default.
func decode(content []byte, contentType string) string {
	_, params, _ := mime.ParseMediaType(contentType)
	switch strings.ReplaceAll(strings.ToLower(params["charset"]), "_", "-") {
	case "latin-1", "latin1", "l1", "iso-8859-1", "iso8859-1", "8859":
		text := make([]rune, len(content))
		for i, b := range content {
			text[i] = rune(b)
		}
		return string(text)
	}
	return string(content)
}

func absolute(base, location string) string {
	b, err := url.Parse(base)
	if err != nil {
		return location
	}
	u, err := b.Parse(location)
	if err != nil {
		return location
	}
	return u.String()
}
