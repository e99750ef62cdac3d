package session

import (
	"cmp"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/pion/webrtc/v4"
)

const (
	// maxFailures and maxTried bound what is remembered of sessions that failed.
	maxFailures, maxTried = 16, 24
)

// TriedPair is a candidate pair that was tried for a session.
type TriedPair struct {
	// Local and Remote are like "host udp 192.0.2.1:8555".
	Local  string `json:"local"`
	Remote string `json:"remote"`
	// State is that of RFC 8445 section 6.1.2.6.
	State string `json:"state"`
	// Sent and Answered count the node's connectivity checks and the answers to
	// them, Heard the viewer's own checks that arrived.
	Sent     uint64 `json:"checks_sent"`
	Answered uint64 `json:"answers"`
	Heard    uint64 `json:"checks_heard"`
}

// Failure is why a session did not connect, or lost its connection.
type Failure struct {
	At      time.Time `json:"at"`
	Viewer  ViewerID  `json:"viewer"`
	Subject string    `json:"subject,omitempty"`
	Reason  string    `json:"reason"`
	// Connected says that media has flowed.
	Connected bool        `json:"was_connected"`
	Pairs     []TriedPair `json:"pairs"`
	// PairCount is larger than the number of Pairs if there were too many.
	PairCount int `json:"pair_count"`
}

// Verdict says in one sentence what the pairs tell.
func (f *Failure) Verdict() string {
	var sent, answered, heard uint64
	for _, p := range f.Pairs {
		sent, answered, heard = sent+p.Sent, answered+p.Answered, heard+p.Heard
	}
	switch {
	case f.Connected:
		return "media has flowed and then nothing more was heard of the viewer: its network changed or it was switched off"
	case f.PairCount == 0:
		return "the viewer named no address that this node could try, and did not try this node's: are both in one network, or is a STUN or TURN server set (webrtc.ice_servers)?"
	case answered > 0:
		return "connectivity checks were answered, and then the path fell silent"
	case heard > 0:
		return "the viewer's checks arrive here, and nothing comes of the answers: a firewall on the way lets traffic through in one direction alone"
	case sent > 0:
		return "no check was answered and none arrived: NATs or firewalls drop UDP between the two; a TURN server helps ('edgecam nat' tells what this side does)"
	}
	return "no check could be sent: this node has no route to the viewer's addresses"
}

// Failures returns the sessions that failed last, the newest first.
func (m *Manager) Failures() []Failure {
	m.failMu.Lock()
	defer m.failMu.Unlock()
	out := slices.Clone(m.failures)
	slices.Reverse(out)
	return out
}

// failed remembers a session that failed.
func (m *Manager) failed(f Failure) {
	m.failMu.Lock()
	if len(m.failures) == maxFailures {
		m.failures = append(m.failures[:0], m.failures[1:]...)
	}
	m.failures = append(m.failures, f)
	m.failMu.Unlock()
	m.log.Warn("viewer's connection failed", "viewer", string(f.Viewer), "reason", f.Reason, "pairs", f.PairCount, "verdict", f.Verdict())
	if m.hooks.ConnectionFailed != nil {
		m.hooks.ConnectionFailed(f)
	}
}

// failure collects what was tried for a session, while its connection is there.
func (v *Viewer) failure(reason string, connected bool) Failure {
	f := Failure{At: time.Now(), Viewer: v.id, Subject: v.grant.Subject, Reason: reason, Connected: connected}
	f.Pairs = triedPairs(v.pc.GetStats())
	f.PairCount = len(f.Pairs)
	if len(f.Pairs) > maxTried {
		f.Pairs = f.Pairs[:maxTried]
	}
	return f
}

// triedPairs reads the pairs out of a report, those with traffic first.
func triedPairs(report webrtc.StatsReport) []TriedPair {
	candidates := map[string]string{}
	for _, s := range report {
		if c, ok := s.(webrtc.ICECandidateStats); ok {
			candidates[c.ID] = c.CandidateType.String() + " " + c.Protocol + " " + net.JoinHostPort(c.IP, strconv.Itoa(int(c.Port)))
		}
	}
	var out []TriedPair
	for _, s := range report {
		if p, ok := s.(webrtc.ICECandidatePairStats); ok {
			out = append(out, TriedPair{
				Local: candidates[p.LocalCandidateID], Remote: candidates[p.RemoteCandidateID], State: string(p.State),
				Sent: p.RequestsSent, Answered: p.ResponsesReceived, Heard: p.RequestsReceived,
			})
		}
	}
	slices.SortFunc(out, func(a, b TriedPair) int {
		return cmp.Or(cmp.Compare(b.Answered+b.Heard, a.Answered+a.Heard), cmp.Compare(b.Sent, a.Sent), cmp.Compare(a.Local, b.Local), cmp.Compare(a.Remote, b.Remote))
	})
	return out
}
