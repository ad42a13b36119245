package galaxy

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/internal/yaml"
)

// Info is what a collection says about itself, in galaxy.yml or, once built, in
// MANIFEST.json.
type Info struct {
	Namespace, Name, Version string
	Dependencies             *value.Map // requirement -> version range
	built                    bool       // it has a MANIFEST.json
	data                     *value.Map // galaxy.yml, complete
}

// FQCN is the collection's full name.
func (i *Info) FQCN() string { return i.Namespace + "." + i.Name }

func (i *Info) String() string { return i.FQCN() + ":" + i.Version }

var collectionName = lazyregexp.New(`^[a-zA-Z_]\w*\.[a-zA-Z_]\w*$`)

// CheckName refuses what is no name of a collection.
func CheckName(name string) error {
	if collectionName.MatchString(name) {
		return nil
	}
	return fmt.Errorf("Invalid collection name '%s', name must be in the format <namespace>.<collection>. \nPlease make sure namespace and collection name contains characters from [a-zA-Z0-9_] only.", name)
}

// galaxyFile finds galaxy.yml, "" if there is none.
func galaxyFile(dir string) string {
	for _, n := range []string{"galaxy.yml", "galaxy.yaml"} {
		if p := filepath.Join(dir, n); isFile(p) {
			return p
		}
	}
	return ""
}

// isCollection reports whether a folder is a collection's.
func isCollection(dir string) bool {
	return galaxyFile(dir) != "" || isFile(filepath.Join(dir, "MANIFEST.json"))
}

// ReadInfo reads what the collection in dir says about itself: its sources
// first.
func ReadInfo(dir string) (*Info, error) {
	if p := galaxyFile(dir); p != "" {
		return readSource(p)
	}
	data, err := os.ReadFile(filepath.Join(dir, "MANIFEST.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("the folder %s holds no collection: there is neither galaxy.yml nor MANIFEST.json", dir)
	}
	if err != nil {
		return nil, err
	}
	return parseManifest(data, filepath.Join(dir, "MANIFEST.json"))
}

func parseManifest(data []byte, path string) (*Info, error) {
	v, err := value.ParseJSON(data)
	if err != nil {
		return nil, fmt.Errorf("%s is not valid JSON: %w", path, err)
	}
	m, _ := v.(*value.Map)
	c, _ := m.At("collection_info").(*value.Map)
	if c == nil {
		return nil, fmt.Errorf("%s does not have the required 'collection_info'", path)
	}
	deps, _ := c.At("dependencies").(*value.Map)
	if deps == nil {
		deps = value.NewMap(0)
	}
	i := &Info{Namespace: value.Str(c.At("namespace")), Name: value.Str(c.At("name")), Version: value.Str(c.At("version")), Dependencies: deps, built: true}
	return i, i.check(c.At("version"))
}

// check refuses a version that is none.
func (i *Info) check(version any) error {
	text, ok := version.(string)
	if ok && validVersion(text) {
		return nil
	}
	what := fmt.Sprintf("'%s.%s:%s'", i.Namespace, i.Name, value.Str(version))
	switch version.(type) {
	case string, float64, int, bool, nil:
		what += fmt.Sprintf(": %s (<class '%s'>)", value.Str(version), value.TypeName(version))
	}
	return fmt.Errorf("Invalid version found for the collection %s. A SemVer-compliant version or '*' is required.", what)
}

// The keys of galaxy.yml, in the order in which MANIFEST.json has them.
var (
	textKeys  = []string{"namespace", "name", "version", "readme", "description", "license_file", "repository", "documentation", "homepage", "issues"}
	listKeys  = []string{"authors", "license", "tags", "build_ignore"}
	dictKeys  = []string{"dependencies", "manifest"}
	required  = []string{"authors", "name", "namespace", "readme", "version"}
	manifestO = []string{"namespace", "name", "version", "authors", "readme", "tags", "description", "license", "license_file", "dependencies", "repository", "documentation", "homepage", "issues"}
)

func readSource(path string) (*Info, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	n, err := yaml.Parse(data, path, yaml.Options{AsData: true})
	if err != nil {
		return nil, err
	}
	m, ok := n.Value().(*value.Map)
	if !ok {
		return nil, &diag.Problem{Pos: n.Pos, Msg: "The collection galaxy.yml must be a dictionary"}
	}
	m = m.Clone()
	var missing []string
	for _, k := range required {
		if !m.Has(k) {
			missing = append(missing, k)
		}
	}
	if missing != nil {
		return nil, fmt.Errorf("The collection galaxy.yml at '%s' is missing the following mandatory keys: %s", path, strings.Join(missing, ", "))
	}
	for _, k := range textKeys {
		if m.At(k) == "" || !m.Has(k) {
			m.Set(k, nil)
		}
	}
	for _, k := range listKeys {
		switch v := m.At(k).(type) {
		case nil:
			m.Set(k, []any{})
		case []any:
		default:
			m.Set(k, []any{v})
		}
	}
	if _, ok := m.At("dependencies").(*value.Map); !ok {
		m.Set("dependencies", value.NewMap(0))
	}
	if len(m.At("build_ignore").([]any)) > 0 && m.At("manifest") != nil {
		return nil, errors.New(`"build_ignore" and "manifest" are mutually exclusive`)
	}
	i := &Info{Namespace: value.Str(m.At("namespace")), Name: value.Str(m.At("name")), Version: value.Str(m.At("version")),
		Dependencies: m.At("dependencies").(*value.Map), data: m}
	return i, i.check(m.At("version"))
}

// unknownKeys lists the keys of galaxy.yml that mean nothing.
func (i *Info) unknownKeys() []string {
	var out []string
	for k := range i.data.Strings() {
		if !slices.Contains(slices.Concat(textKeys, listKeys, dictKeys), k) {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}

// manifest is MANIFEST.json for the given sum of FILES.json.
func (i *Info) manifest(filesSum string) []byte {
	info := value.NewMap(len(manifestO))
	for _, k := range manifestO {
		info.Set(k, i.data.At(k))
	}
	return indented(value.MapOf("collection_info", info,
		"file_manifest_file", value.MapOf("name", "FILES.json", "ftype", "file", "chksum_type", "sha256", "chksum_sha256", filesSum, "format", 1),
		"format", 1))
}

func indented(v any) []byte { return value.JSON{Indent: 1}.Append(nil, v) }

// fileEntry is a line of FILES.json.
type fileEntry struct {
	Name string `json:"name"`
	Type string `json:"ftype"`
	Sum  string `json:"chksum_sha256"`
}

func readFiles(data []byte) ([]fileEntry, error) {
	var list struct {
		Files []fileEntry `json:"files"`
	}
	err := json.Unmarshal(data, &list)
	return list.Files, err
}
