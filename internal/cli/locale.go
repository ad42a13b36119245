package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// checkLocale refuses locales with another encoding than UTF-8, as Ansible does:
// what is read and written is UTF-8, and a user who has set another would see
// something else. C and POSIX are no such choice, and whether one with UTF-8 is
// installed does not matter here.
func checkLocale(installed string) error {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		locale := os.Getenv(name)
		if locale == "" {
			continue
		}
		base, _, _ := strings.Cut(locale, "@")
		base, charset, _ := strings.Cut(base, ".")
		switch {
		case strings.EqualFold(charset, "UTF-8"), strings.EqualFold(charset, "utf8"), charset == "" && (base == "C" || base == "POSIX"):
			return nil
		case !localeKnown(installed, base, charset):
			return fmt.Errorf("Ansible could not initialize the preferred locale: %s=%s is no locale of this machine; choose one with UTF-8, such as C.UTF-8", name, locale)
		}
		return fmt.Errorf("Ansible requires the locale encoding to be UTF-8; Detected %s=%s. Choose another, such as C.UTF-8", name, locale)
	}
	return nil
}

// localeKnown reports whether the C library has a locale: in a folder of its own,
// or by name in the archive of all.
func localeKnown(installed, base, charset string) bool {
	name := base
	if charset != "" {
		name += "." + strings.ToLower(strings.ReplaceAll(charset, "-", ""))
	}
	if !strings.Contains(name, "/") && isDirectory(filepath.Join(installed, name)) {
		return true
	}
	archive, err := os.ReadFile(filepath.Join(installed, "locale-archive"))
	return err == nil && bytes.Contains(archive, []byte("\x00"+name+"\x00"))
}
