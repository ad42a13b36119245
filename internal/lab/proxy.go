package lab

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// Delay makes hosts far away: connections go through a proxy that holds what
// it carries for half of ms milliseconds each way. The inventory is written
// anew. 0 takes the distance away.
func (l *Lab) Delay(ms int) error {
	l.state.Proxy.kill()
	l.state.Proxy.wait()
	l.state.Proxy, l.state.Delay = process{}, ms
	if ms > 0 {
		routes := map[string]string{}
		for _, h := range l.state.Hosts {
			address, port := l.reach(h)
			routes[fmt.Sprintf("%s:%d", address, port)] = h.Address + ":22"
		}
		if err := l.startProxy(routes, time.Duration(ms)*time.Millisecond/2); err != nil {
			return err
		}
	}
	if err := l.save(); err != nil {
		return err
	}
	return l.writeFiles()
}

// reach says where a host is reached.
func (l *Lab) reach(h Host) (address string, port int) {
	if l.state.Delay > 0 {
		return fmt.Sprintf("10.213.%d.1", l.state.Subnet), 22000 + h.Index
	}
	return h.Address, 22
}

// Reach says under which address and port a host is reached.
func (l *Lab) Reach(h Host) (address string, port int) { return l.reach(h) }

// greeted reports whether an sshd is at the address.
func greeted(address string) error {
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetReadDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return err
	}
	if !strings.HasPrefix(line, "SSH-") {
		return fmt.Errorf("it says %q", line)
	}
	return nil
}

type proxyConfig struct {
	Routes map[string]string
	Hold   time.Duration
}

func (l *Lab) startProxy(routes map[string]string, hold time.Duration) error {
	cmd := &exec.Cmd{Path: "/proc/self/exe", Args: []string{proxyName}, Dir: "/", SysProcAttr: &syscall.SysProcAttr{Setsid: true}}
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	l.state.Proxy = process{PID: cmd.Process.Pid, Start: startOf(cmd.Process.Pid)}
	if err := json.NewEncoder(in).Encode(proxyConfig{routes, hold}); err != nil {
		return err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	// It is to outlive us; while we are here, we collect it.
	go func() { _ = cmd.Wait() }()
	if err != nil || line != "ready\n" {
		return fmt.Errorf("the proxy did not start: %s", line)
	}
	return nil
}

func proxyMain() error {
	var c proxyConfig
	if err := json.NewDecoder(os.Stdin).Decode(&c); err != nil {
		return err
	}
	failed := make(chan error)
	for from, to := range c.Routes {
		listener, err := net.Listen("tcp", from)
		if err != nil {
			fmt.Println(err)
			return err
		}
		go func() { failed <- serveProxy(listener, to, c.Hold) }()
	}
	fmt.Println("ready")
	return <-failed
}

func serveProxy(listener net.Listener, to string, hold time.Duration) error {
	for {
		near, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() {
			// The three packets of connecting take one and a half ways.
			time.Sleep(2 * hold)
			far, err := net.Dial("tcp", to)
			if err != nil {
				_ = near.Close()
				return
			}
			go carry(far, near, hold)
			carry(near, far, hold)
		}()
	}
}

type parcel struct {
	data []byte
	due  time.Time
}

// carry copies, each piece hold after it came, so that pieces overlap on the
// way as they do on a long line.
func carry(to, from net.Conn, hold time.Duration) {
	defer to.Close()
	way := make(chan parcel, 4096)
	go func() {
		defer close(way)
		for {
			buf := make([]byte, 32<<10)
			n, err := from.Read(buf)
			if n > 0 {
				way <- parcel{buf[:n], time.Now().Add(hold)}
			}
			if err != nil {
				return
			}
		}
	}()
	for p := range way {
		time.Sleep(time.Until(p.due))
		if _, err := to.Write(p.data); err != nil {
			_ = from.Close()
			_, _ = io.Copy(io.Discard, from)
			for range way {
			}
			return
		}
	}
}
