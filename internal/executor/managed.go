package executor

import (
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/tutti-run/tutti/internal/value"
)

// ManagedVars are the variables that a template file has about itself:
// ansible_managed, template_path and the like.
func (r *Run) ManagedVars(path, dest string) *value.Map {
	host, _ := os.Hostname()
	owner, mtime := "", time.Now()
	if st, err := os.Stat(path); err == nil {
		mtime = st.ModTime()
		if sys, ok := st.Sys().(*syscall.Stat_t); ok {
			owner = strconv.Itoa(int(sys.Uid))
			if u, err := user.LookupId(owner); err == nil {
				owner = u.Username
			}
		}
	}
	full := path
	if abs, err := filepath.Abs(path); err == nil {
		full = abs
	}
	managed := strings.NewReplacer("{file}", path, "{uid}", owner, "{host}", host).Replace(r.Managed)
	m := value.MapOf("ansible_managed", strftime(managed, mtime), "template_host", host, "template_path", path, "template_mtime", mtime.Format("2006-01-02 15:04:05.000000"),
		"template_uid", owner, "template_fullpath", full, "template_run_date", time.Now().Format("2006-01-02 15:04:05.000000"), "template_destpath", nil)
	if dest != "" {
		m.Set("template_destpath", dest)
	}
	return m
}

// strftime fills in the parts of a date that people put into ansible_managed.
func strftime(format string, t time.Time) string {
	return strings.NewReplacer("%%", "%", "%Y", t.Format("2006"), "%m", t.Format("01"), "%d", t.Format("02"), "%H", t.Format("15"), "%M", t.Format("04"),
		"%S", t.Format("05"), "%y", t.Format("06"), "%b", t.Format("Jan"), "%B", t.Format("January"), "%a", t.Format("Mon"), "%A", t.Format("Monday"),
		"%j", t.Format("002"), "%Z", t.Format("MST"), "%z", t.Format("-0700"), "%F", t.Format("2006-01-02"), "%T", t.Format("15:04:05"),
		"%s", strconv.FormatInt(t.Unix(), 10)).Replace(format)
}
