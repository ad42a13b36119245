package half

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/source"
	"github.com/tutti-run/tutti/internal/template"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/internal/yaml"
)

// kubernetes is what the modules of kubernetes.core share: where the play's
// connection is local, the files that they name are looked for as those of other
// tasks are; templates are rendered.
func kubernetes() []*module.Half {
	var all []*module.Half
	for _, name := range []module.Name{"helm", "helm_info", "helm_plugin", "helm_plugin_info", "helm_repository", "k8s", "k8s_cluster_info", "k8s_cp", "k8s_drain",
		"k8s_exec", "k8s_info", "k8s_log", "k8s_rollback", "k8s_scale", "k8s_service", "ks8_json_patch"} {
		all = append(all, &module.Half{Action: "kubernetes.core." + name, NoAsync: true, Plan: planKubernetes})
	}
	return all
}

// rendering are the modules that take a template.
var rendering = []string{"k8s", "openshift_adm_groups_sync"}

func planKubernetes(_ context.Context, c module.Controller, name module.Name, args *value.Map) (_ *module.Plan, err error) {
	local := c.Var("ansible_connection") == "local"
	plan := call(name, args.Clone())
	params := plan.Call.Args
	var open []string // files with what was vaulted
	plan.Close = func() {
		for _, path := range open {
			_ = os.Remove(path)
		}
	}
	defer func() {
		if err != nil {
			plan.Close()
		}
	}()
	if v := args.At("kubeconfig"); given(v) {
		text, isText := v.(string)
		if _, isDict := v.(*value.Map); !isText && !isDict {
			return nil, fmt.Errorf("Error while reading kubeconfig parameter - a string or dict expected, but got %s instead", value.TypeName(v))
		}
		if isText && local {
			configs := strings.Split(text, ":")
			for i := range configs {
				if configs[i], err = readable(c, configs[i], &open); err != nil {
					return nil, err
				}
			}
			params.Set("kubeconfig", strings.Join(configs, ":"))
		}
	}
	if src := value.Str(args.At("src")); given(args.At("src")) && !remote(src) {
		if !local {
			return plan, nil // all of it lies on the target
		}
		path, err := c.FindFile("files", src)
		if err != nil {
			return nil, err
		}
		params.Set("src", path)
	}
	short := string(name)[strings.LastIndexByte(string(name), '.')+1:]
	if t := args.At("template"); given(t) {
		if !slices.Contains(rendering, short) {
			return nil, errors.New("'template' is only a supported parameter for the 'k8s' module.")
		}
		definition, err := renderAll(c, t)
		if err != nil {
			return nil, err
		}
		if !given(args.At("definition")) {
			params.Delete("template")
		}
		params.Set("definition", definition)
	}
	if v := args.At("local_path"); given(v) && args.At("state") == "to_pod" && local {
		if short != "k8s_cp" {
			return nil, errors.New("'local_path' is only supported parameter for 'k8s_cp' module.")
		}
		if _, err := os.Stat(value.Str(v)); err != nil {
			path, err := c.FindFile("files", value.Str(v))
			if err != nil {
				return nil, fmt.Errorf("%s does not exist in local filesystem", value.Str(v))
			}
			params.Set("local_path", path)
		}
	}
	return plan, nil
}

func remote(src string) bool {
	return strings.HasPrefix(src, "http://") || strings.HasPrefix(src, "https://") || strings.HasPrefix(src, "ftp://")
}

// readable finds a file on the controller and gives the path of one that another
// program can read: of a vault, a private copy, which is added to open.
func readable(c module.Controller, name string, open *[]string) (string, error) {
	path, err := c.FindFile("files", name)
	if err != nil {
		return "", err
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if !bytes.HasPrefix(raw, []byte("$ANSIBLE_VAULT;")) {
		return path, nil
	}
	clear, err := c.ReadFile(path)
	if err != nil {
		return "", err
	}
	f, err := os.CreateTemp("", "tutti-kubeconfig-")
	if err != nil {
		return "", err
	}
	*open = append(*open, f.Name())
	if _, err := f.Write(clear); err != nil {
		return "", errors.Join(err, f.Close())
	}
	return f.Name(), f.Close()
}

// renderAll renders the templates of a task, each a path or a dict of path and
// options, and reads what comes out: the documents of all of them.
func renderAll(c module.Controller, templates any) ([]any, error) {
	list, ok := templates.([]any)
	if !ok {
		list = []any{templates}
	}
	all := []any{}
	for _, t := range list {
		options, ok := t.(*value.Map)
		if text, isText := t.(string); isText {
			options, ok = value.MapOf("path", text), true
		}
		if !ok {
			return nil, fmt.Errorf("Error while reading template file - a string or dict for template expected, but got %s instead", value.TypeName(t))
		}
		if !given(options.At("path")) {
			return nil, errors.New("Please specify path for template.")
		}
		text, err := render(c, options)
		if err != nil {
			return nil, err
		}
		docs, err := yaml.ParseAll(text, value.Str(options.At("path")), yaml.Options{AsData: true})
		if err != nil {
			return nil, err
		}
		for _, d := range docs {
			all = append(all, withoutOmitted(value.Plain(d.Value())))
		}
	}
	return all, nil
}

// escapes are ways to write a newline that a playbook may have left as they are.
var escapes = map[string]string{`\n`: "\n", `\r`: "\r", `\r\n`: "\r\n"}

func render(c module.Controller, options *value.Map) ([]byte, error) {
	path, err := c.FindFile("templates", value.Str(options.At("path")))
	if err != nil {
		return nil, err
	}
	o := module.RenderOptions{Path: path, NewlineSequence: "\n", TrimBlocks: true}
	for name, to := range map[string]*string{"newline_sequence": &o.NewlineSequence, "variable_start_string": &o.VariableStart, "variable_end_string": &o.VariableEnd,
		"block_start_string": &o.BlockStart, "block_end_string": &o.BlockEnd} {
		if v := options.At(name); v != nil {
			*to = value.Str(v)
		}
	}
	for name, to := range map[string]*bool{"trim_blocks": &o.TrimBlocks, "lstrip_blocks": &o.LstripBlocks} {
		if v := options.At(name); v != nil {
			if *to, err = module.Boolean(v); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	if plain, ok := escapes[o.NewlineSequence]; ok {
		o.NewlineSequence = plain
	}
	if n := o.NewlineSequence; n != "\n" && n != "\r" && n != "\r\n" {
		return nil, errors.New("newline_sequence needs to be one of: \n, \r or \r\n")
	}
	text, err := source.Open(c, path)
	if err != nil {
		return nil, err
	}
	defer text.Close()
	var out bytes.Buffer
	err = c.Render(&out, text.SectionReader, o)
	return out.Bytes(), err
}

// withoutOmitted drops what a template gave the value of the variable omit.
func withoutOmitted(v any) any {
	omitted := value.Str(template.Omit)
	switch v := v.(type) {
	case *value.Map:
		kept := value.NewMap(v.Len())
		for k, e := range v.All() {
			if e != omitted {
				kept.Set(k, withoutOmitted(e))
			}
		}
		return kept
	case []any:
		kept := []any{}
		for _, e := range v {
			if e != omitted {
				kept = append(kept, withoutOmitted(e))
			}
		}
		return kept
	}
	return v
}
