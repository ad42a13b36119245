// Package file is the module that manages files, directories and links and
// their attributes, without their content.
package file

import (
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/parallel"
)

const timeFormatDoc = "Format of the time, as strptime takes it."

// Module manages files, directories and links.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "ansible.builtin.file",
		Summary: "Manages files, directories and links and their attributes.",
		Params: append([]module.Param{
			{Name: "path", Type: module.Path, Required: true, Aliases: []string{"dest", "name"}, Doc: "The file."},
			{Name: "state", Choices: []any{"absent", "directory", "file", "hard", "link", "touch"}, Doc: "What there shall be at path; by default what is there."},
			{Name: "recurse", Type: module.Bool, Default: false, Doc: "Apply the attributes to everything in the directory as well."},
			{Name: "force", Type: module.Bool, Default: false, Doc: "Make a link to what is not there, or in place of a file."},
			{Name: "follow", Type: module.Bool, Default: true, Doc: "Work on what a link at path points to."},
			{Name: "src", Type: module.Path, Doc: "What the link points to."},
			{Name: "modification_time", Doc: "preserve, now, or a time."},
			{Name: "modification_time_format", Default: "%Y%m%d%H%M.%S", Doc: timeFormatDoc},
			{Name: "access_time", Doc: "preserve, now, or a time."},
			{Name: "access_time_format", Default: "%Y%m%d%H%M.%S", Doc: timeFormatDoc},
			// Ansible's own use of these two shows in playbooks, so users may give them.
			{Name: "_original_basename", Doc: "Name to use in a directory."},
			{Name: "_diff_peek", Type: module.Bool, Doc: "Only tell whether the file looks binary."},
		}, files.CommonParams()...),
		Hints: []parallel.Hint{parallel.Free()},
		Check: module.Full, Diff: module.Partial,
		Returns: []module.Return{
			{Name: "path", When: "not with touch, hard or link", Doc: "The file."},
			{Name: "dest", When: "with touch, hard or link", Doc: "The file."},
		},
	},
	Run: run,
}
