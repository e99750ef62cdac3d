package app

import (
	"context"
	"fmt"
	"time"
)

// statusEvery is how often the line for people is made anew when no watchdog
// asks for a sign of life more often.
const statusEvery = 5 * time.Second

// supervised tells the service manager that the node serves, and feeds its
// watchdog for as long as nothing in the engine stands still. It is the
// manager who ends a node that hangs: whatever blocks in a driver cannot be
// ended from inside.
func (n *node) supervised(ctx context.Context) error {
	notify := n.o.Notify
	if notify == nil {
		<-ctx.Done()
		return nil
	}
	status := n.statusLine()
	n.notified(notify.Ready(status))
	every := statusEvery
	if w := notify.WatchdogInterval(); w > 0 {
		every = min(every, w/3)
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	ill := false
	for {
		if err := n.engine.Health(); err == nil {
			n.notified(notify.Watchdog())
			ill = false
		} else if !ill {
			ill = true
			n.log.Error("the engine stands still, the service manager will start the node anew", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if line := n.statusLine(); line != status {
			status = line
			n.notified(notify.Status(line))
		}
	}
}

// notified reports a manager that cannot be reached, once.
func (n *node) notified(err error) {
	if err != nil && !n.mute.Swap(true) {
		n.log.Warn("the service manager cannot be told", "error", err)
	}
}

// statusLine says in a line what the node does.
func (n *node) statusLine() string {
	camera := "camera idle"
	switch c := n.engine.Camera(); {
	case c.Err != "":
		camera = "no camera: " + c.Err
	case c.Streaming:
		camera = "camera " + n.devices.camera() + " " + c.Mode
	}
	return fmt.Sprintf("%d viewers, %s", n.engine.Sessions().Stats().Connected, camera)
}
