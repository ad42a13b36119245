package template

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// encoder gives a writer for UTF-8 that passes it on to w in one of the encodings
// that configuration files are in.
func encoder(w io.Writer, encoding string) (io.Writer, error) {
	e := &encoded{w: w, name: encoding}
	switch strings.ReplaceAll(strings.ToLower(encoding), "_", "-") {
	case "", "utf-8", "utf8", "u8":
		return w, nil
	case "utf-8-sig":
		e.mark, e.put = "\xef\xbb\xbf", func(b []byte, r rune) ([]byte, bool) { return utf8.AppendRune(b, r), true }
	case "ascii", "us-ascii":
		e.put = narrow(0x7f)
	case "latin-1", "latin1", "iso-8859-1", "iso8859-1":
		e.put = narrow(0xff)
	case "utf-16":
		e.mark, e.put = "\xff\xfe", wide(false)
	case "utf-16-le", "utf-16le":
		e.put = wide(false)
	case "utf-16-be", "utf-16be":
		e.put = wide(true)
	case "windows-1252", "cp1252", "1252":
		e.put = windows1252
	default:
		return nil, fmt.Errorf("unknown encoding: %s (known are utf-8, utf-16, latin-1, windows-1252 and ascii)", encoding)
	}
	return e, nil
}

// encoded writes text in an encoding that is not UTF-8.
type encoded struct {
	w    io.Writer
	name string
	mark string // goes before the text
	put  func(b []byte, r rune) ([]byte, bool)
	at   int    // characters so far
	part []byte // of a character
}

// Write takes UTF-8, cut anywhere.
func (e *encoded) Write(p []byte) (int, error) {
	text := p
	if len(e.part) > 0 {
		text = append(e.part, p...)
	}
	out := make([]byte, 0, 2*len(text)+len(e.mark))
	out = append(out, e.mark...)
	e.mark = ""
	for len(text) > 0 && utf8.FullRune(text) {
		r, n := utf8.DecodeRune(text)
		var ok bool
		if out, ok = e.put(out, r); !ok {
			return 0, fmt.Errorf("'%s' codec can't encode character %q in position %d", e.name, r, e.at)
		}
		text = text[n:]
		e.at++
	}
	e.part = append([]byte(nil), text...)
	if _, err := e.w.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

func narrow(limit rune) func([]byte, rune) ([]byte, bool) {
	return func(b []byte, r rune) ([]byte, bool) { return append(b, byte(r)), r <= limit }
}

func wide(big bool) func([]byte, rune) ([]byte, bool) {
	return func(b []byte, r rune) ([]byte, bool) {
		for _, u := range utf16.AppendRune(nil, r) {
			if big {
				b = append(b, byte(u>>8), byte(u))
			} else {
				b = append(b, byte(u), byte(u>>8))
			}
		}
		return b, true
	}
}

// high1252 are the characters of windows-1252 from 0x80 to 0x9f.
var high1252 = []rune("€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ")

func windows1252(b []byte, r rune) ([]byte, bool) {
	if r < 0x80 || r >= 0xa0 && r <= 0xff {
		return append(b, byte(r)), true
	}
	for i, h := range high1252 {
		if h == r && h > 0xff {
			return append(b, byte(0x80+i)), true
		}
	}
	return b, false
}
