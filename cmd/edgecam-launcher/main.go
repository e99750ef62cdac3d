// Command edgecam-launcher starts the edgecam that is to run: the one that was
// installed, or an update in the state folder. It is installed with the system,
// never updates itself, and has no network, no configuration and no
// dependencies.
//
//	edgecam-launcher [--installed PATH] [--state DIR] ARGUMENTS OF edgecam …
//
// A confirmed program takes the launcher's place (exec). One on trial runs as
// its child: if it dies or does not confirm in time, the former one runs again.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/edgecam/edgecam/internal/durable"
	"github.com/edgecam/edgecam/provisioning/update/slot"
)

func main() { os.Exit(run(os.Args[1:], os.Environ())) }

// options are the launcher's own; all else is the program's.
type options struct {
	installed, state string
	trial            time.Duration
}

func parse(args []string, environ []string) (options, []string, error) {
	o := options{installed: "/usr/bin/edgecam", trial: slot.Trial}
	for _, kv := range environ {
		// systemd gives several folders with colons between them.
		if v, ok := strings.CutPrefix(kv, "STATE_DIRECTORY="); ok {
			o.state, _, _ = strings.Cut(v, ":")
		}
	}
	for len(args) >= 2 {
		switch args[0] {
		case "--installed":
			o.installed = args[1]
		case "--state":
			o.state = args[1]
		case "--trial":
			d, err := time.ParseDuration(args[1])
			if err != nil || d <= 0 {
				return o, nil, fmt.Errorf("--trial %q must be a time such as 120s", args[1])
			}
			o.trial = d
		default:
			return o, args, nil
		}
		args = args[2:]
	}
	return o, args, nil
}

func run(args, environ []string) int {
	o, rest, err := parse(args, environ)
	if err != nil {
		fmt.Fprintf(os.Stderr, "edgecam-launcher: %v\n", err)
		return 2
	}
	if o.state == "" {
		o.state = "/var/lib/edgecam"
	}
	for {
		name, trial := slot.Installed, false
		path := o.installed
		dir, err := durable.OpenDir(filepath.Join(o.state, slot.Folder))
		if err == nil {
			name, trial, err = slot.Pick(dir, slot.Fingerprint(o.installed))
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "edgecam-launcher: %v\n", err)
		}
		if name != slot.Installed {
			path = dir.File(slot.File(name))
		}
		env := environment(environ, o, name)
		if !trial {
			err := syscall.Exec(path, append([]string{path}, rest...), env)
			fmt.Fprintf(os.Stderr, "edgecam-launcher: %s: %v\n", path, err)
			if name == slot.Installed {
				return 1
			}
			err = syscall.Exec(o.installed, append([]string{o.installed}, rest...), environment(environ, o, slot.Installed))
			fmt.Fprintf(os.Stderr, "edgecam-launcher: %s: %v\n", o.installed, err)
			return 1
		}
		if code, end := try(dir, path, rest, env, o.trial); end {
			return code
		}
	}
}

func environment(environ []string, o options, name string) []string {
	var out []string
	for _, kv := range environ {
		k, _, _ := strings.Cut(kv, "=")
		switch k {
		case slot.DirVariable, slot.NameVariable, slot.InstalledVariable:
			continue
		}
		out = append(out, kv)
	}
	return append(out, slot.DirVariable+"="+filepath.Join(o.state, slot.Folder), slot.NameVariable+"="+name, slot.InstalledVariable+"="+slot.Fingerprint(o.installed))
}

// grace is how long a program has to end when it is asked to.
const grace = 10 * time.Second

// try runs a program on trial. end tells that the launcher is to end too, with
// the program's exit code: it was asked to, or the trial has succeeded before.
func try(dir *durable.Dir, path string, args, env []string, limit time.Duration) (code int, end bool) {
	// The child dies with the thread that made it: that is to be the launcher.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGABRT, syscall.SIGUSR1, syscall.SIGQUIT)
	defer signal.Stop(signals)
	// The watchdog's messages come from the child: it is not to compare ids.
	var childEnv []string
	for _, kv := range env {
		if !strings.HasPrefix(kv, "WATCHDOG_PID=") {
			childEnv = append(childEnv, kv)
		}
	}
	child, err := os.StartProcess(path, append([]string{path}, args...), &os.ProcAttr{
		Env: childEnv, Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}, Sys: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		fmt.Fprintf(os.Stderr, "edgecam-launcher: %v\n", err)
		return 1, false
	}
	done := make(chan *os.ProcessState, 1)
	go func() {
		st, err := child.Wait()
		if err != nil {
			fmt.Fprintf(os.Stderr, "edgecam-launcher: %v\n", err)
		}
		done <- st
	}()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	var kill <-chan time.Time
	asked := false
	for {
		select {
		case s := <-signals:
			asked = asked || s == syscall.SIGTERM || s == syscall.SIGINT
			_ = child.Signal(s)
		case <-deadline.C:
			s, err := slot.Read(dir)
			if err == nil && s.Trial == "" {
				continue // confirmed
			}
			fmt.Fprintf(os.Stderr, "edgecam-launcher: not well after %s, the former program returns\n", limit)
			if err := slot.Write(dir, s.RollBack(fmt.Sprintf("not well after %s", limit))); err != nil {
				fmt.Fprintf(os.Stderr, "edgecam-launcher: %v\n", err)
			}
			_ = child.Signal(syscall.SIGTERM)
			kill = time.After(grace)
		case <-kill:
			_ = child.Kill()
		case st := <-done:
			code := 1
			if st != nil {
				code = max(st.ExitCode(), 0)
				if !st.Success() && code == 0 {
					code = 1
				}
			}
			s, err := slot.Read(dir)
			confirmed := err == nil && s.Trial == "" && kill == nil
			return code, asked || confirmed
		}
	}
}
