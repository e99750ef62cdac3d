package sdnotify

import (
	"errors"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// listen returns a manager's socket.
func listen(t *testing.T, name string) *net.UnixConn {
	t.Helper()
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func receive(t *testing.T, c *net.UnixConn) string {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 4096)
	n, err := c.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	return string(buf[:n])
}

func TestMessages(t *testing.T) {
	for _, name := range []string{filepath.Join(t.TempDir(), "notify"), "@edgecam-sdnotify-test-" + strconv.Itoa(unix.Getpid())} {
		manager := listen(t, name)
		n, err := New([]string{"NOTIFY_SOCKET=" + name}, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			send func() error
			want string
		}{
			{func() error { return n.Ready("serving") }, "READY=1\nSTATUS=serving"},
			{func() error { return n.Status("a\nREADY=0\x00b") }, "STATUS=a READY=0 b"},
			{n.Watchdog, "WATCHDOG=1"},
			{func() error { return n.Stopping("bye") }, "STOPPING=1\nSTATUS=bye"},
		} {
			if err := step.send(); err != nil {
				t.Fatal(err)
			}
			if got := receive(t, manager); got != step.want {
				t.Errorf("%q was sent, want %q", got, step.want)
			}
		}
	}
}

func TestReloadingCarriesTheMonotonicClock(t *testing.T) {
	name := filepath.Join(t.TempDir(), "notify")
	manager := listen(t, name)
	n, err := New([]string{"NOTIFY_SOCKET=" + name}, 1)
	if err != nil {
		t.Fatal(err)
	}
	var before, after unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &before); err != nil {
		t.Fatal(err)
	}
	if err := n.Reloading(); err != nil {
		t.Fatal(err)
	}
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &after); err != nil {
		t.Fatal(err)
	}
	first, second, _ := strings.Cut(receive(t, manager), "\n")
	usec, err := strconv.ParseInt(strings.TrimPrefix(second, "MONOTONIC_USEC="), 10, 64)
	if first != "RELOADING=1" || err != nil || usec < before.Nano()/1000 || usec > after.Nano()/1000 {
		t.Errorf("got %q and %q, the clock went from %d to %d µs", first, second, before.Nano()/1000, after.Nano()/1000)
	}
}

func TestEnvironment(t *testing.T) {
	socket := "NOTIFY_SOCKET=/run/systemd/notify"
	for _, c := range []struct {
		environ  []string
		interval time.Duration
		none     bool
		bad      bool
	}{
		{environ: nil, none: true},
		{environ: []string{"NOTIFY_SOCKET="}, none: true},
		{environ: []string{"WATCHDOG_USEC=1000000"}, none: true},
		{environ: []string{socket}},
		{environ: []string{socket, "WATCHDOG_USEC=30000000"}, interval: 30 * time.Second},
		{environ: []string{socket, "WATCHDOG_USEC=30000000", "WATCHDOG_PID=7"}, interval: 30 * time.Second},
		{environ: []string{socket, "WATCHDOG_USEC=30000000", "WATCHDOG_PID=8"}},
		{environ: []string{socket, "WATCHDOG_USEC=soon"}, bad: true},
		{environ: []string{socket, "WATCHDOG_USEC=-1"}, bad: true},
		{environ: []string{socket, "WATCHDOG_USEC=9223372036854775807"}, bad: true},
		{environ: []string{"NOTIFY_SOCKET=vsock:2:1234"}, bad: true},
		{environ: []string{"NOTIFY_SOCKET=/"}, bad: true},
	} {
		n, err := New(c.environ, 7)
		if (err != nil) != c.bad || (n == nil) != (c.none || c.bad) || n.WatchdogInterval() != c.interval {
			t.Errorf("%q: %+v, %v", c.environ, n, err)
		}
	}
}

func TestWithoutManager(t *testing.T) {
	var n *Notifier
	if err := errors.Join(n.Ready("x"), n.Watchdog(), n.Reloading(), n.Stopping("x"), n.Status("x")); err != nil {
		t.Error(err)
	}
	n, err := New([]string{"NOTIFY_SOCKET=" + filepath.Join(t.TempDir(), "gone")}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if n.Watchdog() == nil {
		t.Error("a manager that is gone was not noticed")
	}
}
