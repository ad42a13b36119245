// Package yumrepository is the module for yum's and dnf's repositories.
package yumrepository

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module keeps a repository in a file of yum.repos.d.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "ansible.builtin.yum_repository",
		Summary: "Keeps repositories of yum and dnf.",
		Params: slices.Concat([]module.Param{
			{Name: "name", Required: true, Doc: "Id of the repository."},
			{Name: "description", Doc: "Its name for people; needed with state=present."},
			{Name: "file", Doc: "Name of the file, without .repo; by default the id."},
			{Name: "reposdir", Type: module.Path, Default: "/etc/yum.repos.d", Doc: "Directory of the files."},
			{Name: "state", Default: "present", Choices: []any{"present", "absent"}, Doc: "Whether it shall be there."},
			{Name: "params", Type: module.Dict, Doc: "Not supported any more."},
			{Name: "baseurl", Type: module.List, Elements: module.Str, Doc: "Addresses of the repository."},
			{Name: "gpgkey", Type: module.List, Elements: module.Str, Doc: "Addresses of the keys that packages are signed with."},
			{Name: "exclude", Type: module.List, Elements: module.Str, Doc: "Packages to leave out."},
			{Name: "includepkgs", Type: module.List, Elements: module.Str, Doc: "The only packages to take."},
			{Name: "failovermethod", Choices: []any{"roundrobin", "priority"}, Doc: "Order in which addresses are tried."},
			{Name: "http_caching", Choices: []any{"all", "packages", "none"}, Doc: "What caches on the way may keep."},
			{Name: "ip_resolve", Choices: []any{"4", "6", "IPv4", "IPv6", "whatever"}, Doc: "Kind of addresses to use."},
			{Name: "keepcache", Choices: []any{"0", "1"}, Doc: "Keep packages after their installation."},
			{Name: "metadata_expire_filter", Choices: []any{"never", "read-only:past", "read-only:present", "read-only:future"}, Doc: "Which commands may use old lists."},
			{Name: "password", NoLog: true, Doc: "Password to log in with."},
			{Name: "proxy_password", NoLog: true, Doc: "Password for the proxy."},
			{Name: "sslcacert", Aliases: []string{"ca_cert"}, Doc: "Certificates that the server's is checked with."},
			{Name: "sslclientcert", Aliases: []string{"client_cert"}, Doc: "Certificate to show."},
			{Name: "sslclientkey", Aliases: []string{"client_key"}, Doc: "Key of the certificate."},
			{Name: "sslverify", Type: module.Bool, Aliases: []string{"validate_certs"}, Doc: "Check the server's certificate."},
		}, flags(map[string]string{
			"async": "Fetch lists in the background.", "enabled": "Use the repository.", "enablegroups": "Use its groups.",
			"gpgcheck": "Check the signatures of packages.", "module_hotfixes": "Take packages in spite of module streams.",
			"keepalive": "Keep connections.", "protect": "Keep packages from being replaced by those of other repositories.",
			"repo_gpgcheck": "Check the signature of the lists.", "s3_enabled": "It is in S3.",
			"skip_if_unavailable":        "Go on without it if it cannot be reached.",
			"ssl_check_cert_permissions": "Check that files of certificates can be read.",
		}), texts(map[string]string{
			"bandwidth": "Bandwidth to use for throttle.", "cost": "Cost of taking a package from here.",
			"deltarpm_metadata_percentage": "Size of the lists of deltas from which they are not fetched.",
			"deltarpm_percentage":          "Size of a delta, in per cent of the package, from which it is not used.",
			"gpgcakey":                     "Address of the key that keys are signed with.", "include": "File to read as well.",
			"metadata_expire": "Age at which lists are old.", "metalink": "Address of a metalink.", "mirrorlist": "Address of a list of mirrors.",
			"mirrorlist_expire": "Age at which that list is old.", "priority": "Priority among repositories.",
			"proxy": "The proxy to use.", "proxy_username": "User for the proxy.", "retries": "How often to try.",
			"throttle": "Bandwidth to keep to.", "timeout": "Seconds to wait for a server.",
			"ui_repoid_vars": "Variables to show with the id.", "username": "User to log in as.",
		}), files.CommonParams()),
		Hints: []parallel.Hint{parallel.Host("rpm")},
		Check: module.Full, Diff: module.Full,
		Returns: []module.Return{
			{Name: "repo", When: "success", Doc: "Id of the repository."},
			{Name: "state", When: "success", Doc: "What was asked for."},
		},
	},
	Run: run,
}

func flags(docs map[string]string) []module.Param { return list(docs, module.Bool) }
func texts(docs map[string]string) []module.Param { return list(docs, module.Str) }

