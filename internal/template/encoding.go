package template

import (
	"strings"
)

// encodingName is the name of an encoding as all its spellings have it.
func encodingName(s string) string {
	return strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(s))
}

// encodeText gives the bytes of s in an encoding.
func encodeText(s, encoding string) ([]byte, error) {
	switch encodingName(encoding) {
	case "utf8", "ascii", "usascii":
		return []byte(s), nil
	case "latin1", "iso88591":
		var b []byte
		for _, r := range s {
			if r > 0xff {
				return nil, &Error{Kind: "UnicodeEncodeError", Msg: "'latin-1' codec can't encode character " + Repr(string(r))}
			}
			b = append(b, byte(r))
		}
		return b, nil
	case "utf16le", "utf16be", "utf16":
		return encodeUTF16(s, encoding), nil
	}
	return nil, &Error{Kind: "LookupError", Msg: "unknown encoding: " + encoding}
}

func encodeUTF16(s, encoding string) []byte {
	big := strings.Contains(strings.ToLower(encoding), "be")
	var b []byte
	put := func(u uint16) {
		if big {
			b = append(b, byte(u>>8), byte(u))
		} else {
			b = append(b, byte(u), byte(u>>8))
		}
	}
	if encodingName(encoding) == "utf16" {
		put(0xfeff) // without a byte order in its name, the text begins with one
	}
	for _, r := range s {
		if r >= 0x10000 {
			r -= 0x10000
			put(uint16(0xd800 + r>>10))
			put(uint16(0xdc00 + r&0x3ff))
			continue
		}
		put(uint16(r))
	}
	return b
}

func decodeText(b []byte, encoding string) (string, error) {
	switch encodingName(encoding) {
	case "latin1", "iso88591", "windows1252", "cp1252":
		var s []rune
		for _, c := range b {
			r := rune(c)
			if c >= 0x80 && c < 0xa0 && strings.HasSuffix(encoding, "1252") {
				r = windows1252[c-0x80]
			}
			s = append(s, r)
		}
		return string(s), nil
	case "utf16le", "utf16be", "utf16":
		big := strings.Contains(strings.ToLower(encoding), "be")
		var out []rune
		for i := 0; i+1 < len(b); i += 2 {
			u := rune(b[i]) | rune(b[i+1])<<8
			if big {
				u = rune(b[i])<<8 | rune(b[i+1])
			}
			if n := len(out); n > 0 && u >= 0xdc00 && u < 0xe000 && out[n-1] >= 0xd800 && out[n-1] < 0xdc00 {
				out[n-1] = 0x10000 + (out[n-1]-0xd800)<<10 + u - 0xdc00
				continue
			}
			if i == 0 && u == 0xfeff {
				continue
			}
			out = append(out, u)
		}
		return string(out), nil
	}
	return string(b), nil
}

// windows1252 is what the bytes 0x80 to 0x9f are on Windows.
var windows1252 = [32]rune{
	'€', 0x81, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', 0x8d, 'Ž', 0x8f,
	0x90, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', 0x9d, 'ž', 'Ÿ',
}
