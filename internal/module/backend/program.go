package backend

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/value"
)

// Program looks for a program in folders of the task's host, without an agent.
func Program(ctx context.Context, c module.Controller, dirs []string, name string) (string, error) {
	var script strings.Builder
	for _, dir := range dirs {
		full := files.Quote(path.Join(dir, name))
		fmt.Fprintf(&script, "test -e %s && echo %s && exit; ", full, full)
	}
	stdout, _, _, err := c.Raw(ctx, script.String()+"true")
	if err != nil {
		return "", err
	}
	if full := strings.TrimSpace(string(stdout)); full != "" {
		return full, nil
	}
	return "", fmt.Errorf("Unable to find command \"%s\" in search paths: %s", name, value.Repr(value.FromGo(dirs)))
}
