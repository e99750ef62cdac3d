package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/engine/session/nat"
)

// FailuresFile is the file in the state folder where a node keeps the connections
// that have failed, a JSON array of session.Failure, the newest first.
const FailuresFile = "connections.json"

const (
	// recent is how old a failed connection may be to be told.
	recent = 7 * 24 * time.Hour
	// told is how many are.
	told = 3
)

// checkNetwork asks the STUN servers, and tells why viewers could not connect.
func checkNetwork(ctx context.Context, r *Report, sys System, s Subject) {
	var servers []string
	relay := false
	for _, server := range s.Config.WebRTC.ICEServers {
		for _, u := range server.URLs {
			servers = append(servers, u)
			relay = relay || strings.HasPrefix(u, "turn")
		}
	}
	if len(servers) == 0 {
		r.add("network", OK, "", "no STUN or TURN server is set (webrtc.ice_servers): viewers connect from this network, and from outside by a port forwarding with webrtc.public_ips")
	} else if found, err := sys.Discover(ctx, servers); err != nil {
		r.add("network", Warning, "set webrtc.ice_servers to servers that exist", "%v", err)
	} else {
		for name, f := range map[string]*nat.Family{"IPv4": found.IPv4, "IPv6": found.IPv6} {
			if f == nil || name == "IPv6" && f.UDP != nat.UDPWorks {
				continue
			}
			status := OK
			if k := f.Kind(); f.UDP != nat.UDPWorks || k == "symmetric NAT" && !relay {
				status = Warning
			}
			r.add("network", status, f.Advice(), "%s: %s", name, f.Kind())
		}
	}
	if s.StateDir == "" {
		return
	}
	data, err := os.ReadFile(filepath.Join(s.StateDir, FailuresFile))
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	var failures []session.Failure
	if err == nil {
		err = json.Unmarshal(data, &failures)
	}
	if err != nil {
		r.add("network", Note, "", "the record of failed connections cannot be read: %v", err)
		return
	}
	for i := range failures {
		f := &failures[i]
		if i == told || sys.Now().Sub(f.At) > recent {
			return
		}
		best := ""
		if len(f.Pairs) > 0 {
			p := f.Pairs[0]
			best = "; best pair " + p.Local + " to " + p.Remote
		}
		r.add("network", Note, f.Verdict(), "%s: a viewer's %s after %d candidate pairs%s", f.At.Local().Format("2006-01-02 15:04"), f.Reason, f.PairCount, best)
	}
}
