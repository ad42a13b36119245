// Package assemble is the control half of assemble: it joins fragments of the
// controller, if they are there, and copies the result.
package assemble

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/control/copy"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/source"
	target "github.com/tutti-run/tutti/internal/module/target/assemble"
	"github.com/tutti-run/tutti/internal/value"
)

// Module is the control half.
var Module = module.Control{Spec: target.Spec, Plan: plan}

func plan(_ context.Context, c module.Controller, args module.Args) (*module.Plan, error) {
	if c.Check() {
		return &module.Plan{Done: module.Skip("check mode is not supported for this task.")}, nil
	}
	if args.Bool("remote_src") {
		call := &module.Call{Module: target.Spec.Name, Args: value.NewMap(8)}
		for _, p := range target.Spec.Params {
			if args.Given(p.Name) {
				call.Args.Set(p.Name, args.Any(p.Name))
			}
		}
		return &module.Plan{Call: call}, nil
	}
	path, err := c.FindFile("files", args.String("src"))
	if err != nil {
		return nil, err
	}
	if !files.IsDir(path) {
		return nil, fmt.Errorf("Source (%s) is not a directory", path)
	}
	options, err := target.Options(args)
	if err != nil {
		return nil, err
	}
	if args.Bool("decrypt") {
		options.Open = func(path string) (io.ReadCloser, error) { return source.Open(c, path) }
	}
	spool := &source.Spool{}
	if err := options.Write(spool, path); err != nil {
		spool.Close()
		return nil, err
	}
	call := copy.NewCall(args)
	for _, name := range []string{"src", "remote_src"} {
		call.Args.Delete(name)
	}
	call.Args.Set("_source", path)
	digest, file, err := spool.File()
	if err != nil {
		spool.Close()
		return nil, err
	}
	copy.Add(call, digest, file, copy.Entry{Rel: filepath.Base(path), Source: path})
	return &module.Plan{Call: call, Close: spool.Close}, nil
}
