package uri

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/textproto"
	"net/url"
	"os"
	"path/filepath"
	"strings"

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
		return data, contentType, nil
	case body != nil:
		data = []byte(value.Str(body))
	}
	for k := range args.Dict("headers").Strings() {
		if strings.EqualFold(k, "content-type") {
			contentType = ""
		}
	}
	if body == nil && contentType != "application/json" {
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
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
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
	for name, v := range fields.Strings() {
		header := textproto.MIMEHeader{}
		disposition := map[string]string{"name": name}
		var content []byte
		kind := "text/plain"
		switch v := v.(type) {
		case *value.Map:
			file, _ := v.At("filename").(string)
			text, hasContent := v.Get("content")
			if file == "" && !hasContent {
				return nil, "", errors.New("at least one of filename or content must be provided")
			}
			if file != "" {
				disposition["filename"] = filepath.Base(file)
				kind = "application/octet-stream"
				if t := mime.TypeByExtension(filepath.Ext(file)); t != "" {
					kind = t
				}
			}
			if hasContent && text != nil {
				content = []byte(value.Str(text))
			} else {
				digest, _ := digests.At(name).(string)
				var err error
				if content, err = read(ctx, env, file, digest); err != nil {
					return nil, "", err
				}
			}
			if t, ok := v.At("mime_type").(string); ok {
				kind = t
			}
			if e, ok := v.At("multipart_encoding").(string); ok && e == "base64" {
				header.Set("Content-Transfer-Encoding", "base64")
				content = []byte(base64.StdEncoding.EncodeToString(content))
			}
		case nil:
			return nil, "", fmt.Errorf("value of %s must be a string, or mapping", name)
		default:
			content = []byte(value.Str(v))
		}
		header.Set("Content-Type", kind)
		header.Set("Content-Disposition", mime.FormatMediaType("form-data", disposition))
		part, err := w.CreatePart(header)
		if err == nil {
			_, err = part.Write(content)
		}
		if err != nil {
			return nil, "", err
		}
	}
	if err := w.Close(); err != nil {
		return nil, "", err
	}
	return b.Bytes(), w.FormDataContentType(), nil
}
