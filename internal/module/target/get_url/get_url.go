// Package geturl is the module that downloads a file.
package geturl

import (
	"cmp"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/web"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module downloads a file.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "ansible.builtin.get_url",
		Summary: "Downloads a file.",
		Params: slices.Concat(web.Params("username"), []module.Param{
			{Name: "dest", Type: module.Path, Required: true, Doc: "Where to put it; a directory keeps the name."},
			{Name: "backup", Type: module.Bool, Default: false, Doc: "Keep the old file under a dated name."},
			{Name: "checksum", Default: "", Doc: "What the content must be: algorithm:hex, or algorithm:URL of a list."},
			{Name: "timeout", Type: module.Int, Default: 10, Doc: "Seconds to wait for an answer."},
			{Name: "tmp_dest", Type: module.Path, Doc: "Directory for the download while it runs."},
		}, files.CommonParams()),
		Hints: []parallel.Hint{parallel.Free()},
		Check: module.Full, Diff: module.None,
		Returns: []module.Return{
			{Name: "dest", When: "success", Doc: "The file."},
			{Name: "url", When: "always", Doc: "What was asked for."},
			{Name: "checksum_src", When: "success", Doc: "SHA-1 of what came."},
			{Name: "checksum_dest", When: "success", Doc: "SHA-1 of what was there."},
			{Name: "md5sum", When: "changed", Doc: "MD5 of the file."},
			{Name: "status_code", Type: module.Int, When: "always", Doc: "The server's answer."},
			{Name: "elapsed", Type: module.Int, When: "always", Doc: "Seconds that it took."},
			{Name: "backup_file", When: "changed and if backup=yes", Doc: "The old file."},
		},
	},
	Run: run,
}

var algorithms = map[string]func() hash.Hash{
	"md5": md5.New, "sha1": sha1.New, "sha224": sha256.New224, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New,
}

type download struct {
	env     *module.Env
	args    module.Args
	url     string
	dest    string
	sum     string // wanted checksum in hex, "" for any
	newHash func() hash.Hash
	r       *module.Result
	start   time.Time
}

func (d *download) fail(format string, args ...any) *module.Result {
	d.r.Failed, d.r.Msg = true, fmt.Sprintf(format, args...)
	files.AddInfo(d.r, d.dest)
	return d.r.Set("elapsed", int(time.Since(d.start).Seconds()))
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	d := &download{env: env, args: args, url: args.String("url"), dest: args.String("dest"), start: time.Now()}
	d.r = module.OK().Set("checksum_dest", nil).Set("checksum_src", nil).Set("dest", d.dest).Set("elapsed", 0).Set("url", d.url)
	if failed := d.wanted(ctx); failed != nil {
		return failed
	}
	o := web.Options{Method: http.MethodGet, Timeout: time.Duration(args.Int("timeout")) * time.Second, Redirects: "urllib2", Force: args.Bool("force")}
	if env.Check {
		o.Method = http.MethodHead
	}
	isDir := files.IsDir(d.dest)
	if fi, err := os.Stat(d.dest); err == nil && !isDir {
		same := d.sum != "" && d.matches(d.dest)
		if same && !args.Bool("force") {
			return d.attributes("file already exists")
		}
		if d.sum == "" && !strings.HasPrefix(d.url, "file:") {
			o.NewerThan = fi.ModTime()
		}
	}
	resp := web.Do(ctx, env, args, d.url, o)
	if resp.Body != nil {
		defer resp.Body.Close()
	}
	switch {
	case resp.Status == http.StatusNotModified:
		r := module.OK().Set("url", d.url).Set("dest", d.dest).Set("status_code", resp.Status).Set("elapsed", int(time.Since(d.start).Seconds()))
		r.Msg = resp.Msg
		files.AddInfo(r, d.dest)
		return r
	case resp.Status != http.StatusOK:
		return d.refused(d.url, resp)
	}
	if isDir {
		d.dest = filepath.Join(d.dest, fileName(resp))
		d.r.Set("dest", d.dest)
	}
	return d.take(ctx, resp)
}

