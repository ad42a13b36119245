package policy

import (
	"path"
	"strings"
)

// Commands are the simple commands in what a shell is told: parted at ; & | and
// the end of a line, without the assignments, sudo and the like before them, and
// the program by its bare name. It does not understand all of a shell; a command
// inside quotes or of another program is not seen.
func Commands(text string) (out []string) {
	for _, part := range strings.FieldsFunc(strings.ReplaceAll(text, "\\\n", " "), func(r rune) bool {
		return strings.ContainsRune(";&|\n(){}`", r)
	}) {
		if c := bare(strings.Fields(part)); c != "" {
			out = append(out, c)
		}
	}
	return out
}

// before are words that come before the program that really runs.
var before = map[string]bool{"sudo": true, "env": true, "nice": true, "ionice": true, "nohup": true, "exec": true, "time": true, "command": true,
	"if": true, "then": true, "else": true, "elif": true, "while": true, "until": true, "do": true, "!": true, "$": true}

func bare(words []string) string {
	wrapped := false
	for len(words) > 0 {
		w := words[0]
		switch {
		case before[w] || before[path.Base(w)]:
			wrapped = true
		case strings.Contains(w, "=") && !strings.HasPrefix(w, "-") && !strings.HasPrefix(w, "="):
		case wrapped && strings.HasPrefix(w, "-"): // sudo -n
		default:
			return strings.Join(append([]string{path.Base(w)}, words[1:]...), " ")
		}
		words = words[1:]
	}
	return ""
}

// normal folds white space.
func normal(pattern string) string { return strings.Join(strings.Fields(pattern), " ") }

// matchCommand matches a command with a pattern in which * is any text. A
// pattern that ends in " *" matches the program without arguments as well.
func matchCommand(pattern, command string) bool {
	if short, ok := strings.CutSuffix(pattern, " *"); ok && match(short, command) {
		return true
	}
	return match(pattern, command)
}

// match is a glob in which * goes over slashes too, and that is all there is.
func match(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	rest, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	last := len(parts) - 1
	for _, p := range parts[1:last] {
		i := strings.Index(rest, p)
		if i < 0 {
			return false
		}
		rest = rest[i+len(p):]
	}
	return strings.HasSuffix(rest, parts[last])
}

// PackageManager names the package database that a command changes, "" if none:
// what the linter looks for.
func PackageManager(command string) string {
	words := strings.Fields(command)
	if len(words) == 0 {
		return ""
	}
	reads := func(verbs ...string) bool {
		for _, w := range words[1:] {
			if strings.HasPrefix(w, "-") {
				continue
			}
			for _, v := range verbs {
				if w == v {
					return true
				}
			}
			return false
		}
		return false
	}
	switch words[0] {
	case "apt", "apt-get", "aptitude":
		if reads("list", "search", "show", "policy", "showsrc", "depends", "rdepends", "indextargets", "changelog", "versions", "why", "why-not") {
			return ""
		}
		return "dpkg"
	case "dpkg":
		for _, w := range words[1:] {
			switch strings.SplitN(w, "=", 2)[0] {
			case "-i", "--install", "-r", "--remove", "-P", "--purge", "--configure", "--unpack", "-a", "--set-selections", "--add-architecture", "--remove-architecture":
				return "dpkg"
			}
		}
	case "dpkg-reconfigure", "gdebi", "unattended-upgrade", "unattended-upgrades":
		return "dpkg"
	case "dnf", "dnf5", "yum", "microdnf", "zypper":
		if reads("list", "search", "info", "repolist", "provides", "repoquery", "check-update", "history", "se", "if", "lr", "repos") {
			return ""
		}
		return "rpm"
	case "rpm":
		for _, w := range words[1:] {
			if strings.HasPrefix(w, "--") {
				if w == "--install" || w == "--upgrade" || w == "--erase" || w == "--import" || w == "--freshen" {
					return "rpm"
				}
			} else if strings.HasPrefix(w, "-") && strings.ContainsAny(w, "iUeF") && !strings.ContainsAny(w, "q") {
				return "rpm"
			}
		}
	case "apk", "pacman", "snap", "flatpak", "brew", "pkg", "emerge", "xbps-install", "xbps-remove":
		if reads("list", "search", "info", "find", "show") {
			return ""
		}
		return words[0]
	}
	return ""
}
