// Package copy is the target half of copy and template: it puts content from
// the controller, or from the target itself, into its place.
package copy

import (
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/parallel"
)

// Params are the parameters of copy, those between its halves included.
func Params() []module.Param {
	return append([]module.Param{
		{Name: "src", Type: module.Path, Doc: "File or directory to copy, on the controller unless remote_src; a directory with a trailing slash stands for its content."},
		{Name: "content", Type: module.Raw, Unshown: true, Doc: "Content to write, instead of src."},
		{Name: "dest", Type: module.Path, Doc: "Where to put it; it must be given."},
		{Name: "backup", Type: module.Bool, Default: false, Doc: "Keep the old file under a dated name."},
		{Name: "force", Type: module.Bool, Default: true, Doc: "Replace a file that is there already."},
		{Name: "validate", Doc: "Command that checks the new file, %s, before it is used."},
		{Name: "directory_mode", Type: module.Raw, Doc: "Mode of directories that are made."},
		{Name: "remote_src", Type: module.Bool, Default: false, Doc: "src is on the target."},
		{Name: "local_follow", Type: module.Bool, Default: true, Doc: "Follow links in src."},
		{Name: "follow", Type: module.Bool, Default: false, Doc: "Write through a link at dest."},
		{Name: "checksum", Doc: "SHA-1 that the content must have."},
		{Name: "decrypt", Type: module.Bool, Default: true, Doc: "Decrypt src if it is a vault."},

		{Name: "_files", Type: module.List, Elements: module.Dict, Internal: true, Doc: "Files to write, by digest.", Options: []module.Param{
			{Name: "rel", Required: true, Doc: "Place below dest, if dest is a directory."},
			{Name: "digest", Required: true, Doc: "Digest of the content."},
			{Name: "source", Doc: "Name of the file on the controller."},
			{Name: "mode", Type: module.Raw, Doc: "Mode to use instead of mode."},
		}},
		{Name: "_dirs", Type: module.List, Elements: module.Str, Internal: true, Doc: "Directories to make below dest."},
		{Name: "_links", Type: module.List, Elements: module.Dict, Internal: true, Doc: "Links to make below dest.", Options: []module.Param{
			{Name: "rel", Required: true, Doc: "Place below dest."},
			{Name: "target", Required: true, Doc: "What the link points to."},
		}},
		{Name: "_source", Internal: true, Doc: "Name of the source on the controller."},
	}, files.CommonParams()...)
}

// Spec is copy's, for both halves.
var Spec = module.Spec{
	Name: "ansible.builtin.copy", Called: "ansible.legacy.copy",
	Summary: "Copies files from the controller, or on the target, into their place.",
	Params:  Params(),
	Hints:   []parallel.Hint{parallel.Free()},
	Check:   module.Full, Diff: module.Full,
	Returns: []module.Return{
		{Name: "dest", When: "success", Doc: "The file."},
		{Name: "src", When: "changed", Doc: "Where the content came from."},
		{Name: "checksum", When: "success", Doc: "SHA-1 of the content."},
		{Name: "md5sum", When: "changed", Doc: "MD5 of the content."},
		{Name: "backup_file", When: "changed and if backup=yes", Doc: "The old file."},
		{Name: "uid", Type: module.Int, When: "success", Doc: "Owner, as a number."},
		{Name: "gid", Type: module.Int, When: "success", Doc: "Group, as a number."},
		{Name: "owner", When: "success", Doc: "Owner."},
		{Name: "group", When: "success", Doc: "Group."},
		{Name: "mode", When: "success", Doc: "Permissions."},
		{Name: "size", Type: module.Int, When: "success", Doc: "Size in bytes."},
		{Name: "state", When: "success", Doc: "Kind of file."},
	},
}

// Module is the target half.
var Module = module.Target{Spec: Spec, Run: run}
