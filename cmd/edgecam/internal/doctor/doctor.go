// Package doctor looks for what keeps a node from working and says how to mend
// it: permissions, groups, busy devices, missing drivers, ports in use, the
// clock, disk and temperature. It reads files below a root folder, so that its
// tests can show it the /sys and /proc of other machines, and changes nothing.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
	"github.com/edgecam/edgecam/engine/session/nat"
	"github.com/edgecam/edgecam/hal"
)

// Inventory is what the drivers found.
type Inventory struct {
	Cameras []hal.CameraInfo `json:"cameras"`
	Cards   []hal.CardInfo   `json:"cards"`
	Chips   []hal.ChipInfo   `json:"chips"`
}

// Status is how a check ended, in rising severity.
type Status uint8

// The outcomes.
const (
	OK      Status = iota
	Note           // worth knowing, nothing to mend
	Warning        // works, but not as it should
	Failure        // keeps something from working
)

var statusNames = [...]string{"ok", "note", "warning", "failure"}

// String returns the status in lower case.
func (s Status) String() string { return statusNames[s] }

// MarshalText writes the status in lower case.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Check is one finding.
type Check struct {
	Name    string `json:"name"` // "camera", "ports", …
	Status  Status `json:"status"`
	Summary string `json:"summary"`
	Remedy  string `json:"remedy,omitempty"` // what to do; a command where there is one
}

// Report is the list of findings.
type Report struct {
	Status Status  `json:"status"` // the worst
	Checks []Check `json:"checks"`
}

func (r *Report) add(name string, s Status, remedy, format string, args ...any) {
	r.Checks = append(r.Checks, Check{name, s, fmt.Sprintf(format, args...), remedy})
	r.Status = max(r.Status, s)
}

// System is the machine as the checks see it. Local returns the real one;
// tests make others.
type System struct {
	Root     string // "/" on the real machine
	UID      int
	GIDs     []int // with the supplementary ones
	User     string
	Self     int // own process ID
	CPUs     int
	Now      func() time.Time
	ClockSet func() (synchronised bool, err error)
	// DiskFree returns the bytes that a normal user may still write at path.
	DiskFree func(path string) (uint64, error)
	// Bind tries to listen on "tcp" or "udp" and closes again.
	Bind func(network, addr string) error
	// Discover asks STUN servers what stands between this machine and them.
	Discover func(ctx context.Context, servers []string) (*nat.Report, error)
}

// Subject is the node that is looked at.
type Subject struct {
	Config    *config.Config // defaults if the configuration is bad
	Path      string         // of the configuration file, "" if none
	ConfigErr error          // why the configuration is bad
	Warnings  config.Problems
	// StateDir is the folder in use; StateErr says why there is none.
	StateDir  string
	StateErr  error
	Inventory *Inventory // nil if this build cannot ask its drivers
	DriverErr error      // why the drivers could not be asked, or not all
	// Board is the board's name if somebody says it, else it is recognised.
	Board string
}

// Run makes every check.
func Run(ctx context.Context, sys System, s Subject) Report {
	if s.Config == nil {
		s.Config = config.Defaults()
	}
	r := &Report{}
	checkConfig(r, s)
	checkState(r, sys, s)
	board := checkBoard(r, sys, s)
	holders := sys.holders(ctx)
	checkCameras(r, sys, s, holders, board)
	checkSound(r, sys, s, holders)
	checkLines(r, sys, s)
	checkPorts(r, sys, s, holders)
	checkNetwork(ctx, r, sys, s)
	checkClock(r, sys)
	checkHeat(r, sys, board.Thermal)
	checkProcessor(r, sys)
	return *r
}

