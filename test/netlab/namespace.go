package netlab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// Namespaces are two machines that reach each other through a third alone: each
// is a network namespace of Linux, joined by pairs of virtual Ethernet. What runs
// in the middle decides what gets through; nothing is forwarded by the kernel. It
// takes root, and the command ip.
type Namespaces struct {
	prefix string
}

// Side is one of the namespaces.
type Side string

// The sides.
const (
	Left   Side = "left"
	Middle Side = "middle"
	Right  Side = "right"
)

// Addresses of the sides; the middle has one towards each.
const (
	LeftAddr        = "10.73.1.2"
	MiddleLeftAddr  = "10.73.1.1"
	MiddleRightAddr = "10.73.2.1"
	RightAddr       = "10.73.2.2"
)

// ErrNamespaces says that namespaces cannot be made here.
var ErrNamespaces = errors.New("netlab: network namespaces need root and the command ip")

// NewNamespaces makes the three; Close removes them.
func NewNamespaces(ctx context.Context) (*Namespaces, error) {
	if _, err := exec.LookPath("ip"); err != nil || os.Geteuid() != 0 {
		return nil, ErrNamespaces
	}
	n := &Namespaces{prefix: "edgecam" + strconv.Itoa(os.Getpid()) + "-"}
	left, middle, right := n.name(Left), n.name(Middle), n.name(Right)
	for _, line := range []string{
		"netns add " + left, "netns add " + middle, "netns add " + right,
		"-n " + left + " link set lo up", "-n " + middle + " link set lo up", "-n " + right + " link set lo up",
		"-n " + left + " link add eth0 type veth peer name left netns " + middle,
		"-n " + right + " link add eth0 type veth peer name right netns " + middle,
		"-n " + left + " addr add " + LeftAddr + "/24 dev eth0", "-n " + left + " link set eth0 up",
		"-n " + right + " addr add " + RightAddr + "/24 dev eth0", "-n " + right + " link set eth0 up",
		"-n " + middle + " addr add " + MiddleLeftAddr + "/24 dev left", "-n " + middle + " link set left up",
		"-n " + middle + " addr add " + MiddleRightAddr + "/24 dev right", "-n " + middle + " link set right up",
	} {
		if out, err := exec.CommandContext(ctx, "ip", strings.Fields(line)...).CombinedOutput(); err != nil {
			_ = n.Close()
			return nil, fmt.Errorf("%w: ip %s: %w: %s", ErrNamespaces, line, err, strings.TrimSpace(string(out)))
		}
	}
	return n, nil
}

func (n *Namespaces) name(s Side) string { return n.prefix + string(s) }

// Command returns a command that will run on a side.
func (n *Namespaces) Command(ctx context.Context, s Side, name string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", n.name(s), name}, args...)...)
}

// Close removes the namespaces. What runs in them must have ended.
func (n *Namespaces) Close() error {
	var err error
	for _, s := range []Side{Left, Middle, Right} {
		if out, e := exec.Command("ip", "netns", "del", n.name(s)).CombinedOutput(); e != nil {
			err = errors.Join(err, fmt.Errorf("netlab: remove namespace: %w: %s", e, strings.TrimSpace(string(out))))
		}
	}
	return err
}
