package uri

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
)

// encodeBody is what to send, nil for nothing, and its type unless the user
// gave one.
func encodeBody(ctx context.Context, env *module.Env, args module.Args) (data []byte, contentType string, err error) {
	body := args.Any("body")
	switch {
	case args.Has("src") || args.Has("_src"):
		data, err = read(ctx, env, args.String("src"), args.String("_src"))
		if err != nil {
			return nil, "", fmt.Errorf("Unable to open source file %s", args.String("src"))
		}
		return data, "", nil
	case args.String("body_format") == "json":
		contentType = "application/json"
		if text, ok := body.(string); ok {
			data = []byte(text)
		} else {
			data = value.JSON{Python: true, ASCII: true}.Append(nil, body)
		}
	case args.String("body_format") == "form-urlencoded":
		contentType = "application/x-www-form-urlencoded"
		text, err := urlEncoded(body)
		if err != nil {
			return nil, "", fmt.Errorf("failed to parse body as form_urlencoded: %w", err)
		}
		data = []byte(text)
	case args.String("body_format") == "form-multipart":
		data, contentType, err = multiPart(ctx, env, body, args.Dict("_files"))
		if err != nil {
			return nil, "", fmt.Errorf("failed to parse body as form-multipart: %w", err)
		}
		return data, contentType, nil // another type, without the boundary, could not be read
	case body != nil:
		data = []byte(value.Str(body))
	}
	for k := range args.Dict("headers").Strings() {
		if strings.EqualFold(k, "content-type") {
			contentType = ""
		}
	}
	if body == nil && args.String("body_format") != "json" {
		return nil, contentType, nil
	}
	return data, contentType, nil
}

// read reads a file of the controller, if there is a digest, or of the target.
func read(ctx context.Context, env *module.Env, path, digest string) ([]byte, error) {
	if digest == "" {
		return os.ReadFile(path)
	}
	r, err := env.Open(ctx, module.Digest(digest))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// urlEncoded writes a dict, or a list of pairs, as a form.
func urlEncoded(body any) (string, error) {
	var pairs []string
	add := func(k, v any) {
		list := []any{v}
		switch v := v.(type) {
		case []any:
			list = v
		case *value.Map: // its keys alone, as Python iterates
			list = v.Keys()
		}
		for _, e := range list {
			if e != nil {
				pairs = append(pairs, url.QueryEscape(value.Str(k))+"="+url.QueryEscape(value.Str(e)))
			}
		}
	}
	switch body := body.(type) {
	case nil:
	case string:
		return body, nil
	case *value.Map:
		for k, v := range body.All() {
			add(k, v)
		}
	case []any:
		for _, e := range body {
			pair, ok := e.([]any)
			if !ok || len(pair) != 2 {
				return "", errors.New("cannot form-urlencode body, expect list of pairs or dict")
			}
			add(pair[0], pair[1])
		}
	default:
		return "", errors.New("cannot form-urlencode body, expect list or dict")
	}
	return strings.Join(pairs, "&"), nil
}

func multiPart(ctx context.Context, env *module.Env, body any, digests *value.Map) ([]byte, string, error) {
	fields, ok := body.(*value.Map)
	if !ok {
		return nil, "", fmt.Errorf("Mapping is required, cannot be type %s", value.TypeName(body))
	}
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(maps.Collect(fields.Strings()))) {
		digest, _ := digests.At(name).(string)
		p, err := partOf(ctx, env, fields.At(name), digest)
		if err != nil {
			return nil, "", err
		}
		// Some servers mind the order and the quotes, so they are as Python writes them.
		fmt.Fprintf(&b, "--%s\r\n", w.Boundary())
		if p.base64 {
			b.WriteString("Content-Transfer-Encoding: base64\r\n")
		}
		fmt.Fprintf(&b, "Content-Type: %s\r\nContent-Disposition: form-data; %s", p.kind, parameter("name", name))
		if p.file != "" {
			b.WriteString("; " + parameter("filename", filepath.Base(p.file)))
		}
		fmt.Fprintf(&b, "\r\n\r\n%s\r\n", p.content)
	}
	fmt.Fprintf(&b, "--%s--\r\n", w.Boundary())
	return b.Bytes(), w.FormDataContentType(), nil
}

// part is a field of a multipart form.
type part struct {
	kind, file string
	content    []byte
	base64     bool
}

func partOf(ctx context.Context, env *module.Env, v any, digest string) (p part, err error) {
	switch v := v.(type) {
	case string:
		return part{kind: "text/plain", content: []byte(v)}, nil
	case *value.Map:
		p.file, _ = v.At("filename").(string)
		content := v.At("content")
		hasContent := content != nil && content != ""
		if p.file == "" && !hasContent {
			return p, errors.New("at least one of filename or content must be provided")
		}
		if p.kind, _ = v.At("mime_type").(string); p.kind == "" {
			p.kind, _, _ = strings.Cut(mime.TypeByExtension(filepath.Ext(p.file)), ";")
			p.kind = cmp.Or(p.kind, "application/octet-stream")
		}
		if hasContent {
			p.content = []byte(value.Str(content))
		} else if p.content, err = read(ctx, env, p.file, digest); err != nil {
			return p, err
		}
		if e, ok := v.At("multipart_encoding").(string); ok && e == "base64" {
			p.base64, p.content = true, []byte(base64.StdEncoding.EncodeToString(p.content))
		}
		return p, nil
	}
	return p, fmt.Errorf("value must be a string, or mapping, cannot be type %s", value.TypeName(v))
}

// parameter writes a parameter of a header: in quotes, or encoded where it is not ASCII.
func parameter(name, v string) string {
	if strings.IndexFunc(v, func(r rune) bool { return r > unicode.MaxASCII }) >= 0 {
		return name + "*=utf-8''" + strings.ReplaceAll(url.QueryEscape(v), "+", "%20")
	}
	return name + `="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\r", "%0D", "\n", "%0A").Replace(v) + `"`
}
