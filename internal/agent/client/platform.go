package client

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"

	"github.com/tutti-run/tutti/internal/transport"
)

// goOS and goArch turn what uname says into Go's names.
func goOS(uname string) string { return strings.ToLower(uname) }

func goArch(uname string) string {
	switch uname {
	case "x86_64", "amd64":
		return "amd64"
	case "aarch64", "arm64":
		return "arm64"
	case "i386", "i486", "i586", "i686":
		return "386"
	}
	return uname
}

func unpack(data []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// worthRetrying reports whether another try may connect: not where the other
// side gave a final answer.
func worthRetrying(err error) bool {
	u, ok := err.(*transport.UnreachableError)
	return ok && u.Reason != transport.Auth && u.Reason != transport.HostKey && u.Reason != transport.Broken
}
