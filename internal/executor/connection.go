package executor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	osuser "os/user"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tutti-run/tutti/internal/event"
	"github.com/tutti-run/tutti/internal/inventory"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/playbook"
	"github.com/tutti-run/tutti/internal/template"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/internal/vars"
	"github.com/tutti-run/tutti/parallel"
)

// Connection says how to reach a machine, and as whom. Equal Connections share
// one connection and one agent.
type Connection struct {
	Kind           string // ssh, local, openssh
	Host           string // inventory name
	Address        string
	Port           int
	User           string
	Password       string
	PasswordPrompt string
	KeyFile        string
	HostKeys       string // "", "yes", "no", "accept-new": host key checking
	Args           string // ansible_ssh_args
	CommonArgs     string
	ExtraArgs      string
	Executable     string
	TimeoutS       int
	Retries        int
	RemoteTmp      string
	Become         bool
	BecomeMethod   string
	BecomeUser     string
	BecomeExe      string
	BecomeFlags    string
	BecomePass     string
	BecomeSame     bool // also for the user who is it already
	ShellType      string
	Python         string // ansible_python_interpreter
	Pipelining     bool   // the agent needs none, but see oneStream
	Shell          string // likewise: what Ansible runs commands in
	LocalUserName  string
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// runsOn is the host the item really runs on.
func (it *item) runsOn() *inventory.Host {
	if it.delegate != nil {
		return it.delegate
	}
	return it.host
}

// connectionScope is where connection variables are looked up: the delegated
// host's own, else the task's.
func (it *item) connectionScope() *vars.Scope {
	if it.delegate == nil {
		return it.scope.Over(nil)
	}
	return it.delegatedScope().With(it.topVars())
}

// connectionDefault is what a task may read about its connection where nobody
// has set it: the keywords and the command line, under the names of the
// variables. Evaluated when it is asked for.
func (it *item) connectionDefault(name string) (any, bool) {
	set := func(names ...string) any {
		for _, n := range names {
			if v := it.connectionVar(n); v != nil {
				return v
			}
		}
		return nil
	}
	text := func(w playbook.Keyword, otherwise string) any {
		s, err := it.keywordText(it.c, w, otherwise)
		if err != nil || s == "" {
			return nil
		}
		return s
	}
	var v any
	switch name {
	case "ansible_connection":
		if v = text(playbook.Connection, it.Connection.Kind); v == nil || v == "smart" {
			v = "ssh"
		}
	case "ansible_host", "ansible_ssh_host":
		if v = set("ansible_ssh_host", "ansible_host"); v == nil {
			if v = it.runsOn().Name; it.runsOn().Implicit {
				v = "127.0.0.1"
			}
		}
	case "ansible_user", "ansible_ssh_user":
		if v = set("ansible_ssh_user", "ansible_user"); v == nil {
			v = text(playbook.RemoteUser, it.Connection.User)
		}
	case "ansible_port", "ansible_ssh_port":
		if v = set("ansible_ssh_port", "ansible_port"); v == nil {
			if v, _ = it.keyword(it.c, playbook.Port); v == nil && it.Connection.Port != 0 {
				v = it.Connection.Port
			}
		}
	case "ansible_password", "ansible_ssh_pass":
		if v = set("ansible_ssh_pass", "ansible_password"); v == nil && it.Connection.Password != "" {
			v = it.Connection.Password
		}
	case "ansible_private_key_file", "ansible_ssh_private_key_file":
		if v = set("ansible_ssh_private_key_file", "ansible_private_key_file"); v == nil && it.Connection.KeyFile != "" {
			v = it.Connection.KeyFile
		}
	case "ansible_timeout", "ansible_ssh_timeout":
		if v = set("ansible_ssh_timeout", "ansible_timeout"); v == nil {
			v = it.Connection.TimeoutS
		}
	case "ansible_pipelining", "ansible_ssh_pipelining":
		if v = set("ansible_ssh_pipelining", "ansible_pipelining"); v == nil {
			v = it.Connection.Pipelining
		}
	case "ansible_shell_executable":
		v = it.Connection.Shell
	case "ansible_module_compression":
		v = "ZIP_DEFLATED"
	}
	return v, v != nil
}

// delegatedScope is the delegated host's view of the task. The current host
// stays the one that inventory_hostname names.
func (it *item) delegatedScope() *vars.Scope {
	return it.vars.Scope(it.delegate, it.task).With(value.MapOf("inventory_hostname", it.host.Name))
}

// topVars are the loop variables, which a delegated host's settings may use.
func (it *item) topVars() *value.Map {
	m := value.NewMap(2)
	for _, name := range []string{"ansible_loop_var", "item"} {
		if v, ok := it.scope.Lookup(name); ok {
			m.Set(name, v)
			if s, isName := v.(string); isName && name == "ansible_loop_var" {
				if e, ok := it.scope.Lookup(s); ok {
					m.Set(s, e)
				}
			}
		}
	}
	return m
}

// connectionVar gives a connection variable of the host the item runs on,
// evaluated; nil if it is not set or cannot be evaluated.
func (it *item) connectionVar(name string) any {
	s := it.connectionScope()
	raw, ok := s.Lookup(name)
	if !ok {
		return nil
	}
	v, err := it.Engine.Resolve(it.context(it.c.Ctx, s), raw)
	if err != nil {
		return nil
	}
	return v
}

// settings looks connection variables up in one scope and remembers the first
// thing that went wrong.
type settings struct {
	it  *item
	s   *vars.Scope
	c   *template.Context
	err error
}

func (s *settings) get(names ...string) any {
	for _, n := range names {
		raw, ok := s.s.Lookup(n)
		if !ok {
			continue
		}
		v, err := s.it.Engine.Resolve(s.c, raw)
		if err != nil && s.err == nil {
			s.err = err
		}
		if v != nil && v != template.Omit {
			return v
		}
	}
	return nil
}

func (s *settings) text(otherwise string, names ...string) string {
	if v := s.get(names...); v != nil {
		return template.Str(v)
	}
	return otherwise
}

func (s *settings) number(otherwise int, names ...string) int {
	v := s.get(names...)
	if v == nil {
		return otherwise
	}
	n, err := s.it.number(s.c, v, names[0])
	if err != nil && s.err == nil {
		s.err = err
	}
	return n
}

// connect finds the target of the item: the task's keywords, overridden by the
// connection variables of the host it runs on.
func (it *item) connect() (Target, error) {
	conn, err := it.connection()
	if err != nil {
		return nil, err
	}
	target := it.Targets.Target(conn)
	it.tellConnection(conn, target)
	return target, nil
}

// tellConnection says with -vvv how a host is reached, and what runs there. What
// Ansible shows are its shell commands; here a module runs in the agent.
func (it *item) tellConnection(c Connection, target Target) {
	if it.Verbosity < 3 {
		return
	}
	say := func(text string) {
		it.tell(event.Message{Verbosity: 3, Host: cmp.Or(c.Address, it.runsOn().Name), Text: text})
	}
	how, user := "SSH", cmp.Or(c.User, "None")
	if kind := strings.TrimPrefix(c.Kind, "ansible.builtin."); kind == "local" {
		how = "LOCAL"
		if me, err := osuser.Current(); err == nil {
			user = me.Username
		}
	}
	if _, known := it.reached.LoadOrStore(fmt.Sprint(how, user, it.runsOn().Name, c.Port), true); !known {
		say("ESTABLISH " + how + " CONNECTION FOR USER: " + user)
	}
	text := "EXEC " + cmp.Or(string(it.task.Module), it.task.Action)
	if c.Become {
		text += " AS " + c.BecomeUser
		if by := target.Becomes(); by != "" {
			text += " BY " + by
		}
	}
	say(text)
}

// connections are the names of the ways to reach a host.
var connections = []string{"ssh", "smart", "paramiko", "paramiko_ssh", "local", "openssh", "ansible.builtin.ssh", "ansible.builtin.local",
	"chroot", "community.general.chroot", "docker", "community.docker.docker", "podman", "containers.podman.podman"}

func (it *item) connection() (Connection, error) {
	conn := it.Connection
	host := it.runsOn()
	scope := it.connectionScope()
	s := &settings{it: it, s: scope, c: it.context(it.c.Ctx, scope)}
	var err error
	keyword := func(w playbook.Keyword, into *string) {
		if err == nil {
			*into, err = it.keywordText(it.c, w, *into)
		}
	}
	keyword(playbook.Connection, &conn.Kind)
	keyword(playbook.RemoteUser, &conn.User)
	keyword(playbook.BecomeMethod, &conn.BecomeMethod)
	keyword(playbook.BecomeUser, &conn.BecomeUser)
	keyword(playbook.BecomeExe, &conn.BecomeExe)
	keyword(playbook.BecomeFlags, &conn.BecomeFlags)
	if err != nil {
		return conn, err
	}
	port, err := it.keyword(it.c, playbook.Port)
	if err != nil {
		return conn, err
	}
	if port != nil {
		if conn.Port, err = it.number(it.c, port, "port"); err != nil {
			return conn, err
		}
	}
	if conn.Become, err = it.keywordFlag(it.c, playbook.Become, it.Become); err != nil {
		return conn, err
	}

	conn.Host = host.Name
	if it.task.Local {
		conn.Kind = "local"
	}
	if host.Implicit && conn.Kind != "" {
		conn.Kind = "local"
	}
	conn.Kind = s.text(conn.Kind, "ansible_connection")
	conn.Address = s.text(host.Name, "ansible_host", "ansible_ssh_host")
	conn.Port = s.number(conn.Port, "ansible_port", "ansible_ssh_port")
	conn.User = s.text(conn.User, "ansible_user", "ansible_ssh_user")
	conn.Password = s.text(conn.Password, "ansible_password", "ansible_ssh_pass", "ansible_ssh_password")
	conn.PasswordPrompt = s.text(conn.PasswordPrompt, "ansible_sshpass_prompt")
	conn.KeyFile = s.text(conn.KeyFile, "ansible_private_key_file", "ansible_ssh_private_key_file")
	conn.Args = s.text(conn.Args, "ansible_ssh_args")
	conn.CommonArgs = s.text(conn.CommonArgs, "ansible_ssh_common_args")
	conn.ExtraArgs = s.text(conn.ExtraArgs, "ansible_ssh_extra_args")
	if kind := conn.Kind[strings.LastIndexByte(conn.Kind, '.')+1:]; kind == "docker" || kind == "podman" {
		conn.ExtraArgs = s.text("", "ansible_"+kind+"_extra_args")
	}
	conn.Executable = s.text(conn.Executable, "ansible_ssh_executable")
	conn.RemoteTmp = s.text(conn.RemoteTmp, "ansible_remote_tmp")
	conn.TimeoutS = s.number(conn.TimeoutS, "ansible_ssh_timeout", "ansible_timeout")
	conn.Retries = s.number(conn.Retries, "ansible_ssh_retries")
	if v := s.get("ansible_host_key_checking", "ansible_ssh_host_key_checking"); v != nil {
		if check, err := boolean(v); err == nil {
			conn.HostKeys = map[bool]string{true: "yes", false: "no"}[check]
		}
	}
	if v := s.get("ansible_become"); v != nil {
		if conn.Become, err = it.flag(it.c, v, conn.Become); err != nil {
			return conn, err
		}
	}
	it.becomeSettings(s, &conn)
	if conn.Kind == "local" {
		conn.Address, conn.Port, conn.User, conn.Password, conn.PasswordPrompt, conn.KeyFile, conn.Host = "", 0, "", "", "", "", ""
	}
	if s.err != nil {
		return conn, s.err
	}
	if !slices.Contains(connections, conn.Kind) {
		return conn, fmt.Errorf("the connection plugin '%s' was not found; Tutti has ssh, openssh, local, chroot, docker and podman", conn.Kind)
	}
	return conn, nil
}

func (it *item) becomeSettings(s *settings, conn *Connection) {
	if !conn.Become {
		conn.BecomeMethod, conn.BecomeUser, conn.BecomeExe, conn.BecomeFlags, conn.BecomePass = "", "", "", "", ""
		return
	}
	conn.BecomeMethod = s.text(conn.BecomeMethod, "ansible_become_method")
	if conn.BecomeMethod == "" {
		conn.BecomeMethod = "sudo"
	}
	m := conn.BecomeMethod
	conn.BecomeUser = s.text(conn.BecomeUser, "ansible_"+m+"_user", "ansible_become_user")
	if conn.BecomeUser == "" {
		conn.BecomeUser = "root"
	}
	conn.BecomeExe = s.text(cmp.Or(conn.BecomeExe, it.BecomeSetting(m, "exe")), "ansible_"+m+"_exe", "ansible_become_exe")
	conn.BecomeFlags = s.text(cmp.Or(conn.BecomeFlags, it.BecomeSetting(m, "flags")), "ansible_"+m+"_flags", "ansible_become_flags")
	conn.BecomePass = s.text(cmp.Or(it.BecomeSetting(m, "pass"), it.BecomePassword), "ansible_"+m+"_pass", "ansible_"+m+"_password", "ansible_become_password", "ansible_become_pass")
	it.hide(conn.BecomePass)
}

// acquire waits until the call may run: for what its hints name on the machine
// it runs on, then for one of the forks.
func (it *item) acquire(ctx context.Context, r *resolved) (parallel.Lease, error) {
	hints, err := it.hints(ctx, r)
	if err != nil {
		return parallel.Lease{}, err
	}
	req := parallel.Request{Hints: hints, Owner: it.owner(), Slots: []parallel.Slot{{Pool: "forks", Size: it.Forks}}}
	if v, ok := it.task.Get(playbook.Throttle); ok {
		n, err := it.number(it.c, v, "throttle")
		if err != nil {
			return parallel.Lease{}, fmt.Errorf("Failed to convert the throttle value to an integer: %w", err)
		}
		if n > 0 {
			// The narrower pool first, so that nobody keeps a fork while waiting for it.
			req.Slots = []parallel.Slot{{Pool: fmt.Sprintf("throttle of task %d", it.task.ID), Size: n}, req.Slots[0]}
		}
	}
	if needsMachine(hints) {
		// The machine, not the inventory name: two names for one machine share
		// its locks. Connecting holds nothing but a place among the forks.
		if req.Host, err = it.machine(ctx); err != nil {
			return parallel.Lease{}, err
		}
		for _, h := range hints {
			if h.Kind == parallel.HostExclusive {
				r.Locks = append(r.Locks, h.Name)
			}
		}
	}
	begin := time.Now()
	lease, err := it.Locks.Acquire(ctx, req)
	it.spent.Wait += time.Since(begin)
	// Nobody who waits for a lock keeps a fork from others, wherever the lock is:
	// one that has to wait on the target, for another controller, gives it back.
	// The call goes on by itself when its turn comes.
	r.OnWait = lease.ReleaseSlots
	return lease, err
}

func needsMachine(hints []parallel.Hint) bool {
	return slices.ContainsFunc(hints, func(h parallel.Hint) bool { return h.Kind == parallel.HostExclusive })
}

func (it *item) machine(ctx context.Context) (string, error) {
	lease, err := it.Locks.Acquire(ctx, parallel.Request{Owner: it.owner() + " (connecting)", Slots: []parallel.Slot{{Pool: "forks", Size: it.Forks}}})
	if err != nil {
		return "", err
	}
	defer lease.Release()
	return it.target.Machine(ctx)
}

// owner says who asks for a lease: "web1: Install", or, delegated, "web1 -> db1:
// Dump". Items of a loop that run together are told apart by their place, since
// what they loop over may be secret.
func (it *item) owner() string {
	owner := it.host.Name
	if it.delegated != "" && it.delegated != owner {
		owner += " -> " + it.delegated
	}
	name := it.info.Name
	if it.Run.Shown != nil {
		name = it.Run.Shown(name)
	}
	owner += ": " + name
	if it.place > 0 {
		owner += " (item " + strconv.Itoa(it.place) + ")"
	}
	return owner
}

// call makes the call and waits for its answer, within the task's timeout.
func (it *item) call(ctx context.Context, r *resolved) (*module.Result, error) {
	begin := time.Now()
	defer func() { it.spent.Run += time.Since(begin) }()
	v, err := it.keyword(it.c, playbook.Timeout)
	if err != nil {
		return nil, err
	}
	if v != nil {
		n, err := it.number(it.c, v, "timeout")
		if err != nil {
			return nil, err
		}
		if n > 0 {
			limited, cancel := context.WithTimeoutCause(ctx, time.Duration(n)*time.Second, errTimeout)
			defer cancel()
			res, err := it.do(limited, r)
			if errors.Is(context.Cause(limited), errTimeout) {
				return module.Fail("The %s action failed to execute in the expected time frame (%d) and was terminated", it.task.Action, n), nil
			}
			return res, err
		}
	}
	return it.do(ctx, r)
}

var errTimeout = errors.New("the task's timeout has passed")

func (it *item) do(ctx context.Context, r *resolved) (*module.Result, error) {
	if r.work != nil {
		return it.work(ctx, r)
	}
	res, err := it.target.Do(ctx, r.Call)
	if err != nil {
		return nil, err
	}
	if r.Async > 0 && !res.Failed {
		if res, err = it.poll(ctx, r, res); err != nil {
			return nil, err
		}
	}
	if r.name == "ansible.builtin.async_status" && truth(res.Get("finished")) {
		it.jobs.ended(template.Str(res.Get("ansible_job_id")))
	}
	it.oneStream(res)
	res = it.conclude(r, res)
	ownFacts(res)
	it.discover(ctx, res)
	return res, nil
}

// conclude makes the task's result of the call's, without secrets.
func (it *item) conclude(r *resolved, res *module.Result) *module.Result {
	if r.finish != nil {
		res = r.finish(res)
	}
	if len(it.secret) > 0 {
		res = module.FromMap(scrub(res.ToMap(), it.secret).(*value.Map))
	}
	if r.spec != nil {
		it.invocation(res, r.spec, r.args, r.params)
	}
	return res
}

// adHoc is a host that only delegate_to names.
func (r *Run) adHoc(name string) *inventory.Host {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.strangers == nil {
		r.strangers = map[string]*inventory.Host{}
	}
	h := r.strangers[name]
	if h == nil {
		h = &inventory.Host{Name: name, Vars: value.NewMap(0)}
		r.strangers[name] = h
	}
	return h
}
