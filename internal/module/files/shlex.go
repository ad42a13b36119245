package files

import (
	"errors"
	"strings"
)

// SplitCommand splits a command line as a POSIX shell does, without expanding
// anything: blanks part words, quotes and backslashes keep them together.
func SplitCommand(s string) ([]string, error) {
	var words []string
	var word []byte
	inWord := false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch c {
		case ' ', '\t', '\n', '\r':
			if inWord {
				words, word, inWord = append(words, string(word)), nil, false
			}
			continue
		case '\\':
			if i++; i == len(s) {
				return nil, errors.New("No escaped character")
			}
			word = append(word, s[i])
		case '\'', '"':
			i++
			for ; i < len(s) && s[i] != c; i++ {
				if c == '"' && s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\') {
					i++
				}
				word = append(word, s[i])
			}
			if i == len(s) {
				return nil, errors.New("No closing quotation")
			}
		default:
			word = append(word, c)
		}
		inWord = true
	}
	if inWord {
		words = append(words, string(word))
	}
	return words, nil
}

// Quote quotes a word for a POSIX shell, if it needs it.
func Quote(s string) string {
	if s == "" {
		return "''"
	}
	for i := range len(s) {
		c := s[i]
		safe := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("@%+=:,./-_", c) >= 0
		if !safe {
			return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'"
		}
	}
	return s
}