func list(docs map[string]string, kind module.Type) []module.Param {
	var params []module.Param
	for _, name := range slices.Sorted(maps.Keys(docs)) {
		params = append(params, module.Param{Name: name, Type: kind, Doc: docs[name]})
	}
	return params
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	id, present := args.String("name"), args.String("state") == "present"
	switch {
	case args.Dict("params").Len() > 0:
		return module.Fail("The params option to yum_repository was removed in Ansible 2.5 since it circumvents Ansible's option handling")
	case present && !args.Has("baseurl") && !args.Has("metalink") && !args.Has("mirrorlist"):
		return module.Fail("Parameter 'baseurl', 'metalink' or 'mirrorlist' is required.")
	case present && !args.Has("description"):
		return module.Fail("Parameter 'description' is required.")
	}
	dir, file := args.String("reposdir"), args.String("file")
	if !files.IsDir(dir) {
		return module.Fail("Repo directory '%s' does not exist.", dir)
	}
	if file == "" {
		file = id
	}
	path := filepath.Join(dir, file+".repo")
	defer files.Lock(path)()
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return module.Fail("Problems handling file %s.", path).Set("details", err.Error())
	}
	repos, err := parse(string(data))
	if err != nil {
		return module.Fail("Problems handling file %s.", path).Set("details", err.Error())
	}
	before := repos.sorted()
	repos.remove(id)
	if present {
		s := settings(args)
		repos.sections = append(repos.sections, section{id, slices.Sorted(maps.Keys(s)), s})
	}
	after := repos.sorted()
	r := module.OK().Set("repo", id).Set("state", args.String("state"))
	r.Diff = value.MapOf("before_header", path, "before", before, "after_header", path, "after", after)
	r.Changed = before != after
	attrs := files.AttrsOf(args)
	if r.Changed && !env.Check {
		if len(repos.sections) == 0 {
			err = os.Remove(path)
		} else {
			_, err = files.Replacement{Path: path, Attrs: attrs, Unsafe: args.Bool("unsafe_writes")}.Write(ctx, strings.NewReader(repos.text()))
		}
		if err != nil {
			return module.Fail("Problems handling file %s.", path).Set("details", err.Error())
		}
	}
	if files.Exists(path) {
		changed, err := attrs.Apply(path, env.Check, nil)
		if err != nil {
			return files.Fail(err)
		}
		r.Changed = r.Changed || changed
	}
	return r
}

// apart are parameters that are no settings of the repository.
var apart = []string{"name", "description", "file", "reposdir", "state", "params"}

// settings are those of the arguments that go into the file.
func settings(args module.Args) map[string]string {
	common := map[string]bool{}
	for _, p := range files.CommonParams() {
		common[p.Name] = true
	}
	s := map[string]string{"name": args.String("description")}
	for name := range args.Map().Strings() {
		if slices.Contains(apart, name) || common[name] || !args.Has(name) {
			continue
		}
		switch v := args.Any(name).(type) {
		case bool:
			s[name] = map[bool]string{true: "1", false: "0"}[v]
		case []any:
			by := " "
			if name == "baseurl" || name == "gpgkey" {
				by = "\n"
			}
			s[name] = strings.Join(args.Strings(name), by)
		default:
			s[name] = value.Str(v)
		}
	}
	return s
}

// repoFile is the content of a file of repositories.
type repoFile struct{ sections []section }

type section struct {
	id       string
	names    []string // of the settings, in the order of the file
	settings map[string]string
}

func (s *section) set(name, text string) {
	if _, ok := s.settings[name]; !ok {
		s.names = append(s.names, name)
	}
	s.settings[name] = text
}

// parse reads a file as Python's configparser does: comments are dropped, names
// are in lower case, and lines that are indented go on.
func parse(text string) (*repoFile, error) {
	f, last := &repoFile{}, ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \t\r\n")
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "" || trimmed[0] == '#' || trimmed[0] == ';':
		case line[0] == '[' && strings.HasSuffix(line, "]"):
			f.sections = append(f.sections, section{line[1 : len(line)-1], nil, map[string]string{}})
			last = ""
		case len(f.sections) == 0:
			return nil, fmt.Errorf("there is a line before the first section: %q", line)
		case (line[0] == ' ' || line[0] == '\t') && last != "":
			f.sections[len(f.sections)-1].settings[last] += "\n" + trimmed
		default:
			i := strings.IndexAny(line, "=:")
			if i < 0 {
				return nil, fmt.Errorf("there is a line without a value: %q", line)
			}
			last = strings.ToLower(strings.TrimSpace(line[:i]))
			f.sections[len(f.sections)-1].set(last, strings.TrimSpace(line[i+1:]))
		}
	}
	return f, nil
}

func (f *repoFile) remove(id string) {
	f.sections = slices.DeleteFunc(f.sections, func(s section) bool { return s.id == id })
}

// sorted is the content in an order of its own, to compare and to show.
func (f *repoFile) sorted() string {
	ordered := slices.SortedFunc(slices.Values(f.sections), func(a, b section) int { return strings.Compare(a.id, b.id) })
	for i := range ordered {
		ordered[i].names = slices.Sorted(slices.Values(ordered[i].names))
	}
	return write(ordered, "\n")
}

// text is the content of the file: what was there before stays as it was.
func (f *repoFile) text() string { return write(f.sections, "\n\t") }

func write(sections []section, newline string) string {
	var b strings.Builder
	for _, s := range sections {
		b.WriteString("[" + s.id + "]\n")
		for _, name := range s.names {
			b.WriteString(name + " = " + strings.ReplaceAll(s.settings[name], "\n", newline) + "\n")
		}
		b.WriteString("\n")
	}
	return b.String()
}
