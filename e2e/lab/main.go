// Command lab makes throwaway Debian hosts on this machine; see package
// internal/lab.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/tutti-run/tutti/internal/lab"
)

const usage = `usage: lab [-n NAME] COMMAND

  up N           start N hosts (and take down those that there were)
  down           end them; nothing is left
  list           show the hosts
  inventory      show where the inventory is
  exec I CMD...  run a command on host I, as root
  cut I          take the network from host I
  mend I         give it back
  restart I      boot host I anew
  delay MS       make hosts MS milliseconds away (0: here)
`

func main() {
	lab.Init()
	if err := command(os.Args[1:]); err != nil {
		var status *exec.ExitError
		if errors.As(err, &status) {
			os.Exit(status.ExitCode())
		}
		fmt.Fprintln(os.Stderr, "lab:", err)
		os.Exit(1)
	}
}

func command(args []string) error {
	name := ""
	if len(args) > 1 && args[0] == "-n" {
		name, args = args[1], args[2:]
	}
	l, err := lab.Open(name)
	if err != nil {
		return err
	}
	if len(args) == 0 {
		return errors.New(usage)
	}
	number := 0
	switch args[0] {
	case "up", "cut", "mend", "restart", "delay", "exec":
		if len(args) < 2 {
			return errors.New(usage)
		}
		if number, err = strconv.Atoi(args[1]); err != nil {
			return fmt.Errorf("%s needs a number, not %q", args[0], args[1])
		}
	}
	switch args[0] {
	case "up":
		begin := time.Now()
		if err := l.Up(number); err != nil {
			return err
		}
		fmt.Printf("%d hosts after %.1f s; inventory: %s\n", number, time.Since(begin).Seconds(), l.Inventory())
		return nil
	case "down":
		return l.Down()
	case "list":
		for _, h := range l.Hosts() {
			address, port := l.Reach(h)
			fmt.Printf("%d %s %s:%d\n", h.Index, h.Name, address, port)
		}
		return nil
	case "inventory":
		fmt.Println(l.Inventory())
		return nil
	case "cut":
		return l.Cut(number)
	case "mend":
		return l.Mend(number)
	case "restart":
		return l.Restart(number)
	case "delay":
		return l.Delay(number)
	case "exec":
		argv := args[2:]
		if len(argv) == 0 {
			argv = []string{"/bin/bash"}
		}
		cmd, err := l.Command(number, argv...)
		if err != nil {
			return err
		}
		cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
		return cmd.Run()
	}
	return errors.New(usage)
}
