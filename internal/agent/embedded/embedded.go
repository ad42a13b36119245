// Package embedded gives the agents that can be put on targets: those built
// into this program by `make build`, or this program itself.
package embedded

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
)

// Agent is one executable.
type Agent struct {
	OS, Arch string // as Go names them
	SHA256   string // hex, of the executable
	// Words come between the executable and the agent's own arguments.
	Words []string
	// Gzip returns the compressed executable.
	Gzip func() ([]byte, error)
}

// Source is where agents come from. It is safe for concurrent use.
type Source interface {
	// Agents lists what there is.
	Agents() ([]Agent, error)
}

// Builtin returns the agents of this program: the embedded ones, or itself if
// it has none. words make this program an agent.
func Builtin(words ...string) Source {
	return &builtin{words: words}
}

type builtin struct {
	words []string

	once   sync.Once
	agents []Agent
	err    error
}

func (b *builtin) Agents() ([]Agent, error) {
	b.once.Do(func() {
		if b.agents = compiledIn(); len(b.agents) == 0 {
			b.agents, b.err = self(b.words)
		}
	})
	return b.agents, b.err
}

// self offers the running executable as the agent for machines like this one.
func self(words []string) ([]Agent, error) {
	sum := sha256.New()
	if err := copySelf(sum); err != nil {
		return nil, err
	}
	packed := sync.OnceValues(func() ([]byte, error) {
		var out bytes.Buffer
		// The fastest level: it is compressed for one run, not for a release.
		w, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
		if err != nil {
			return nil, err
		}
		if err := copySelf(w); err != nil {
			return nil, err
		}
		err = w.Close()
		return out.Bytes(), err
	})
	return []Agent{{OS: runtime.GOOS, Arch: runtime.GOARCH, SHA256: hex.EncodeToString(sum.Sum(nil)), Words: words, Gzip: packed}}, nil
}

// copySelf writes the running executable to w.
func copySelf(w io.Writer) error {
	// Not os.Executable: the file may have been replaced since we started.
	f, err := os.Open("/proc/self/exe")
	if err == nil {
		defer f.Close()
		_, err = io.Copy(w, f)
	}
	if err != nil {
		return fmt.Errorf("cannot read this program to use it as the agent: %w", err)
	}
	return nil
}

// For finds the agent for a machine.
func For(agents []Agent, goos, arch string) (*Agent, error) {
	for i := range agents {
		if agents[i].OS == goos && agents[i].Arch == arch {
			return &agents[i], nil
		}
	}
	have := ""
	for _, a := range agents {
		have += " " + a.OS + "/" + a.Arch
	}
	if len(agents) == 1 && agents[0].Words != nil {
		return nil, fmt.Errorf("there is no agent for %s/%s: this tutti was built without agents and can only copy itself (%s); `make build` builds one with agents", goos, arch, have[1:])
	}
	return nil, fmt.Errorf("there is no agent for %s/%s, only for%s", goos, arch, have)
}
