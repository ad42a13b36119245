package galaxy

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/internal/yaml"
)

// kind is where a collection comes from.
type kind string

const (
	fromGalaxy kind = "galaxy"
	fromFile   kind = "file"
	fromDir    kind = "dir"
	fromDirs   kind = "subdirs"
	fromURL    kind = "url"
	fromGit    kind = "git"
)

// Collection is a wish for a collection.
type Collection struct {
	Kind    kind
	Source  string // a name, a path, a URL, a repository
	Folder  string // of a git repository
	Version string // a range, or what to check out; "" is any
}

func (c Collection) String() string {
	if c.Version == "" {
		return c.Source
	}
	return c.Source + ":" + c.Version
}

// ParseCollection reads a wish as it is given on the command line: a path, a
// URL, git+URL#folder,version or name:range.
func ParseCollection(text string) (Collection, error) {
	if isGit(text) {
		return gitCollection(text, ""), nil
	}
	if st, err := os.Stat(text); err == nil {
		return pathCollection(text, st.IsDir()), nil
	}
	if u, err := url.Parse(text); err == nil && (u.Scheme == "http" || u.Scheme == "https") {
		return Collection{Kind: fromURL, Source: text}, nil
	}
	if path, ok := strings.CutPrefix(text, "file://"); ok {
		return ParseCollection(path)
	}
	name, version, _ := strings.Cut(text, ":")
	if !collectionName.MatchString(name) {
		return Collection{}, noCollection(text)
	}
	return Collection{Kind: fromGalaxy, Source: name, Version: version}, nil
}

func noCollection(text string) error {
	return fmt.Errorf("Neither the collection requirement entry key 'name', nor 'source' point to a concrete resolvable collection artifact. Also 'name' is not an FQCN. A valid collection name must be in the format <namespace>.<collection>. Please make sure that the namespace and the collection name contain characters from [a-zA-Z0-9_] only.\n\nCould not find %s.", text)
}

func pathCollection(path string, dir bool) Collection {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	switch {
	case !dir:
		return Collection{Kind: fromFile, Source: path}
	case isCollection(path):
		return Collection{Kind: fromDir, Source: path}
	}
	return Collection{Kind: fromDirs, Source: path}
}

func isGit(text string) bool {
	return strings.HasPrefix(text, "git+") || strings.HasPrefix(text, "git@")
}

// gitCollection reads git+URL#folder,version.
func gitCollection(text, version string) Collection {
	repo, fragment, has := strings.Cut(strings.TrimPrefix(text, "git+"), "#")
	if !has {
		repo, fragment = text, ""
		repo = strings.TrimPrefix(repo, "git+")
	}
	cut := &repo
	if has {
		cut = &fragment
	}
	if rest, v, ok := strings.Cut(*cut, ","); ok {
		*cut = rest
		if version == "" {
			version = v
		}
	}
	return Collection{Kind: fromGit, Source: repo, Folder: strings.Trim(fragment, "/"), Version: version}
}

// Role is a wish for a role.
type Role struct {
	Source  string // a path, a URL, a repository, a name
	SCM     string // git, hg, or "" for archives
	Version string
	Name    string
	parent  string // the role that needs it
}

// ParseRole reads a wish for a role: source[,version[,name]].
func ParseRole(text string) (Role, error) {
	parts := strings.Split(strings.TrimSpace(text), ",")
	if len(parts) > 3 {
		return Role{}, fmt.Errorf("Invalid role line (%s). Proper format is 'role_name[,version[,name]]'", text)
	}
	r := Role{Source: strings.TrimSpace(parts[0])}
	if len(parts) > 1 {
		r.Version = strings.TrimSpace(parts[1])
	}
	if len(parts) > 2 {
		r.Name = strings.TrimSpace(parts[2])
	}
	return r.complete(), nil
}

// complete fills in what the source tells.
func (r Role) complete() Role {
	for _, scm := range []string{"git", "hg"} {
		if rest, ok := strings.CutPrefix(r.Source, scm+"+"); ok {
			r.Source, r.SCM = rest, scm
		}
	}
	if r.SCM == "" && (strings.HasPrefix(r.Source, "git@") || strings.Contains(r.Source, "github.com") && strings.HasPrefix(r.Source, "http") && !strings.HasSuffix(r.Source, ".tar.gz")) {
		r.SCM = "git"
	}
	if r.Name == "" {
		r.Name = repoName(r.Source)
	}
	return r
}

// repoName is the name that a URL suggests; a plain name stays.
func repoName(source string) string {
	if !strings.Contains(source, "://") && !strings.Contains(source, "@") {
		if strings.Contains(source, "/") {
			return filepath.Base(source)
		}
		return source
	}
	name := source[strings.LastIndexAny(strings.TrimRight(source, "/"), "/:")+1:]
	name = strings.TrimRight(name, "/")
	name = strings.TrimSuffix(name, ".git")
	name = strings.TrimSuffix(name, ".tar.gz")
	name, _, _ = strings.Cut(name, ",")
	return name
}

