package app

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/doctor"
	"github.com/edgecam/edgecam/engine/session/nat"
	"github.com/edgecam/edgecam/internal/durable"
)

const (
	// networkTick is how often failures and addresses are looked at, natEvery how
	// often the NAT is while nothing changes.
	networkTick = 5 * time.Second
	natEvery    = 6 * time.Hour
)

// network finds out, while the node runs, what stands between it and the internet,
// and keeps on disk which connections have failed, for the command doctor.
func (n *node) network(ctx context.Context) error {
	var servers []string
	for _, s := range n.cfg.WebRTC.ICEServers {
		servers = append(servers, s.URLs...)
	}
	tick := time.NewTicker(networkTick)
	defer tick.Stop()
	var looked, stored time.Time
	var before []string
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if failures := n.engine.Sessions().Failures(); len(failures) > 0 && failures[0].At.After(stored) {
			stored = failures[0].At
			n.storeFailures(failures)
		}
		if now := addresses(); len(servers) > 0 && (time.Since(looked) > natEvery || !reflect.DeepEqual(now, before)) {
			looked, before = time.Now(), now
			n.discover(ctx, servers)
		}
	}
}

func (n *node) discover(ctx context.Context, servers []string) {
	r, err := nat.Discover(ctx, nat.Config{Servers: servers})
	if err != nil {
		n.log.Debug("NAT not examined", "error", err)
		return
	}
	n.nat.Store(r)
	if f := r.IPv4; f != nil {
		n.log.Info("network examined", "kind", f.Kind(), "public", f.Public.Addr().String(), "mapping", string(f.Mapping), "filtering", string(f.Filtering))
	}
}

// storeFailures keeps what failed where doctor finds it.
func (n *node) storeFailures(failures any) {
	if n.o.Dev || n.cfg.StateDir == "" {
		return
	}
	data, err := json.Marshal(failures)
	if err == nil {
		var d *durable.Dir
		if d, err = durable.OpenDir(n.cfg.StateDir); err == nil {
			err = durable.Replace(d, doctor.FailuresFile, data)
		}
	}
	if err != nil {
		n.log.Warn("failed connections not stored", "error", err)
	}
}

// addresses lists this machine's addresses but loopback's.
func addresses() []string {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var out []string
	for _, a := range all {
		if s := a.String(); !strings.HasPrefix(s, "127.") && s != "::1/128" {
			out = append(out, s)
		}
	}
	return out
}

// netFigures is what of the network goes into telemetry and status, nil while it
// is not known.
func (n *node) netFigures() map[string]any {
	r := n.nat.Load()
	if r == nil {
		return nil
	}
	out := map[string]any{}
	for name, f := range map[string]*nat.Family{"ipv4": r.IPv4, "ipv6": r.IPv6} {
		if f == nil {
			continue
		}
		v := map[string]any{"kind": f.Kind(), "udp": f.UDP, "mapping": f.Mapping, "filtering": f.Filtering}
		if f.Public.IsValid() {
			v["public"] = f.Public.Addr()
		}
		out[name] = v
	}
	return out
}

// turnRoots reads the authorities of TURN servers; without a file they are the
// system's.
func turnRoots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("app: webrtc.turn_ca_file: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("app: webrtc.turn_ca_file: %s holds no certificate in PEM", file)
	}
	return pool, nil
}
