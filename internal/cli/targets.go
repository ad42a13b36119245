package cli

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/tutti-run/tutti/internal/agent/client"
	"github.com/tutti-run/tutti/internal/executor"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/transport"
)

// pool gives the executor its targets.
type pool struct{ *client.Pool }

// Target finds the target for a connection.
func (p pool) Target(c executor.Connection) executor.Target {
	cfg := transport.Config{
		Kind: kind(c.Kind), Host: c.Host, Address: c.Address, Port: c.Port, User: c.User, Password: c.Password, PasswordPrompt: c.PasswordPrompt, KeyFile: c.KeyFile,
		SSHArgs: c.Args, SSHCommonArgs: c.CommonArgs, SSHExtraArgs: c.ExtraArgs, SSHExecutable: c.Executable,
		Timeout: time.Duration(c.TimeoutS) * time.Second, Retries: c.Retries, RemoteTmp: c.RemoteTmp,
	}
	switch c.HostKeys {
	case "no":
		cfg.HostKeys = transport.IgnoreHostKeys
	case "accept-new":
		cfg.HostKeys = transport.AcceptNew
	}
	if cfg.Kind == "local" {
		cfg = transport.Config{Kind: "local", Host: "localhost", RemoteTmp: c.RemoteTmp}
	}
	var become *client.Become
	if c.Become {
		become = &client.Become{Method: c.BecomeMethod, User: c.BecomeUser, Password: c.BecomePass, Exe: c.BecomeExe, Flags: c.BecomeFlags, SameUser: c.BecomeSame}
	}
	return target{p.Pool.Target(cfg, become)}
}

// kind is the transport behind one of Ansible's connection names.
func kind(name string) string {
	switch name {
	case "local", "ansible.builtin.local":
		return "local"
	case "openssh", "chroot", "docker", "podman":
		return name
	case "community.general.chroot", "community.docker.docker", "containers.podman.podman":
		return name[strings.LastIndexByte(name, '.')+1:]
	}
	return "ssh"
}

// target is a client.Target as the executor sees it.
type target struct{ t *client.Target }

func (t target) Machine(ctx context.Context) (string, error) {
	id, err := t.t.Connect(ctx)
	return id.Machine, unreachable(err)
}

func (t target) Do(ctx context.Context, call *module.Call) (*module.Result, error) {
	res, err := t.t.Do(ctx, call)
	return res, unreachable(err)
}

func (t target) Raw(ctx context.Context, command string) ([]byte, []byte, int, error) {
	out, errOut, rc, err := t.t.Raw(ctx, command, nil)
	return out, errOut, rc, unreachable(err)
}

func (t target) Becomes() string { return t.t.Becomes() }

func (t target) Reset(ctx context.Context) error { return t.t.Reset(ctx) }

// unreachable marks the errors after which a host is out of the play.
func unreachable(err error) error {
	if err == nil {
		return nil
	}
	var u *transport.UnreachableError
	if errors.As(err, &u) {
		return &executor.Unreachable{Err: err}
	}
	return err
}