// refused is the failure of a request that did not bring what it was for.
func (d *download) refused(address string, resp *web.Response) *module.Result {
	if resp.NoURL {
		return module.Fail("%s", resp.Msg).Set("url", address).Set("status", resp.Status)
	}
	d.r = module.OK().Set("url", address).Set("dest", d.dest)
	if resp.Status == -1 {
		return d.fail("%s", resp.Msg)
	}
	d.r.Set("status_code", resp.Status).Set("response", resp.Msg)
	return d.fail("Request failed")
}

// take puts the answer into its place.
func (d *download) take(ctx context.Context, resp *web.Response) *module.Result {
	local := strings.HasPrefix(resp.URL, "file:")
	var tmp string
	var sums files.Sums
	if d.env.Check && !local {
		if _, failed := d.place(); failed != nil {
			return failed
		}
	} else {
		var failed *module.Result
		if tmp, failed = d.receive(resp); failed != nil {
			return failed
		}
		defer os.Remove(tmp)
		var err error
		if sums, err = files.SumsOfFile(tmp); err != nil {
			return d.fail("%s", err)
		}
		d.r.Set("src", tmp).Set("checksum_src", sums.SHA1)
	}
	dir := filepath.Dir(d.dest)
	switch {
	case files.Exists(d.dest):
		if unix.Access(d.dest, unix.W_OK) != nil {
			return d.fail("Destination %s is not writable", d.dest)
		}
		if sum, err := files.SHA1OfFile(d.dest); err == nil {
			d.r.Set("checksum_dest", sum)
		}
	case !files.Exists(dir):
		return d.fail("Destination %s does not exist", dir)
	case unix.Access(dir, unix.W_OK) != nil:
		return d.fail("Destination %s is not writable", dir)
	}
	// What would come from a server is not known without asking for it.
	d.r.Changed = tmp == "" || d.r.Get("checksum_dest") != sums.SHA1
	if d.env.Check {
		files.AddInfo(d.r, d.dest)
		d.r.Msg = resp.Msg
		return d.r.Set("elapsed", int(time.Since(d.start).Seconds()))
	}
	if d.sum != "" && !d.matches(tmp) {
		h, err := d.digest(tmp)
		if err != nil {
			return d.fail("%s", err)
		}
		return d.fail("The checksum for %s did not match %s; it was %s.", d.dest, d.sum, h)
	}
	if d.r.Changed {
		if failed := d.replace(ctx, tmp); failed != nil {
			return failed
		}
	}
	d.r.Set("status_code", resp.Status)
	if local {
		d.r.Set("status_code", nil) // files have no status
	}
	d.r.Set("md5sum", sums.MD5).Set("elapsed", int(time.Since(d.start).Seconds()))
	return d.attributes(resp.Msg)
}

// place is the directory for what comes.
func (d *download) place() (string, *module.Result) {
	dir := d.args.String("tmp_dest")
	fail := func(format string, args ...any) *module.Result {
		return module.Fail(format, args...).Set("elapsed", int(time.Since(d.start).Seconds()))
	}
	switch {
	case dir != "" && files.Exists(dir) && !files.IsDir(dir):
		return "", fail("%s is a file but should be a directory.", dir)
	case dir != "" && !files.Exists(dir):
		return "", fail("%s directory does not exist.", dir)
	case dir == "":
		var err error
		if dir, err = d.env.TempDir(); err != nil {
			return "", fail("failed to create temporary content file: %s", err)
		}
	}
	return dir, nil
}

// receive writes the answer to a temporary file.
func (d *download) receive(resp *web.Response) (string, *module.Result) {
	dir, failed := d.place()
	if failed != nil {
		return "", failed
	}
	f, err := os.CreateTemp(dir, "tmp")
	if err != nil {
		return "", d.fail("failed to create temporary content file: %s", err)
	}
	_, err = io.Copy(f, resp.Body)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		os.Remove(f.Name())
		return "", d.fail("failed to create temporary content file: %s", err)
	}
	return f.Name(), nil
}

func (d *download) replace(ctx context.Context, tmp string) *module.Result {
	defer files.Lock(d.dest)()
	in, err := os.Open(tmp)
	if err != nil {
		return d.fail("%s", err)
	}
	defer in.Close()
	done, err := files.Replacement{
		Path: d.dest, Attrs: files.AttrsOf(d.args), Backup: d.args.Bool("backup"), Unsafe: d.args.Bool("unsafe_writes"),
	}.Write(ctx, in)
	if a := (*files.AttrError)(nil); errors.As(err, &a) {
		return a.Result()
	}
	if err != nil {
		d.r.Changed = false
		return d.fail("failed to copy %s to %s: %s", tmp, d.dest, err)
	}
	if done.BackupFile != "" {
		d.r.Set("backup_file", done.BackupFile)
	}
	d.r.Changed = true
	return nil
}

