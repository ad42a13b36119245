package ssh

import (
	"fmt"
	"strings"

	"github.com/tutti-run/tutti/internal/transport"
)

// options are settings by ssh_config's names in lower case. The first value of
// a name counts, as with OpenSSH; of those that may be given several times, all.
type options struct {
	values map[string][]string
	file   string // -F
	// beyond names the first argument that only the ssh program understands.
	beyond string
}

func (o *options) add(name, value string) {
	name = strings.ToLower(name)
	o.values[name] = append(o.values[name], value)
}

// flags of ssh that are harmless or say what we do anyway.
const harmlessFlags = "CqvTtnxXaKk"

// valueFlags take a value and mean an option.
var valueFlags = map[byte]string{
	'i': "identityfile", 'p': "port", 'l': "user", 'J': "proxyjump", 'c': "ciphers", 'm': "macs",
}

// parse reads arguments as people write them for ssh.
func (o *options) parse(text string) error {
	words, err := transport.SplitArgs(text)
	if err != nil {
		return err
	}
	for i := 0; i < len(words); i++ {
		w := words[i]
		if len(w) < 2 || w[0] != '-' {
			return fmt.Errorf("unexpected word %q in the ssh arguments %q", w, text)
		}
		flag, value := w[1], w[2:]
		needs := flag == 'o' || flag == 'F' || flag == 'S' || flag == 'E' || valueFlags[flag] != ""
		if needs && value == "" {
			if i++; i == len(words) {
				return fmt.Errorf("-%c needs a value in the ssh arguments %q", flag, text)
			}
			value = words[i]
		}
		switch {
		case flag == 'o':
			name, v, ok := strings.Cut(value, "=")
			if !ok {
				if name, v, ok = strings.Cut(strings.TrimSpace(value), " "); !ok {
					return fmt.Errorf("-o %s has no value in the ssh arguments", value)
				}
			}
			o.add(strings.TrimSpace(name), unquoted(strings.TrimSpace(v)))
		case flag == 'F':
			o.file = value
		case flag == 'S', flag == 'E': // control socket and log: nothing here
		case flag == 'A':
			o.add("forwardagent", "yes")
		case w == "-4":
			o.add("addressfamily", "inet")
		case w == "-6":
			o.add("addressfamily", "inet6")
		case valueFlags[flag] != "":
			o.add(valueFlags[flag], value)
		case !needs && strings.IndexByte(harmlessFlags, flag) >= 0:
		default:
			o.beyond = w
			return nil // whether a value follows is not for us to know
		}
	}
	return nil
}

func unquoted(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}
