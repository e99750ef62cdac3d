// Package sdnotify tells the service manager how a service fares, in the
// protocol of sd_notify(3): datagrams of KEY=VALUE lines to the socket that
// NOTIFY_SOCKET names.
package sdnotify

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ErrSocket is returned for a socket address that cannot be spoken to.
var ErrSocket = errors.New("sdnotify: NOTIFY_SOCKET is neither a path nor an abstract name")

// sendTimeout bounds a message to a manager that does not read: a service must
// not hang on its supervisor.
const sendTimeout = 2 * time.Second

// Notifier speaks to the service manager. A nil Notifier, of a process that
// none started, does nothing. Its methods may be called from any goroutine.
type Notifier struct {
	socket   string
	watchdog time.Duration
}

// New returns a Notifier for the environment environ, in the form of
// os.Environ, and the process pid; nil without NOTIFY_SOCKET. A watchdog that
// is meant for another process is left out.
func New(environ []string, pid int) (*Notifier, error) {
	get := func(name string) string {
		for _, kv := range environ {
			if value, ok := strings.CutPrefix(kv, name+"="); ok {
				return value
			}
		}
		return ""
	}
	n := &Notifier{socket: get("NOTIFY_SOCKET")}
	switch {
	case n.socket == "":
		return nil, nil
	case len(n.socket) < 2 || (n.socket[0] != '/' && n.socket[0] != '@'):
		return nil, fmt.Errorf("%w: %q", ErrSocket, n.socket)
	}
	usec := get("WATCHDOG_USEC")
	if usec == "" {
		return n, nil
	}
	if of := get("WATCHDOG_PID"); of != "" && of != strconv.Itoa(pid) {
		return n, nil
	}
	v, err := strconv.ParseInt(usec, 10, 64)
	if err != nil || v <= 0 || v > int64(time.Duration(1<<63-1)/time.Microsecond) {
		return nil, fmt.Errorf("sdnotify: WATCHDOG_USEC is %q, must be a positive number of microseconds", usec)
	}
	n.watchdog = time.Duration(v) * time.Microsecond
	return n, nil
}

// WatchdogInterval returns within which time the manager wants to hear from
// Watchdog again, 0 if it does not watch.
func (n *Notifier) WatchdogInterval() time.Duration {
	if n == nil {
		return 0
	}
	return n.watchdog
}

// Ready says that the service serves, for the first time or again after
// Reloading, with a line for people.
func (n *Notifier) Ready(status string) error { return n.send("READY=1", "STATUS="+status) }

// Status gives the manager a line for people.
func (n *Notifier) Status(status string) error { return n.send("STATUS=" + status) }

// Watchdog says that the service lives. What stands still must not call it.
func (n *Notifier) Watchdog() error { return n.send("WATCHDOG=1") }

// Stopping says that the service is about to end.
func (n *Notifier) Stopping(status string) error { return n.send("STOPPING=1", "STATUS="+status) }

// Reloading says that the service reads its configuration again. Ready must
// follow.
func (n *Notifier) Reloading() error {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return fmt.Errorf("sdnotify: %w", err)
	}
	return n.send("RELOADING=1", "MONOTONIC_USEC="+strconv.FormatInt(now.Nano()/1000, 10))
}

// send sends one datagram. The socket is opened for each: the manager may have
// been executed anew in between.
func (n *Notifier) send(lines ...string) error {
	if n == nil {
		return nil
	}
	for i, l := range lines {
		lines[i] = strings.NewReplacer("\n", " ", "\r", " ", "\x00", " ").Replace(l)
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: n.socket, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("sdnotify: %w", err)
	}
	defer conn.Close()
	if err := conn.SetWriteDeadline(time.Now().Add(sendTimeout)); err != nil {
		return fmt.Errorf("sdnotify: %w", err)
	}
	if _, err := conn.Write([]byte(strings.Join(lines, "\n"))); err != nil {
		return fmt.Errorf("sdnotify: %w", err)
	}
	return nil
}
