// Package agent owns the process on the target: it serves calls from a
// controller, runs modules, and goes away with its controller.
//
// Main is the program. Runner runs one call and is also used without a process
// of its own, for the controller's own machine. The controller's end is
// agent/client; what they say to each other is agent/wire.
package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tutti-run/tutti/internal/agent/wire"
	"github.com/tutti-run/tutti/internal/module"
)

const usage = `This program serves Tutti on the machines that it manages; Tutti starts it.

  serve HASH          serve calls on standard input and output
  install HASH DIRECTORY COMMAND...
                      take the place in DIRECTORY of the file with the SHA-256
                      HASH, which this one must have, and do COMMAND
  as USER COMMAND...  become another user, as root, and do COMMAND
  job                 run the background job given on standard input
`

// Main runs the agent as a process and returns its exit status. args are the
// words after those of self, the command that starts this program as an agent.
// It takes the process over: its standard files, umask, signals.
func Main(self, args []string, registry *module.Registry) int {
	command := ""
	if len(args) > 0 {
		command = args[0]
	}
	syscall.Umask(0o022)
	var err error
	switch {
	case command == "install" && len(args) >= 4:
		if err = install(args[1], args[2]); err == nil {
			return Main(self, args[3:], registry)
		}
		fmt.Print(wire.Marker + "fail copy " + args[2] + "\n")
	case command == "serve" && len(args) == 2:
		err = serve(self, args[1], registry)
	case command == "as" && len(args) >= 3:
		err = become(args[1], self, args[2:])
	case command == "job" && len(args) == 1:
		err = job(self, registry)
	default:
		fmt.Fprint(os.Stderr, usage)
		return 2
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "tutti-agent: %v\n", err)
		return 1
	}
	return 0
}

func serve(self []string, version string, registry *module.Registry) error {
	enterDirectory()
	markUsed()
	in, out, err := takeStandardFiles()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT)
	defer stop()
	if _, err := io.WriteString(out, wire.Ready); err != nil {
		return err
	}
	leave := make(chan os.Signal, 1)
	signal.Notify(leave, syscall.SIGUSR1)
	defer signal.Stop(leave)
	r := &Runner{Registry: registry, Self: self, leave: leave}
	defer r.Close()
	return r.Serve(ctx, version, in, out)
}

// takeStandardFiles moves standard input and output away, so that nothing a
// module prints or runs gets between the frames, and keeps what we inherited
// from reaching children.
func takeStandardFiles() (in, out *os.File, err error) {
	fds, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		return nil, nil, err
	}
	for _, path := range fds {
		if fd, err := strconv.Atoi(filepath.Base(path)); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, nil, err
	}
	defer null.Close()
	moved := [2]*os.File{}
	for fd := range moved {
		n, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
		if err != nil {
			return nil, nil, fmt.Errorf("standard input and output must be open: %w", err)
		}
		// Where it is a pipe: content comes with less waiting for each other.
		_, _ = unix.FcntlInt(uintptr(n), unix.F_SETPIPE_SZ, 4*wire.MaxChunk)
		moved[fd] = os.NewFile(uintptr(n), [2]string{"input", "output"}[fd])
		if err := unix.Dup3(int(null.Fd()), fd, 0); err != nil {
			return nil, nil, err
		}
	}
	return moved[0], moved[1], nil
}

// enterDirectory leaves a directory that this user cannot use: after becoming
// somebody else we may be in the home of the one we were.
func enterDirectory() {
	if unix.Access(".", unix.X_OK|unix.R_OK) == nil {
		return
	}
	if home := os.Getenv("HOME"); home == "" || os.Chdir(home) != nil {
		_ = os.Chdir("/")
	}
}

// install verifies the copy that was just uploaded, which is this process's
// file, moves it to its place, and makes room.
func install(want, dir string) error {
	path, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return fmt.Errorf("/proc has to be mounted where modules run: %w", err)
	}
	if !isAgentName(filepath.Base(path)) {
		return fmt.Errorf("%s was not uploaded by Tutti: it stays where it is", path)
	}
	if err = verify(want); err == nil {
		err = os.Rename(path, filepath.Join(dir, want))
	}
	if err != nil {
		_ = os.Remove(path)
		return err
	}
	removeOld(filepath.Join(dir, want), time.Now())
	return nil
}

// verify compares the hash of this process's file.
func verify(want string) error {
	f, err := os.Open("/proc/self/exe")
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want {
		return fmt.Errorf("the uploaded copy of the agent is damaged: its SHA-256 is %s, not %s", got, want)
	}
	return nil
}

// Agents of other versions are kept, since other controllers may use them: so
// many, and so long after they were last installed or used.
const (
	keepOthers = 4
	keepUnused = 60 * 24 * time.Hour
)

// removeOld removes agents that nobody seems to use from the directory of this
// one. One that runs is not disturbed by the removal of its file.
func removeOld(self string, now time.Time) {
	dir := filepath.Dir(self)
	entries, _ := os.ReadDir(dir)
	var others []os.FileInfo
	for _, e := range entries {
		fi, err := e.Info()
		if err == nil && fi.Mode().IsRegular() && isAgentName(e.Name()) && e.Name() != filepath.Base(self) {
			others = append(others, fi)
		}
	}
	slices.SortFunc(others, func(a, b os.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
	for i, fi := range others {
		if i >= keepOthers || now.Sub(fi.ModTime()) > keepUnused {
			_ = os.Remove(filepath.Join(dir, fi.Name()))
		}
	}
}

// markUsed notes, at most once a day, that the agent's file is in use. It may
// be somebody else's file: that is no failure.
func markUsed() {
	now := time.Now()
	if fi, err := os.Stat("/proc/self/exe"); err == nil && now.Sub(fi.ModTime()) > 24*time.Hour {
		if path, err := os.Readlink("/proc/self/exe"); err == nil && isAgentName(filepath.Base(path)) {
			_ = os.Chtimes(path, now, now)
		}
	}
}

// isAgentName tells a file named by its SHA-256, or the beginning of an upload.
func isAgentName(name string) bool {
	if len(name) < sha256.Size*2 {
		return false
	}
	_, err := hex.DecodeString(name[:sha256.Size*2])
	return err == nil
}
