package web

import (
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/tutti-run/tutti/internal/value"
)

// local answers for a file of this host. The file comes whatever the method is,
// and as it is: net/http's own transport would list a directory, send one from
// index.html to its directory, and answer that a file is not newer.
func local(u *url.URL) (*http.Response, error) {
	f, err := os.Open(u.Path)
	if err != nil {
		return nil, localError(u, err)
	}
	fi, err := f.Stat()
	if err == nil && fi.IsDir() {
		err = syscall.EISDIR
	}
	if err != nil {
		f.Close()
		return nil, localError(u, err)
	}
	kind, _, _ := strings.Cut(mime.TypeByExtension(filepath.Ext(u.Path)), ";")
	if kind == "" {
		kind = "text/plain"
	}
	h := http.Header{}
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.FormatInt(fi.Size(), 10))
	h.Set("Last-Modified", fi.ModTime().UTC().Format(http.TimeFormat))
	return &http.Response{Status: "200 OK", StatusCode: http.StatusOK, Header: h, Body: f, ContentLength: fi.Size(), Request: &http.Request{URL: u}}, nil
}

func localError(u *url.URL, err error) error {
	return fmt.Errorf("%s: %s", errno(err), value.Repr(u.Path))
}