func checkConfig(r *Report, s Subject) {
	var problems config.Problems
	switch {
	case errors.As(s.ConfigErr, &problems):
		for _, p := range problems {
			r.add("config", Failure, "correct the file; 'edgecam config schema' describes every key", "%s", p)
		}
	case s.ConfigErr != nil:
		r.add("config", Failure, "make the file readable or name another with --config", "%v", s.ConfigErr)
	case s.Path == "":
		r.add("config", OK, "", "no file at %s, defaults are used", config.DefaultPath)
	default:
		r.add("config", OK, "", "%s is good", s.Path)
	}
	for _, w := range s.Warnings {
		r.add("config", Warning, "remove or rename the variable", "%s", w)
	}
}

const megabyte = 1 << 20

func checkState(r *Report, sys System, s Subject) {
	if s.StateErr != nil {
		r.add("state", Failure, "set state_dir to a folder that this user may write, or run as the service's user", "%v", s.StateErr)
		return
	}
	if info, err := os.Stat(s.StateDir); err == nil && info.Mode().Perm()&0o077 != 0 {
		r.add("state", Warning, "chmod 700 "+s.StateDir, "%s can be read by others (mode %04o)", s.StateDir, info.Mode().Perm())
	} else {
		r.add("state", OK, "", "%s can be written", s.StateDir)
	}
	free, err := sys.DiskFree(s.StateDir)
	switch {
	case err != nil:
		r.add("disk", Warning, "", "free space of %s is not known: %v", s.StateDir, err)
	case free < 8*megabyte:
		r.add("disk", Failure, "free some space: settings can no longer be stored", "%d MB left at %s", free/megabyte, s.StateDir)
	case free < 100*megabyte:
		r.add("disk", Warning, "free some space soon", "%d MB left at %s", free/megabyte, s.StateDir)
	default:
		r.add("disk", OK, "", "%d MB free at %s", free/megabyte, s.StateDir)
	}
}

func checkPorts(r *Report, sys System, s Subject, h holders) {
	port := func(setting, network, addr string) {
		err := sys.Bind(network, addr)
		switch {
		case err == nil:
			r.add("ports", OK, "", "%s %s is free", network, addr)
		case h.running != 0:
			r.add("ports", Note, "", "%s %s is in use; edgecam runs already (process %d)", network, addr, h.running)
		default:
			r.add("ports", Failure, fmt.Sprintf("stop the other program (ss -lnp shows it) or set %s", setting), "%s %s cannot be used: %v", network, addr, err)
		}
	}
	if a := s.Config.HTTP.Listen; a != "" {
		port("http.listen", "tcp", a)
	}
	if a := s.Config.HTTP.HTTPSListen; a != "" {
		port("http.https_listen", "tcp", a)
	}
	if p := s.Config.WebRTC.UDPPort; p != 0 {
		addr := net.JoinHostPort("", fmt.Sprint(p))
		port("webrtc.udp_port", "udp", addr)
		if s.Config.WebRTC.ICETCP {
			port("webrtc.udp_port", "tcp", addr)
		}
	}
}

func checkClock(r *Report, sys System) {
	synced, err := sys.ClockSet()
	switch {
	case sys.Now().Year() < 2026:
		r.add("clock", Failure, "set the clock: sudo timedatectl set-ntp true", "the clock says %s; certificates and tokens cannot be checked", sys.Now().Format(time.DateOnly))
	case err != nil:
		r.add("clock", Note, "", "whether the clock is synchronised is not known: %v", err)
	case !synced:
		r.add("clock", Warning, "sudo timedatectl set-ntp true", "the clock is not synchronised; expiries of tokens and times in logs may be wrong")
	default:
		r.add("clock", OK, "", "synchronised")
	}
}

// Print writes the report for people: what is wrong, and below it what to do.
func (r Report) Print(w io.Writer) error {
	var b strings.Builder
	for _, c := range r.Checks {
		fmt.Fprintf(&b, "%-8s %-10s %s\n", strings.ToUpper(c.Status.String()), c.Name, c.Summary)
		if c.Remedy != "" && c.Status > OK {
			fmt.Fprintf(&b, "%19s → %s\n", "", c.Remedy)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