// ReadRequirements reads a requirements.yml: a list of roles, or a dictionary
// of roles and collections.
func ReadRequirements(path string) (roles []Role, collections []Collection, err error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, fmt.Errorf("The requirements file '%s' does not exist.", path)
	}
	if err != nil {
		return nil, nil, err
	}
	n, err := yaml.Parse(data, path, yaml.Options{AsData: true})
	if err != nil {
		return nil, nil, err
	}
	switch {
	case n.IsNull():
		return nil, nil, fmt.Errorf("No requirements found in file '%s'", path)
	case n.Kind == yaml.List:
		roles, err = readRoles(n, filepath.Dir(path))
		return roles, nil, err
	case n.Kind != yaml.Map:
		return nil, nil, &diag.Problem{Pos: n.Pos, Msg: "a file of requirements holds 'roles' and 'collections'"}
	}
	for _, p := range n.Pairs {
		switch key, _ := p.Key.Text(); key {
		case "roles":
			roles, err = readRoles(p.Value, filepath.Dir(path))
		case "collections":
			collections, err = readCollections(p.Value, filepath.Dir(path))
		default:
			err = &diag.Problem{Pos: p.Key.Pos, Msg: fmt.Sprintf("Expecting only 'roles' and/or 'collections' as base keys in the requirements file. Found: %s", key)}
		}
		if err != nil {
			return nil, nil, err
		}
	}
	return roles, collections, nil
}

func readRoles(n *yaml.Node, dir string) ([]Role, error) {
	if n.IsNull() {
		return nil, nil
	}
	if n.Kind != yaml.List {
		return nil, &diag.Problem{Pos: n.Pos, Msg: "the roles must be a list"}
	}
	var out []Role
	for _, it := range n.Items {
		if it.Kind == yaml.Map && !it.Get("include").IsNull() {
			file := value.Str(it.Get("include").Value())
			if !filepath.IsAbs(file) {
				file = filepath.Join(dir, file)
			}
			more, _, err := ReadRequirements(file)
			if err != nil {
				return nil, err
			}
			out = append(out, more...)
			continue
		}
		r, err := readRole(it)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

func readRole(n *yaml.Node) (Role, error) {
	text := func(key string) string {
		if v := n.Get(key); !v.IsNull() {
			return value.Str(v.Value())
		}
		return ""
	}
	switch n.Kind {
	case yaml.Scalar:
		s, ok := n.Text()
		if !ok {
			break
		}
		return ParseRole(s)
	case yaml.Map:
		r := Role{Source: text("src"), SCM: text("scm"), Version: text("version"), Name: text("name")}
		if role := text("role"); role != "" && r.Source == "" {
			if strings.Contains(role, ",") {
				return ParseRole(role)
			}
			r.Source = role
		}
		if r.Source == "" {
			r.Source = r.Name
		}
		if r.Source == "" {
			return r, &diag.Problem{Pos: n.Pos, Msg: "Must specify name or src for role"}
		}
		if r.Version == "" && strings.Contains(r.Source, ",") {
			full, err := ParseRole(r.Source)
			if err != nil {
				return r, err
			}
			r.Source, r.Version, r.SCM = full.Source, full.Version, full.SCM
		}
		return r.complete(), nil
	}
	return Role{}, &diag.Problem{Pos: n.Pos, Msg: "a role is a name, or a dictionary with 'src'"}
}

func readCollections(n *yaml.Node, dir string) ([]Collection, error) {
	if n.IsNull() {
		return nil, nil
	}
	if n.Kind != yaml.List {
		return nil, &diag.Problem{Pos: n.Pos, Msg: "the collections must be a list"}
	}
	var out []Collection
	for _, it := range n.Items {
		c, err := readCollection(it, dir)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

func readCollection(n *yaml.Node, dir string) (Collection, error) {
	at := func(err error) (Collection, error) { return Collection{}, &diag.Problem{Pos: n.Pos, Msg: err.Error()} }
	beside := func(path string) string {
		if !filepath.IsAbs(path) && !exists(path) && exists(filepath.Join(dir, path)) {
			return filepath.Join(dir, path)
		}
		return path
	}
	if text, ok := n.Text(); ok && n.Kind == yaml.Scalar {
		c, err := ParseCollection(beside(text))
		if err != nil {
			return at(err)
		}
		return c, nil
	}
	if n.Kind != yaml.Map {
		return at(errors.New("a collection is a name, or a dictionary with 'name'"))
	}
	text := func(key string) string {
		if v := n.Get(key); !v.IsNull() {
			return value.Str(v.Value())
		}
		return ""
	}
	name, source, version := text("name"), text("source"), text("version")
	if version == "*" {
		version = ""
	}
	switch k := kind(text("type")); k {
	case fromGit:
		if source == "" {
			source = name
		}
		return gitCollection(source, version), nil
	case fromFile, fromDir, fromDirs:
		path := source
		if path == "" {
			path = name
		}
		if path = beside(path); !exists(path) {
			return at(fmt.Errorf("Collection requirement name '%s' of type %s is not there", path, k))
		}
		c := pathCollection(path, isDir(path))
		return c, nil
	case fromURL:
		if source == "" {
			source = name
		}
		return Collection{Kind: fromURL, Source: source}, nil
	case "", fromGalaxy:
	default:
		return at(fmt.Errorf("The collection requirement entry key 'type' must be one of file, galaxy, git, dir, subdirs, url; not %s", k))
	}
	if name == "" && source == "" {
		return at(errors.New("The collection requirement entry should contain the key 'name'"))
	}
	if isGit(name) || name == "" && isGit(source) {
		if name == "" {
			name = source
		}
		return gitCollection(name, version), nil
	}
	if isGit(source) {
		return gitCollection(source, version), nil
	}
	c, err := ParseCollection(beside(name))
	if err != nil {
		return at(err)
	}
	if version != "" {
		c.Version = version
	}
	return c, nil
}
