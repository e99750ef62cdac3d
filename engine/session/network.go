package session

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/edgecam/edgecam/engine/session/nat"
)

const (
	// lookEvery is how often the machine's addresses are looked at.
	lookEvery = time.Second
	// goneAfter is how long an address must be away before its sockets are
	// closed: one that is renewed comes back.
	goneAfter = 15 * time.Second
	// maxReflexive bounds the public addresses in an answer.
	maxReflexive = 4
)

// follow keeps the sockets in step with the machine's addresses until the context
// is done.
func (m *Manager) follow(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	gone := map[netip.Addr]time.Time{}
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			if m.refit(now, gone) {
				m.keeper.Refresh()
				m.dropSpare()
				if m.hooks.NetworkChanged != nil {
					m.hooks.NetworkChanged(m)
				}
			}
		}
	}
}

// refit opens and closes sockets as addresses have come and gone; gone says since
// when the latter are missing. It reports whether there is a new way to reach this
// machine, or one less.
func (m *Manager) refit(now time.Time, gone map[netip.Addr]time.Time) (changed bool) {
	there, err := localAddrs(m.cfg)
	if err != nil {
		there = nil // the last interface is down
	}
	open := m.sockets.udp.addrs()
	for _, a := range there {
		if slices.Contains(open, a) {
			if _, was := gone[a]; was {
				delete(gone, a)
				changed = true
			}
			continue
		}
		if err := m.sockets.bind(a); err != nil {
			m.log.Debug("address not usable yet", "address", a.String(), "error", err)
			continue
		}
		m.log.Info("network address came", "address", a.String())
		changed = true
	}
	for _, a := range open {
		if slices.Contains(there, a) {
			continue
		}
		since, was := gone[a]
		switch {
		case !was:
			gone[a] = now
			changed = true
			m.log.Info("network address is gone", "address", a.String())
		case now.Sub(since) > goneAfter:
			delete(gone, a)
			m.sockets.drop(a)
		}
	}
	return changed
}

// PublicAddresses returns the public addresses of the media port, as STUN servers
// see them.
func (m *Manager) PublicAddresses() []nat.Mapped { return m.keeper.Public() }

// withReflexive names the public addresses of the media port in a description of
// this node's: they are server-reflexive candidates whose base is a socket that
// the description names already, so ICE needs no more of them (RFC 8445 section
// 6.1.2.4 takes their pairs for the base's).
func withReflexive(description string, mapped []nat.Mapped) string {
	if len(mapped) == 0 {
		return description
	}
	var lines strings.Builder
	for i, p := range mapped[:min(len(mapped), maxReflexive)] {
		// RFC 8445 section 5.1.2.1, with the type preference of section 5.1.2.2.
		priority := 100<<24 | (65535-i)<<8 | 255
		fmt.Fprintf(&lines, "a=candidate:nat%d 1 udp %d %s %d typ srflx raddr %s rport %d\r\n",
			i, priority, p.Public.Addr(), p.Public.Port(), p.Local.Addr(), p.Local.Port())
	}
	var out strings.Builder
	inside := false // the candidates of a section
	for line := range strings.Lines(description) {
		is := strings.HasPrefix(line, "a=candidate:")
		if inside && !is {
			out.WriteString(lines.String())
		}
		inside = is
		out.WriteString(line)
	}
	if inside {
		out.WriteString(lines.String())
	}
	return out.String()
}
