package apt

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/dpkg"
	"github.com/tutti-run/tutti/internal/module/web"
	"github.com/tutti-run/tutti/internal/value"
)

// files installs package files, with what they depend on.
func (t *task) files() *module.Result {
	var names []string
	for name := range strings.SplitSeq(t.args.String("deb"), ",") {
		if strings.Contains(name, "://") {
			var err error
			if name, err = t.fetch(name); err != nil {
				return module.Fail("%s", err)
			}
		}
		full, err := filepath.Abs(name)
		if err != nil {
			return module.Fail("%s", err)
		}
		wanted, err := t.wanted(full)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return module.Fail("Unable to install package: E:Could not open file %s - open (2: No such file or directory)", full)
		case errors.Is(err, errLater):
			return module.Fail("%s", err)
		case err != nil:
			return module.Fail("Unable to install package: %s", err)
		case wanted:
			names = append(names, full)
		}
	}
	if len(names) == 0 {
		return module.OK().SetOutput("", "")
	}
	return t.get("install", names)
}

var errLater = errors.New("A later version is already installed")

// wanted tells whether a package file holds another version than what is there.
func (t *task) wanted(file string) (bool, error) {
	if _, err := os.Stat(file); err != nil {
		return false, err
	}
	out, err := t.tool("dpkg", "--field", file, "Package", "Version", "Architecture")
	if err != nil {
		return false, err
	}
	if out.RC != 0 {
		return false, errors.New(strings.TrimSpace(out.Stderr))
	}
	fields := map[string]string{}
	for line := range strings.Lines(out.Stdout) {
		k, v, _ := strings.Cut(strings.TrimSpace(line), ": ")
		fields[k] = v
	}
	arch := fields["Architecture"]
	name := fields["Package"]
	if arch != "all" {
		name += ":" + arch
	}
	have := t.db.Find(name)
	if !have.Installed() {
		return true, nil
	}
	c := dpkg.Compare(fields["Version"], have.Version)
	if c < 0 && !t.args.Bool("force") && !t.args.Bool("allow_downgrade") {
		return false, errLater
	}
	return c != 0, nil
}

// fetch downloads a package file.
func (t *task) fetch(url string) (string, error) {
	dir, err := t.env.TempDir()
	if err != nil {
		return "", err
	}
	spec := module.Spec{Name: "ansible.builtin.apt", Params: web.Params()}
	args, err := spec.ParseTarget(value.MapOf("url", url), t.env.Environ)
	if err != nil {
		return "", err
	}
	resp := web.Do(t.ctx, t.env, args, url, web.Options{Redirects: "all"})
	if resp.Body != nil {
		defer resp.Body.Close()
	}
	if resp.Status != 200 {
		return "", fmt.Errorf("Failure downloading %s, %s", url, resp.Msg)
	}
	name := path.Base(resp.URL)
	if !strings.HasSuffix(name, ".deb") {
		name += ".deb" // or apt-get takes it for a package's name
	}
	f, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		return "", err
	}
	_, err = io.Copy(f, resp.Body)
	return f.Name(), errors.Join(err, f.Close())
}
