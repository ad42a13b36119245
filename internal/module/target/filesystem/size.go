package filesystem

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/module/tool"
)

func (t *task) deviceSize() (int, error) {
	fi, err := os.Stat(t.dev)
	switch {
	case err != nil:
		return 0, err
	case fi.Mode().IsRegular():
		return int(fi.Size()), nil
	case fi.Mode()&os.ModeDevice == 0 || fi.Mode()&os.ModeCharDevice != 0:
		return 0, fmt.Errorf("Target device not supported: %s", t.dev)
	}
	text, err := t.output("blockdev", "--getsize64", t.dev)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(text))
}

func (t *task) output(argv ...string) (string, error) {
	out, err := tool.Run(t.ctx, t.env, argv...)
	if err == nil && out.RC != 0 {
		err = fmt.Errorf("%s failed: %s", argv[0], strings.TrimSpace(out.Stderr))
	}
	return out.Stdout, err
}

// product multiplies the numbers that patterns find in a program's output.
func (t *task) product(argv []string, patterns ...string) (int, error) {
	text, err := t.output(argv...)
	if err != nil {
		return 0, err
	}
	size := 1
	for _, p := range patterns {
		m := regexp.MustCompile(p).FindStringSubmatch(text)
		if m == nil {
			return 0, fmt.Errorf("unable to process %s output for %s", argv[0], t.dev)
		}
		n, err := strconv.Atoi(m[1])
		if err != nil {
			return 0, err
		}
		size *= n
	}
	return size, nil
}

func extSize(t *task, at string) (int, error) {
	return t.product([]string{"tune2fs", "-l", at}, `(?m)^Block count:\s*(\d+)`, `(?m)^Block size:\s*(\d+)`)
}

func xfsSize(t *task, at string) (int, error) {
	return t.product([]string{"xfs_info", at}, `(?m)^data\s*=\s*bsize=(\d+)`, `(?m)^data\s*=.*blocks=(\d+)`)
}

func btrfsSize(t *task, at string) (int, error) {
	return t.product([]string{"btrfs", "filesystem", "usage", "-b", at}, `Device size:\s*(\d+)`)
}

func f2fsSize(t *task, at string) (int, error) {
	return t.product([]string{"dump.f2fs", at}, `Info: sector size = (\d+)`, `Info: total FS sectors = (\d+)`)
}

func lvmSize(t *task, at string) (int, error) {
	return t.product([]string{"pvs", "--noheadings", "-o", "pv_size", "--units", "b", "--nosuffix", at}, `(\d+)`)
}

func vfatSize(t *task, at string) (int, error) {
	return t.product([]string{"fatresize", "--info", at}, `(?m)^(?:Cur )?[Ss]ize:\s*(\d+)`)
}
