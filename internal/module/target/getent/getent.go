// Package getent is the module that reads the databases of nsswitch.conf.
package getent

import (
	"context"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module reads entries of a database into facts.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "ansible.builtin.getent",
		Summary: "Reads entries of a system database (users, groups, hosts, services...) into facts.",
		Params: []module.Param{
			{Name: "database", Required: true, Doc: "The database, as getent names it."},
			{Name: "key", Doc: "The entry; without it all are read, where the database can list them."},
			{Name: "service", Doc: "The source to ask instead of those in nsswitch.conf."},
			{Name: "split", Doc: "What parts the fields; by default a colon or blanks, as the database has it."},
			{Name: "fail_key", Type: module.Bool, Default: true, Doc: "Fail if there is no such entry."},
		},
		Hints: []parallel.Hint{parallel.Free()},
		Check: module.Full, Diff: module.None,
		Returns: []module.Return{{Name: "ansible_facts", Type: module.Dict, When: "success", Doc: "getent_DATABASE, a dict of the fields of each entry."}},
	},
	Run: run,
}

var byColon = []string{"passwd", "shadow", "group", "gshadow"}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	database, key := args.String("database"), args.String("key")
	argv := []string{"getent", database}
	if args.Has("key") {
		argv = append(argv, key)
	}
	if args.Has("service") {
		argv = append(argv, "-s", args.String("service"))
	}
	separator := args.String("split")
	if !args.Has("split") && slices.Contains(byColon, database) {
		separator = ":"
	}
	out, err := tool.Run(ctx, env, argv...)
	if err != nil {
		return module.Fail("%s", err)
	}
	found := value.NewMap(8)
	r := module.OK()
	r.Facts = value.MapOf("getent_"+database, found)
	switch out.RC {
	case 0:
		collect(found, out.Stdout, separator)
		return r
	case 1:
		return module.Fail("Missing arguments, or database unknown.")
	case 2:
		const msg = "One or more supplied key could not be found in the database."
		if args.Bool("fail_key") {
			return module.Fail(msg)
		}
		found.Set(key, nil)
		r.Msg = msg
		return r
	case 3:
		return module.Fail("Enumeration not supported on this database.")
	}
	return module.Fail("Unexpected failure!")
}

// collect files each line under its first field. Several lines of one key make
// a list of their fields.
func collect(found *value.Map, text, separator string) {
	seen := map[string]int{}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		var fields []string
		if separator == "" {
			fields = strings.Fields(line)
		} else {
			fields = strings.Split(line, separator)
		}
		if len(fields) == 0 {
			continue
		}
		key, rest := fields[0], make([]any, 0, len(fields))
		for _, f := range fields[1:] {
			rest = append(rest, f)
		}
		switch seen[key]++; seen[key] {
		case 1:
			found.Set(key, rest)
		case 2:
			found.Set(key, []any{found.At(key), rest})
		default:
			list, _ := found.At(key).([]any)
			found.Set(key, append(list, rest))
		}
	}
}
