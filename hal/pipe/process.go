package pipe

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// tailBytes of what a program says on standard error are kept.
const tailBytes = 1024

// process is a running program in a process group of its own.
type process struct {
	pid    int
	grace  time.Duration
	stdout *os.File
	said   *tail
	done   chan struct{} // closed when it has ended
	err    error         // how; valid after done
	stop   sync.Once
}

// start starts the program. Env is added to the environment.
func start(path string, args, env []string, grace time.Duration) (*process, error) {
	p := &process{grace: grace, said: &tail{}, done: make(chan struct{})}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	started := make(chan error, 1)
	go func() {
		// The kernel's signal at the parent's death comes when the thread dies
		// that started the child: this one waits with it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		cmd := exec.Command(path, args...)
		cmd.Env = append(os.Environ(), env...)
		cmd.Stdout, cmd.Stderr = w, p.said
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
		cmd.WaitDelay = grace // for children that hold standard error open
		err := cmd.Start()
		w.Close()
		if err != nil {
			started <- err
			return
		}
		p.pid = cmd.Process.Pid
		started <- nil
		p.err = cmd.Wait()
		close(p.done)
	}()
	if err := <-started; err != nil {
		r.Close()
		return nil, err
	}
	p.stdout = r
	return p, nil
}

// end ends the program and what it started: politely, then by force. It returns
// when the program is no more.
func (p *process) end() {
	p.stop.Do(func() {
		p.signal(syscall.SIGTERM)
		t := time.NewTimer(p.grace)
		defer t.Stop()
		select {
		case <-p.done:
		case <-t.C:
		}
		p.signal(syscall.SIGKILL) // also for the group of one that has ended
	})
	<-p.done
}

func (p *process) signal(s syscall.Signal) {
	// ESRCH: the whole group has ended.
	_ = syscall.Kill(-p.pid, s)
}

// last says how the program ended, with its last words.
func (p *process) last() error {
	how := "it closed its output"
	select {
	case <-p.done:
		how = "it ended"
		if p.err != nil {
			how = "it ended with " + p.err.Error()
		}
	default:
	}
	if words := p.said.String(); words != "" {
		return fmt.Errorf("pipe: the camera program delivers no more: %s: %s", how, words)
	}
	return fmt.Errorf("pipe: the camera program delivers no more: %s", how)
}

// tail keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

var _ io.Writer = (*tail)(nil)

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(b)
	b = b[max(0, n-tailBytes):]
	t.buf = append(t.buf, b...)
	if extra := len(t.buf) - tailBytes; extra > 0 {
		t.buf = append(t.buf[:0], t.buf[extra:]...)
	}
	return n, nil
}

// String is the text on one line, without what does not belong into a log.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	clean := strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(string(t.buf), ""))
	return strings.Join(strings.Fields(clean), " ")
}
