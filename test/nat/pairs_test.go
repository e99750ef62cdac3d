package nat

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/test/netlab"
)

func init() { roles["node"], roles["viewer"] = nodeRole, viewerRole }

// line is what the sides of a session and the test tell each other, one JSON
// object a line: the signalling, which is no part of these tests.
type line struct {
	Servers []session.ICEServer `json:",omitempty"`
	WaitMS  int                 `json:",omitempty"`
	CA      string              `json:",omitempty"` // PEM, of TURN servers with TLS
	ICETCP  bool                `json:",omitempty"`
	MDNS    session.MDNSMode    `json:",omitempty"`

	SDP       string `json:",omitempty"` // offer or answer
	Candidate string `json:",omitempty"`
	// What a side reports.
	Ready     bool              `json:",omitempty"`
	Connected bool              `json:",omitempty"`
	TookMS    int64             `json:",omitempty"`
	Pair      string            `json:",omitempty"`
	Frames    int               `json:",omitempty"`
	Ended     string            `json:",omitempty"`
	Failures  []session.Failure `json:",omitempty"`
	Restart   *session.LocalICE `json:",omitempty"`
	Offered   []string          `json:",omitempty"`
	Ask       string            `json:",omitempty"` // "frames", "restart", "network"
}

var outMu sync.Mutex

func tell(l line) {
	outMu.Lock()
	defer outMu.Unlock()
	b, err := json.Marshal(l)
	if err == nil {
		_, _ = os.Stdout.Write(append(b, '\n'))
	}
}

// lines reads standard input until it ends.
func lines(f func(line) error) error {
	in := bufio.NewReader(os.Stdin)
	for {
		b, err := in.ReadBytes('\n')
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		var l line
		if err := json.Unmarshal(b, &l); err != nil {
			return err
		}
		if err := f(l); err != nil {
			return err
		}
	}
}

// nodeRole is a node's session manager that sends a picture of a few packets.
func nodeRole() error {
	var m *session.Manager
	var v *session.Viewer
	stop := make(chan struct{})
	var playing sync.WaitGroup
	defer func() {
		close(stop)
		playing.Wait()
		if m != nil {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			_ = m.Close(ctx)
		}
	}()
	return lines(func(l line) error {
		switch {
		case m == nil:
			cfg := session.Defaults()
			cfg.ICEServers, cfg.GatherWait, cfg.ICETCP = l.Servers, time.Duration(l.WaitMS)*time.Millisecond, l.ICETCP
			cfg.MDNS = l.MDNS
			cfg.ConnectTimeout, cfg.TURNRoots = 12*time.Second, roots(l.CA)
			var err error
			if m, err = session.New(cfg, session.Hooks{
				ConnectionFailed: func(f session.Failure) { tell(line{Failures: []session.Failure{f}}) },
				NetworkChanged:   func(*session.Manager) { tell(line{Ask: "network"}) },
			}, nil); err != nil {
				return err
			}
			playing.Go(func() { play(m, stop) })
			if len(l.Servers) > 0 {
				deadline := time.Now().Add(3 * time.Second)
				for len(m.PublicAddresses()) == 0 && time.Now().Before(deadline) {
					time.Sleep(10 * time.Millisecond)
				}
			}
			tell(line{Ready: true})
		case l.SDP != "":
			var answer string
			var err error
			if v, answer, err = m.Answer(context.Background(), l.SDP, session.Grant{Subject: "lab", View: true}); err != nil {
				return err
			}
			tell(line{SDP: answer})
		case l.Restart != nil && v != nil:
			own, err := v.Restart(context.Background(), l.Restart.Ufrag, l.Restart.Pwd, l.Restart.Candidates)
			tell(line{Restart: &own})
			return err
		case l.Candidate != "" && v != nil:
			return v.AddCandidate(l.Candidate)
		}
		return nil
	})
}

func play(m *session.Manager, stop <-chan struct{}) {
	tick := time.NewTicker(33 * time.Millisecond)
	defer tick.Stop()
	for n := uint64(0); ; n++ {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		f := &media.EncodedVideo{Data: bytes.Repeat([]byte{byte(n) | 1}, 3000), CapturedAt: time.Now()}
		if f.Key = n%30 == 0; f.Key {
			copy(f.Data, []byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 64, 0})
		}
		m.WriteVideo(f)
	}
}

