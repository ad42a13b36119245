// Package unarchive is the target half of unarchive: it unpacks tar and zip
// archives, without help from other programs where Go can read the format.
package unarchive

import (
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/parallel"
)

// Spec is unarchive's, for both halves.
var Spec = module.Spec{
	Lacking: "src (or content) and dest are required",
	Name:    "ansible.builtin.unarchive", Called: "ansible.legacy.unarchive", Summary: "Unpacks an archive, after copying it from the controller if need be.",
	Params: append([]module.Param{
		{Name: "src", Type: module.Path, Required: true, Doc: "The archive, on the controller unless remote_src; with remote_src also a URL."},
		{Name: "dest", Type: module.Path, Required: true, Doc: "Directory to unpack into."},
		{Name: "remote_src", Type: module.Bool, Default: false, Doc: "src is on the target."},
		{Name: "copy", Type: module.Bool, Default: true, Doc: "The opposite of remote_src."},
		{Name: "creates", Type: module.Path, Doc: "Do nothing if this file is there."},
		{Name: "list_files", Type: module.Bool, Default: false, Doc: "Return the names in the archive."},
		{Name: "keep_newer", Type: module.Bool, Default: false, Doc: "Keep files that are newer than the archive's."},
		{Name: "exclude", Type: module.List, Elements: module.Str, Default: []any{}, Doc: "Patterns of names to leave out."},
		{Name: "include", Type: module.List, Elements: module.Str, Default: []any{}, Doc: "Names to unpack, instead of all."},
		{Name: "extra_opts", Type: module.List, Elements: module.Str, Default: []any{}, Doc: "Options of tar; --strip-components is understood."},
		{Name: "validate_certs", Type: module.Bool, Default: true, Doc: "Check the certificate of the server in src."},
		{Name: "io_buffer_size", Type: module.Int, Default: 65536, Doc: "Without meaning here."},
		{Name: "decrypt", Type: module.Bool, Default: true, Doc: "Decrypt src if it is a vault."},
		{Name: "_digest", Internal: true, Doc: "Digest of the archive."},
		{Name: "_lacking", Internal: true, Doc: "Why the controller has no archive."},
		{Name: "_name", Internal: true, Doc: "Name of the archive on the controller."},
	}, files.CommonParams()...),
	Rules: module.Rules{MutuallyExclusive: [][]string{{"include", "exclude"}}},
	Hints: []parallel.Hint{parallel.Free()},
	Check: module.Full, Diff: module.Partial,
	Returns: []module.Return{
		{Name: "dest", When: "always", Doc: "The directory."},
		{Name: "src", When: "always", Doc: "The archive."},
		{Name: "handler", When: "always", Doc: "Kind of archive."},
		{Name: "files", Type: module.List, When: "list_files", Doc: "The names in the archive."},
	},
}

// Module is the target half.
var Module = module.Target{Spec: Spec, Run: run}
