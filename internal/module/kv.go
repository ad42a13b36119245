package module

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tutti-run/tutti/internal/value"
)

// RawParams is the key under which text that is no key=value pair is kept
// until Parse hands it to the module's free-form parameter.
const RawParams = "_raw_params"

// commandOptions are the only k=v pairs that command-like modules take out of
// their text; everything else belongs to the command.
var commandOptions = []string{
	"creates", "removes", "chdir", "executable", "warn", "stdin", "stdin_add_newline", "strip_empty_ends",
}

// ParseKV reads a task's arguments written as text: `src=a dest="b c" rest`.
// Every value is a string (which may hold template markers); words that are no
// pair are joined under RawParams, with the user's own spaces and quotes.
// checkRaw is for command, shell, script and raw, whose text is a command.
func ParseKV(text string, checkRaw bool) (*value.Map, error) {
	words, err := SplitArgs(text)
	if err != nil {
		return nil, err
	}
	options := value.NewMap(len(words))
	var raw []string
	for _, word := range words {
		decoded := decodeEscapes(word)
		if !strings.Contains(decoded, "=") {
			raw = append(raw, word)
			continue
		}
		i := unescapedEquals(decoded)
		if i < 0 {
			raw = append(raw, strings.ReplaceAll(decoded, `\=`, "="))
			continue
		}
		k, v := decoded[:i], decoded[i+1:]
		if checkRaw && !slices.Contains(commandOptions, k) {
			raw = append(raw, word)
			continue
		}
		options.Set(strings.TrimSpace(k), unquote(strings.TrimSpace(v)))
	}
	if len(raw) > 0 {
		options.Set(RawParams, joinArgs(raw))
	}
	return options, nil
}

// unescapedEquals finds the = that ends the key: never the first character,
// never after a backslash.
func unescapedEquals(s string) int {
	for i := 1; i < len(s); i++ {
		if s[i] == '=' && s[i-1] != '\\' {
			return i
		}
	}
	return -1
}

func unquote(s string) string {
	if n := len(s); n > 1 && s[0] == s[n-1] && (s[0] == '"' || s[0] == '\'') && s[n-2] != '\\' {
		return s[1 : n-1]
	}
	return s
}

// joinArgs is the reverse of SplitArgs.
func joinArgs(words []string) string {
	var b strings.Builder
	for _, w := range words {
		if s := b.String(); s != "" && !strings.HasSuffix(s, "\n") {
			b.WriteByte(' ')
		}
		b.WriteString(w)
	}
	return b.String()
}

// SplitArgs splits text at blanks and newlines, but neither inside quotes nor
// inside Jinja2 blocks. Runs of blanks and newlines stay with the word before
// them, so that joining gives the text back.
func SplitArgs(text string) ([]string, error) {
	s := splitter{}
	lines := strings.Split(text, "\n")
	for n, line := range lines {
		continued := s.line(strings.Split(line, " "))
		if n < len(lines)-1 && !continued {
			s.glue("\n")
		}
	}
	if s.quote != 0 || s.inBlock() {
		return nil, fmt.Errorf("failed at splitting arguments, either an unbalanced jinja2 block or quotes: %s", text)
	}
	return s.words, nil
}

type splitter struct {
	words  []string
	quote  byte   // the open quote, 0 outside
	blocks [3]int // open {{, {% and {#
}

func (s *splitter) inBlock() bool { return s.blocks != [3]int{} }

func (s *splitter) glue(text string) {
	if n := len(s.words); n > 0 {
		s.words[n-1] += text
	}
}

// line takes the tokens of one line and reports whether it ends in a lone
// backslash, which joins it to the next.
func (s *splitter) line(tokens []string) (continued bool) {
	for i, token := range tokens {
		if token == "" && i > 0 {
			s.glue(" ")
			continue
		}
		wasQuoted := s.quote != 0
		if token == `\` && !wasQuoted {
			continued = true
			continue
		}
		s.quote = quoteAfter(token, s.quote)
		wasInBlock := s.inBlock()
		opened := s.count(token)
		switch {
		case s.quote != 0 && !wasQuoted && !wasInBlock:
			s.words = append(s.words, token)
		case wasInBlock || s.quote != 0 || wasQuoted:
			switch {
			case len(s.words) == 0:
				s.words = append(s.words, token)
			case i == 0 && wasQuoted:
				s.glue(token)
			case len(tokens) > 1 && i > 0:
				s.glue(" " + token)
			case len(tokens) > 1:
				s.glue(token)
			default:
				s.glue("\n" + token)
			}
		case opened || token != "":
			s.words = append(s.words, token)
		}
	}
	return continued
}

// count follows the Jinja2 blocks that the token opens and closes and reports
// whether that changed anything.
func (s *splitter) count(token string) bool {
	before := s.blocks
	for i, m := range [3][2]string{{"{{", "}}"}, {"{%", "%}"}, {"{#", "#}"}} {
		s.blocks[i] = max(0, s.blocks[i]+strings.Count(token, m[0])-strings.Count(token, m[1]))
	}
	return s.blocks != before
}

func quoteAfter(token string, quote byte) byte {
	for i := range len(token) {
		c := token[i]
		if c != '"' && c != '\'' || i > 0 && token[i-1] == '\\' {
			continue
		}
		switch quote {
		case 0:
			quote = c
		case c:
			quote = 0
		}
	}
	return quote
}

var simpleEscapes = map[byte]byte{
	'\\': '\\', '\'': '\'', '"': '"', 'a': '\a', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v',
}

// decodeEscapes replaces \n, \t, \xhh, \uhhhh and their like; anything else
// after a backslash stays as it is.
func decodeEscapes(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b []byte
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b = append(b, s[i])
			continue
		}
		if c, ok := simpleEscapes[s[i+1]]; ok {
			b = append(b, c)
			i++
			continue
		}
		digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[i+1]]
		if end := i + 2 + digits; digits > 0 && end <= len(s) {
			if n, err := strconv.ParseUint(s[i+2:end], 16, 32); err == nil && n <= utf8.MaxRune {
				b = utf8.AppendRune(b, rune(n))
				i = end - 1
				continue
			}
		}
		b = append(b, s[i])
	}
	return string(b)
}