// viewerRole is the calling side.
func viewerRole() error {
	var call *session.Call
	began := time.Now()
	var packets atomic.Int64
	defer func() {
		if call != nil {
			call.Close()
		}
	}()
	return lines(func(l line) error {
		switch {
		case call == nil:
		case l.Ask == "die":
			os.Exit(0) // as if its power were cut
		case l.Ask == "frames":
			tell(line{Frames: int(packets.Load())})
			return nil
		case l.Ask == "restart":
			own, err := call.Restart(context.Background())
			tell(line{Restart: &own})
			return err
		case l.Restart != nil:
			return call.Restarted(*l.Restart)
		default:
			began = time.Now()
			return call.Accept(l.SDP)
		}
		hooks := session.CallHooks{
			Connected: func() {
				took := time.Since(began).Milliseconds()
				tell(line{Connected: true, TookMS: took, Pair: call.Info().Path})
			},
			Video: func(session.VideoPacket) {
				if n := packets.Add(1); n == 30 {
					tell(line{Frames: int(n)})
				}
			},
			Candidate: func(c string) { tell(line{Candidate: c}) },
		}
		var err error
		if call, err = session.NewCall(session.CallConfig{Video: true, ICEServers: l.Servers, TURNRoots: roots(l.CA)}, hooks, nil); err != nil {
			return err
		}
		go func() {
			<-call.Done()
			tell(line{Ended: call.Reason()})
		}()
		offer, err := call.Offer(context.Background())
		if err != nil {
			return err
		}
		tell(line{SDP: offer})
		return nil
	})
}

// side is a running role.
type side struct {
	t    *testing.T
	in   io.WriteCloser
	got  chan line
	name string
}

func startSide(t *testing.T, l *netlab.NATLab, at netlab.Place, name string) *side {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := l.Command(ctx, at, os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"="+name)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &side{t, in, make(chan line, 256), name}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(s.got)
		r := bufio.NewReader(out)
		for {
			b, err := r.ReadBytes('\n')
			if err != nil {
				return
			}
			var x line
			if json.Unmarshal(b, &x) == nil {
				s.got <- x
			}
		}
	}()
	t.Cleanup(func() { s.end(cmd, cancel, done, &stderr) })
	return s
}

func (s *side) end(cmd *exec.Cmd, cancel context.CancelFunc, done <-chan struct{}, stderr *bytes.Buffer) {
	_ = s.in.Close()
	timer := time.AfterFunc(15*time.Second, cancel)
	<-done
	err := cmd.Wait()
	timer.Stop()
	cancel()
	if err != nil {
		s.t.Errorf("%s: %v: %s", s.name, err, stderr.String())
	}
}

func (s *side) tell(l line) {
	s.t.Helper()
	b, err := json.Marshal(l)
	if err == nil {
		_, err = s.in.Write(append(b, '\n'))
	}
	if err != nil {
		s.t.Fatalf("%s: %v", s.name, err)
	}
}

// wait returns the first line that ok likes, or fails.
func (s *side) wait(what string, within time.Duration, ok func(line) bool) line {
	s.t.Helper()
	deadline := time.After(within)
	for {
		select {
		case l, open := <-s.got:
			if !open {
				s.t.Fatalf("%s has ended before: %s", s.name, what)
			}
			if ok(l) {
				return l
			}
		case <-deadline:
			s.t.Fatalf("%s: not within %v: %s", s.name, within, what)
		}
	}
}

// connect makes a session between a node at A and a viewer at B, and returns how
// it went: connected or the node's failure.
func connect(t *testing.T, l *netlab.NATLab, node, viewer []session.ICEServer, relayWaitMS int) (line, *session.Failure) {
	t.Helper()
	return connectTrusting(t, l, node, viewer, relayWaitMS, "")
}

// connectTrusting is connect with TURN servers whose authority is ca.
func connectTrusting(t *testing.T, l *netlab.NATLab, node, viewer []session.ICEServer, relayWaitMS int, ca string) (line, *session.Failure) {
	t.Helper()
	n, v := startSide(t, l, netlab.HostA, "node"), startSide(t, l, netlab.HostB, "viewer")
	n.tell(line{Servers: node, WaitMS: relayWaitMS, ICETCP: true, CA: ca})
	n.wait("ready", 20*time.Second, func(x line) bool { return x.Ready })
	v.tell(line{Servers: viewer, CA: ca})
	offer := v.wait("offer", 20*time.Second, func(x line) bool { return x.SDP != "" })
	n.tell(line{SDP: offer.SDP})
	answer := n.wait("answer", 20*time.Second, func(x line) bool { return x.SDP != "" })
	v.tell(line{SDP: answer.SDP})
	var connected line
	frames := false
	deadline := time.After(30 * time.Second)
	for {
		select {
		case x := <-v.got:
			switch {
			case x.Candidate != "":
				n.tell(line{Candidate: x.Candidate})
			case x.Connected:
				connected = x
			case x.Frames > 0:
				frames = true
			}
			if connected.Connected && frames {
				return connected, nil
			}
		case x := <-n.got:
			if len(x.Failures) > 0 {
				return connected, &x.Failures[0]
			}
		case <-deadline:
			t.Fatalf("neither connected nor failed: %+v, frames %v", connected, frames)
		}
	}
}