// attributes sets the file's attributes and ends the task.
func (d *download) attributes(msg string) *module.Result {
	changed, err := files.AttrsOf(d.args).Apply(d.dest, d.env.Check, nil)
	if err != nil {
		return files.Fail(err)
	}
	if changed && msg == "file already exists" {
		msg += " but file attributes changed"
	}
	d.r.Changed = d.r.Changed || changed
	d.r.Msg = msg
	files.AddInfo(d.r, d.dest)
	return d.r
}

func (d *download) digest(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := d.newHash()
	_, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), err
}

func (d *download) matches(path string) bool {
	sum, err := d.digest(path)
	return err == nil && sum == d.sum
}

var (
	notHex     = lazyregexp.New(`\W+`)
	isHex      = lazyregexp.New(`^[0-9a-f]+$`)
	attachment = lazyregexp.New(`^attachment; ?filename="?([^"]+)`)
)

// wanted reads the parameter checksum, and the list of checksums if it names one.
func (d *download) wanted(ctx context.Context) *module.Result {
	text := d.args.String("checksum")
	if text == "" {
		return nil
	}
	algorithm, sum, ok := strings.Cut(text, ":")
	if !ok {
		return d.fail("The checksum parameter has to be in format <algorithm>:<checksum>")
	}
	if u, err := url.Parse(sum); err == nil && slices.Contains([]string{"http", "https", "ftp", "file"}, u.Scheme) {
		list := sum
		var failed *module.Result
		if sum, failed = d.fromList(ctx, list); failed != nil {
			return failed
		}
		if sum == "" {
			return module.Fail("Unable to find a checksum for file '%s' in '%s'", urlName(d.url), list)
		}
	}
	d.sum = strings.ToLower(notHex.ReplaceAllString(sum, ""))
	if !isHex.MatchString(d.sum) {
		return d.fail("The checksum format is invalid")
	}
	if d.newHash, ok = algorithms[strings.ToLower(algorithm)]; !ok {
		return module.Fail("Could not hash file '%s' with algorithm '%s'. Available algorithms: %s", d.dest, algorithm, strings.Join(slices.Sorted(maps.Keys(algorithms)), ", "))
	}
	return nil
}

func (d *download) fromList(ctx context.Context, list string) (string, *module.Result) {
	resp := web.Do(ctx, d.env, d.args, list, web.Options{
		Method: http.MethodGet, Timeout: time.Duration(d.args.Int("timeout")) * time.Second, Redirects: "urllib2",
	})
	if resp.Body != nil {
		defer resp.Body.Close()
	}
	if resp.Status != http.StatusOK {
		return "", d.refused(list, resp)
	}
	if _, failed := d.place(); failed != nil {
		return "", failed
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		return "", d.fail("%s", err)
	}
	lines := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	if len(lines) == 1 && len(strings.Fields(lines[0])) == 1 {
		return strings.TrimSpace(lines[0]), nil
	}
	for _, line := range lines {
		sum, name, ok := strings.Cut(strings.TrimRight(line, "\r"), " ")
		if !ok {
			continue
		}
		name = strings.TrimPrefix(strings.TrimPrefix(name, " "), "*")
		if strings.TrimLeft(name, "./") == urlName(d.url) {
			return sum, nil
		}
	}
	return "", nil
}

// urlName is the last name of an address, with its escapes as they are written.
func urlName(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "index.html"
	}
	name := cmp.Or(u.RawPath, u.EscapedPath())
	if name = name[strings.LastIndexByte(name, '/')+1:]; name != "" && name != "." {
		return name
	}
	return "index.html"
}

// fileName is what the server calls the file, or the end of its address; it
// never leads out of a directory.
func fileName(resp *web.Response) string {
	name := urlName(resp.URL)
	if m := attachment.FindStringSubmatch(resp.Header.Get("Content-Disposition")); m != nil {
		name = m[1]
	}
	if name = filepath.Base(value.Str(name)); name == "." || name == ".." || name == "/" {
		return "index.html"
	}
	return name
}
