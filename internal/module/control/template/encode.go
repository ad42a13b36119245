package template

import (
	"fmt"
	"strings"
	"unicode/utf16"
)

// encode writes text in one of the encodings that configuration files are in.
func encode(text, encoding string) ([]byte, error) {
	switch strings.ReplaceAll(strings.ToLower(encoding), "_", "-") {
	case "", "utf-8", "utf8", "u8":
		return []byte(text), nil
	case "utf-8-sig":
		return append([]byte("\xef\xbb\xbf"), text...), nil
	case "ascii", "us-ascii":
		return narrow(text, encoding, 0x7f)
	case "latin-1", "latin1", "iso-8859-1", "iso8859-1":
		return narrow(text, encoding, 0xff)
	case "utf-16":
		return append([]byte("\xff\xfe"), wide(text, false)...), nil
	case "utf-16-le", "utf-16le":
		return wide(text, false), nil
	case "utf-16-be", "utf-16be":
		return wide(text, true), nil
	case "windows-1252", "cp1252", "1252":
		return windows1252(text, encoding)
	}
	return nil, fmt.Errorf("unknown encoding: %s (known are utf-8, utf-16, latin-1, windows-1252 and ascii)", encoding)
}

func cannot(encoding string, r rune, at int) error {
	return fmt.Errorf("'%s' codec can't encode character %q in position %d", encoding, r, at)
}

func narrow(text, encoding string, limit rune) ([]byte, error) {
	out := make([]byte, 0, len(text))
	at := 0
	for _, r := range text {
		if r > limit {
			return nil, cannot(encoding, r, at)
		}
		out = append(out, byte(r))
		at++
	}
	return out, nil
}

func wide(text string, big bool) []byte {
	units := utf16.Encode([]rune(text))
	out := make([]byte, 0, 2*len(units))
	for _, u := range units {
		if big {
			out = append(out, byte(u>>8), byte(u))
		} else {
			out = append(out, byte(u), byte(u>>8))
		}
	}
	return out
}

// high1252 are the characters of windows-1252 from 0x80 to 0x9f.
var high1252 = []rune("€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ")

func windows1252(text, encoding string) ([]byte, error) {
	out := make([]byte, 0, len(text))
	at := 0
	for _, r := range text {
		switch i := indexRune(high1252, r); {
		case r < 0x80 || r >= 0xa0 && r <= 0xff:
			out = append(out, byte(r))
		case i >= 0:
			out = append(out, byte(0x80+i))
		default:
			return nil, cannot(encoding, r, at)
		}
		at++
	}
	return out, nil
}

func indexRune(list []rune, r rune) int {
	for i, e := range list {
		if e == r && e > 0xff {
			return i
		}
	}
	return -1
}
