package galaxy

import (
	"archive/tar"
	"bufio"
	"compress/bzip2"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// clone brings a repository to dir and checks version out.
func clone(ctx context.Context, o Options, scm, repo, version, dir string) error {
	program, err := exec.LookPath(scm)
	if err != nil {
		return fmt.Errorf("could not find/use %s, it is required to continue with installing %s", scm, repo)
	}
	if version == "" {
		version = "HEAD"
	}
	checkout := []string{"checkout", version}
	if scm == "hg" {
		checkout = []string{"update", strings.Replace(version, "HEAD", "tip", 1)}
	}
	for _, args := range [][]string{{"clone", repo, dir}, checkout} {
		if o.IgnoreCerts && scm == "git" {
			args = append([]string{"-c", "http.sslVerify=false"}, args...)
		}
		cmd := exec.CommandContext(ctx, program, args...)
		cmd.Stdout, cmd.Stderr = o.Out, o.Err
		if args[len(args)-1] != dir {
			cmd.Dir = dir
		}
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("Failed to clone a Git repository from `%s`: %s %s: %w", repo, scm, strings.Join(args, " "), err)
		}
	}
	return nil
}

// download fetches a URL to a file.
func download(ctx context.Context, o Options, url, path string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	c := &http.Client{Timeout: 5 * time.Minute, Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{InsecureSkipVerify: o.IgnoreCerts}}}
	res, err := c.Do(req)
	if err != nil {
		return fmt.Errorf("failed to download the file: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("failed to download the file: %s: %s", url, res.Status)
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, res.Body)
	return errors.Join(err, f.Close())
}

// member is a part of an archive.
type member struct {
	*tar.Header
	name string // cleaned, without a leading slash
	data []byte
}

// The limits of what an archive may unpack to.
const (
	maxMember  = 512 << 20
	maxArchive = 1 << 30
)

// readArchive reads a tar archive, compressed or not.
func readArchive(path string) ([]member, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := decompressed(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var out []member
	total := int64(0)
	for t := tar.NewReader(r); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("the file %s is no tar archive: %w", path, err)
		}
		total += h.Size
		if h.Size > maxMember || total > maxArchive {
			return nil, fmt.Errorf("the archive %s is too large when unpacked", path)
		}
		m := member{Header: h, name: strings.Trim(strings.TrimPrefix(filepath.ToSlash(filepath.Clean("/"+h.Name)), "/"), "/")}
		if h.Typeflag == tar.TypeReg {
			if m.data, err = io.ReadAll(io.LimitReader(t, maxMember)); err != nil {
				return nil, err
			}
		}
		out = append(out, m)
	}
}

func decompressed(f io.Reader) (io.Reader, error) {
	b := bufio.NewReader(f)
	magic, _ := b.Peek(3)
	switch {
	case len(magic) > 1 && magic[0] == 0x1f && magic[1] == 0x8b:
		return gzip.NewReader(b)
	case string(magic) == "BZh":
		return bzip2.NewReader(b), nil
	}
	return b, nil
}

// under reports whether the relative path name stays inside a folder.
func under(name string) bool {
	return name != ".." && !strings.HasPrefix(name, "../") && !filepath.IsAbs(name)
}
