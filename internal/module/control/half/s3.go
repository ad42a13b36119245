package half

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
)

// s3Object finds the file that amazon.aws.s3_object is to upload: one on the target
// counts first, then one on the controller, which the module can read only if it
// runs there too.
func s3Object() *module.Half {
	return &module.Half{
		Action: "amazon.aws.s3_object",
		Plan: func(ctx context.Context, c module.Controller, name module.Name, args *value.Map) (*module.Plan, error) {
			if !given(args.At("src")) {
				return call(name, args), nil
			}
			src := expandHome(value.Str(args.At("src")))
			there, err := c.Run(ctx, &module.Call{Module: "ansible.builtin.stat", Args: value.MapOf("path", src, "get_checksum", false, "get_mime", false, "get_attributes", false)})
			if err != nil {
				return nil, err
			}
			if st, ok := there.Get("stat").(*value.Map); ok && st.At("exists") == true {
				return call(name, args), nil
			}
			if path, err := c.FindFile("files", src); err == nil {
				src = path
			}
			return call(name, with(args, "src", src)), nil
		},
	}
}

func expandHome(path string) string {
	rest, ok := strings.CutPrefix(path, "~")
	home, err := os.UserHomeDir()
	if !ok || err != nil || rest != "" && !strings.HasPrefix(rest, "/") {
		return path
	}
	return filepath.Join(home, rest)
}