var (
	stunServer = session.ICEServer{URLs: []string{"stun:" + netlab.InternetAddr + ":3478"}}
	turnUDP    = session.ICEServer{URLs: []string{"turn:" + netlab.InternetAddr + ":3478?transport=udp"}, Secret: turnSecret}
	turnTCP    = session.ICEServer{URLs: []string{"turn:" + netlab.InternetAddr + ":3478?transport=tcp"}, Secret: turnSecret}
)

// concrete makes the credentials that a node would tell a viewer.
func concrete(t *testing.T, servers ...session.ICEServer) []session.ICEServer {
	t.Helper()
	cfg := session.Defaults()
	cfg.UDPPort, cfg.Loopback, cfg.ICETCP, cfg.ICEServers = 0, true, false, servers
	m, err := session.New(cfg, session.Hooks{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close(context.Background()) }()
	return m.ICEServers(session.Grant{Subject: "viewer"})
}

// TestPairs connects a node and a viewer across pairs of NATs, through a relay,
// with credentials made of the server's secret, where nothing else is possible:
// the hard pairs, or with EDGECAM_NAT_PAIRS=all every one.
func TestPairs(t *testing.T) {
	kinds := []netlab.NAT{netlab.NoNAT, netlab.FullCone, netlab.Restricted, netlab.PortRestricted, netlab.Symmetric, netlab.NoUDP}
	long := os.Getenv("EDGECAM_NAT_PAIRS") == "all"
	for _, a := range kinds {
		for _, b := range kinds {
			hard := (a == netlab.Symmetric || a == netlab.NoUDP) && (b == netlab.Symmetric || b == netlab.NoUDP)
			if !long && !hard && (a != netlab.PortRestricted || b != netlab.PortRestricted) {
				continue
			}
			t.Run(fmt.Sprintf("%s to %s", a, b), func(t *testing.T) {
				l := lab(t, a, b)
				if err := l.WithoutIPv6(); err != nil {
					t.Fatal(err)
				}
				coturn(t, l, "--use-auth-secret", "--static-auth-secret="+turnSecret)
				node, viewer := []session.ICEServer{stunServer, turnUDP, turnTCP}, concrete(t, stunServer, turnUDP, turnTCP)
				got, failure := connect(t, l, node, viewer, 1000)
				if failure != nil {
					t.Fatalf("%s: %s: %+v", failure.Reason, failure.Verdict(), failure.Pairs)
				}
				relayed := strings.Contains(got.Pair, "relay")
				needed := a == netlab.NoUDP || b == netlab.NoUDP || a == netlab.Symmetric && (b == netlab.Symmetric || b == netlab.PortRestricted) || b == netlab.Symmetric && a == netlab.PortRestricted
				t.Logf("PAIR | %s | %s | %d ms | %s |", a, b, got.TookMS, got.Pair)
				if needed && a != netlab.NoNAT && b != netlab.NoNAT && !relayed {
					t.Errorf("connected by %s, which cannot be", got.Pair)
				}
			})
		}
	}
}

// TestIPv6: where both have it no NAT is in the way.
func TestIPv6(t *testing.T) {
	l := lab(t, netlab.Symmetric, netlab.Symmetric)
	got, failure := connect(t, l, nil, nil, 0)
	if failure != nil {
		t.Fatalf("%s: %+v", failure.Verdict(), failure.Pairs)
	}
	if got.Pair != "host/udp - host/udp" {
		t.Errorf("connected by %s", got.Pair)
	}
	t.Logf("%d ms", got.TookMS)
}

// TestWhyNot: without a relay two symmetric NATs keep apart, and the node says so.
func TestWhyNot(t *testing.T) {
	l := lab(t, netlab.Symmetric, netlab.Symmetric)
	if err := l.WithoutIPv6(); err != nil {
		t.Fatal(err)
	}
	coturn(t, l, "--no-auth")
	_, failure := connect(t, l, []session.ICEServer{stunServer}, []session.ICEServer{stunServer}, 0)
	if failure == nil {
		t.Fatal("connected")
	}
	if failure.PairCount == 0 || failure.Pairs[0].Sent == 0 || !strings.Contains(failure.Verdict(), "no check was answered") || failure.Connected {
		t.Errorf("%s: %+v", failure.Verdict(), failure)
	}
	t.Log(failure.Verdict())
}
