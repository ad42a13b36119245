package cli

import (
	"fmt"
	"os"

	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/internal/yaml"
)

// rejectedModules reads the file that rules modules out (plugin_filters_cfg).
// One that makes no sense is passed over with a warning.
func (ses *session) rejectedModules() (map[string]bool, error) {
	path := ses.config.Path("PLUGIN_FILTERS_CFG")
	named := path != ""
	if !named {
		path = "/etc/ansible/plugin_filters.yml"
	}
	skip := func(format string) (map[string]bool, error) {
		ses.warn(fmt.Sprintf(format, path) + " Skipping.")
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		if named {
			return skip("The plugin filter file, %s does not exist.")
		}
		return nil, nil
	}
	n, err := yaml.Parse(data, path, yaml.Options{AsData: true})
	if err != nil {
		return skip("The plugin filter file, %s was not parsable.")
	}
	version := n.Get("filter_version")
	if version.IsNull() {
		return skip("The plugin filter file, %s was invalid.")
	}
	if value.Str(version.Value()) != "1.0" {
		return skip("The plugin filter file, %s was a version not recognized by this version of Ansible.")
	}
	names := n.Get("module_rejectlist")
	if names.IsNull() {
		names = n.Get("module_blacklist")
	}
	if names.Kind != yaml.List {
		return skip("Unable to parse the plugin filter file %s as module_blacklist is not a list.")
	}
	out := map[string]bool{}
	for _, it := range names.Items {
		out[value.Str(it.Value())] = true
	}
	if out["stat"] {
		return nil, fmt.Errorf("The stat module was specified in the module blacklist file, %s, but Ansible will not function without the stat module.  Please remove stat from the blacklist.", path)
	}
	return out, nil
}
