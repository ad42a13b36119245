// Package template is the module that renders a template on the controller and
// copies the result.
package template

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/control/copy"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/source"
	target "github.com/tutti-run/tutti/internal/module/target/copy"
	"github.com/tutti-run/tutti/parallel"
)

// Module renders a template and copies the result.
var Module = module.Control{
	Spec: module.Spec{
		Lacking: "src and dest are required",
		Name:    "ansible.builtin.template", Called: "ansible.legacy.copy",
		Summary: "Renders a template on the controller and puts the result into its place.",
		Params: append([]module.Param{
			{Name: "src", Type: module.Path, Required: true, Doc: "The template."},
			{Name: "dest", Type: module.Path, Required: true, Doc: "Where to put the result."},
			{Name: "backup", Type: module.Bool, Default: false, Doc: "Keep the old file under a dated name."},
			{Name: "force", Type: module.Bool, Default: true, Doc: "Replace a file that is there already."},
			{Name: "follow", Type: module.Bool, Default: false, Doc: "Write through a link at dest."},
			{Name: "validate", Doc: "Command that checks the new file, %s, before it is used."},
			{Name: "newline_sequence", Default: "\n", Doc: "How lines end."},
			{Name: "block_start_string", Default: "{%", Doc: "Marker at the begin of a block."},
			{Name: "block_end_string", Default: "%}", Doc: "Marker at the end of a block."},
			{Name: "variable_start_string", Default: "{{", Doc: "Marker at the begin of an expression."},
			{Name: "variable_end_string", Default: "}}", Doc: "Marker at the end of an expression."},
			{Name: "comment_start_string", Default: "{#", Doc: "Marker at the begin of a comment."},
			{Name: "comment_end_string", Default: "#}", Doc: "Marker at the end of a comment."},
			{Name: "trim_blocks", Type: module.Bool, Default: true, Doc: "Drop the newline after a block."},
			{Name: "lstrip_blocks", Type: module.Bool, Default: false, Doc: "Drop the blanks before a block."},
			{Name: "output_encoding", Default: "utf-8", Doc: "Encoding of the result."},
		}, files.CommonParams()...),
		Hints: []parallel.Hint{parallel.Free()},
		Check: module.Full, Diff: module.Full,
		Returns: target.Spec.Returns,
	},
	Plan: plan,
}

var newlines = map[string]string{`\n`: "\n", `\r`: "\r", `\r\n`: "\r\n"}

func plan(_ context.Context, c module.Controller, args module.Args) (_ *module.Plan, err error) {
	path, err := c.FindFile("templates", args.String("src"))
	if err != nil {
		return nil, err
	}
	newline := args.String("newline_sequence")
	if n, ok := newlines[newline]; ok {
		newline = n
	}
	if newline != "\n" && newline != "\r" && newline != "\r\n" {
		return nil, fmt.Errorf("newline_sequence needs to be one of: \n, \r or \r\n")
	}
	text, err := source.Open(c, path)
	if err != nil {
		return nil, err
	}
	defer text.Close()
	spool := &source.Spool{}
	defer func() {
		if err != nil {
			spool.Close()
		}
	}()
	out, err := encoder(spool, args.String("output_encoding"))
	if err != nil {
		return nil, err
	}
	err = c.Render(out, text.SectionReader, module.RenderOptions{
		Path: path, Dest: args.String("dest"), NewlineSequence: newline,
		BlockStart: args.String("block_start_string"), BlockEnd: args.String("block_end_string"),
		VariableStart: args.String("variable_start_string"), VariableEnd: args.String("variable_end_string"),
		CommentStart: args.String("comment_start_string"), CommentEnd: args.String("comment_end_string"),
		TrimBlocks: args.Bool("trim_blocks"), LstripBlocks: args.Bool("lstrip_blocks"),
	})
	if c, ok := out.(*encoded); ok && err == nil {
		err = c.Close()
	}
	if err != nil {
		return nil, err
	}
	e := copy.Entry{Rel: filepath.Base(path), Source: path}
	if args.Any("mode") == "preserve" {
		if e.Mode, err = copy.ModeOf(path); err != nil {
			return nil, err
		}
	}
	call := copy.NewCall(args)
	call.Args.Delete("src")
	call.Args.Set("_source", path)
	digest, file, err := spool.File()
	if err != nil {
		return nil, err
	}
	copy.Add(call, digest, file, e)
	return &module.Plan{Call: call, Close: spool.Close}, nil
}
