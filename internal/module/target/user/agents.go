package user

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/module/accounts"
)

// minds reports whether a command refuses to work on a user who has processes.
func minds(argv []string) bool {
	refused := func(arg string) bool { return arg == "-u" || arg == "-d" || arg == "-l" }
	return argv[0] == "userdel" || argv[0] == "usermod" && slices.ContainsFunc(argv, refused)
}

// agentFile is where agents are, and how they are named.
var agentFile = lazyregexp.New(`/(\.cache/tutti|tutti-\d+)/[0-9a-f]{64}( \(deleted\))?$`)

// endAgents ends the user's agents that have nothing to do: tasks may have run
// as the user a moment ago, and nobody but us knows that those processes are
// no reason to leave the user alone. Agents that work stay, and count. A
// controller that still needs one starts it again.
func endAgents(ctx context.Context, u *accounts.User) {
	if u == nil || u.UID == 0 || u.UID == os.Getuid() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	told := map[int]time.Time{}
	for {
		left := false
		for _, pid := range agentsOf(u.UID) {
			left = true
			// Once more after a while: it may have been about to finish.
			if time.Since(told[pid]) > 50*time.Millisecond {
				told[pid] = time.Now()
				_ = syscall.Kill(pid, syscall.SIGUSR1)
			}
		}
		if !left {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// agentsOf lists a user's processes that are agents.
func agentsOf(uid int) []int {
	var found []int
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		fi, err := os.Stat(dir)
		if err != nil {
			continue
		}
		if st, ok := fi.Sys().(*syscall.Stat_t); !ok || int(st.Uid) != uid {
			continue
		}
		exe, err := os.Readlink(dir + "/exe")
		if pid, bad := strconv.Atoi(filepath.Base(dir)); err == nil && bad == nil && agentFile.MatchString(exe) {
			found = append(found, pid)
		}
	}
	return found
}
