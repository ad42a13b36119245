//go:build embedagents

package embedded

import (
	_ "embed"
	"strings"
)

// The files are written by `make build`, which builds the agents first.
var (
	//go:embed agent-linux-amd64.gz
	amd64 []byte
	//go:embed agent-linux-amd64.sha256
	amd64Sum string
	//go:embed agent-linux-arm64.gz
	arm64 []byte
	//go:embed agent-linux-arm64.sha256
	arm64Sum string
)

func compiledIn() []Agent {
	return []Agent{compiled("amd64", amd64, amd64Sum), compiled("arm64", arm64, arm64Sum)}
}

func compiled(arch string, packed []byte, sum string) Agent {
	return Agent{OS: "linux", Arch: arch, SHA256: strings.Fields(sum)[0], Gzip: func() ([]byte, error) { return packed, nil }}
}
