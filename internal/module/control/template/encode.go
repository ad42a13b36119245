package template

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/ianaindex"
)

// encoder gives a writer for UTF-8 that passes it on to w in one of the encodings
// that configuration files are in.
func encoder(w io.Writer, encoding string) (io.Writer, error) {
	name := strings.ReplaceAll(strings.ToLower(encoding), "_", "-")
	e := &encoded{w: w, name: encoding, narrow: !strings.HasPrefix(name, "utf-16") && !strings.HasPrefix(name, "utf-32")}
	switch name {
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
	case "utf-32":
		e.mark, e.put = "\xff\xfe\x00\x00", utf32(binary.LittleEndian)
	case "utf-32-le", "utf-32le":
		e.put = utf32(binary.LittleEndian)
	case "utf-32-be", "utf-32be":
		e.put = utf32(binary.BigEndian)
	default:
		if e.put = registered(name); e.put == nil {
			return nil, fmt.Errorf("unknown encoding: %s", encoding)
		}
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
	// narrow tells that the encoding is made of bytes: one that is no UTF-8 in the
	// template passes through.
	narrow bool
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
		ok := e.narrow
		if r == utf8.RuneError && n == 1 {
			out = append(out, text[0])
		} else {
			out, ok = e.put(out, r)
		}
		if !ok {
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

// Close writes what looked like the begin of a character. It leaves the writer
// below open.
func (e *encoded) Close() error {
	rest := e.part
	if e.part = nil; len(rest) > 0 && !e.narrow {
		return fmt.Errorf("'%s' codec can't encode character %q in position %d", e.name, utf8.RuneError, e.at)
	}
	_, err := e.w.Write(rest)
	return err
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

func utf32(order binary.AppendByteOrder) func([]byte, rune) ([]byte, bool) {
	return func(b []byte, r rune) ([]byte, bool) { return order.AppendUint32(b, uint32(r)), true }
}

// registered looks an encoding up by the name that it is registered with, or that
// Python has for it; nil if there is none.
func registered(name string) func([]byte, rune) ([]byte, bool) {
	if n, ok := strings.CutPrefix(name, "cp125"); ok {
		name = "windows-125" + n
	}
	if n, ok := strings.CutPrefix(name, "iso8859-"); ok {
		name = "iso-8859-" + n
	}
	switch name {
	case "koi8r", "koi8u", "eucjp", "euckr", "shiftjis":
		name = map[string]string{"koi8r": "koi8-r", "koi8u": "koi8-u", "eucjp": "euc-jp", "euckr": "euc-kr", "shiftjis": "shift_jis"}[name]
	case "shift-jis", "sjis":
		name = "shift_jis"
	case "mac-roman", "macroman":
		name = "macintosh"
	}
	enc, err := ianaindex.IANA.Encoding(name)
	if err != nil || enc == nil || strings.HasPrefix(name, "iso-2022") || strings.HasPrefix(name, "utf") { // those have states
		return nil
	}
	if table, ok := enc.(*charmap.Charmap); ok {
		return func(b []byte, r rune) ([]byte, bool) {
			c, ok := table.EncodeRune(r)
			return append(b, c), ok
		}
	}
	encoder := enc.NewEncoder()
	return func(b []byte, r rune) ([]byte, bool) {
		text, err := encoder.Bytes([]byte(string(r)))
		return append(b, text...), err == nil
	}
}
