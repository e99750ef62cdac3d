package nat

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pion/mdns/v2"
	"golang.org/x/net/ipv4"

	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/test/netlab"
)

func init() { roles["responder"] = responderRole }

const (
	// hiddenName is what a browser gives in place of its address.
	hiddenName = "7b3a1c52-66d9-4f0e-8d0f-2f1a8c7e9b10.local"
	gatewayLAN = "10.71.0.1" // of the NAT, in the network of host A
)

// responderRole answers for hiddenName by multicast DNS, as the browser does.
func responderRole() error {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(224, 0, 0, 0), Port: 5353})
	if err != nil {
		return err
	}
	lan, err := net.InterfaceByName("lan")
	if err != nil {
		return err
	}
	conn, err := mdns.NewServer(ipv4.NewPacketConn(c), nil,
		mdns.WithInterfaces(*lan), mdns.WithLocalNames(hiddenName), mdns.WithLocalAddress(net.ParseIP(gatewayLAN)))
	if err != nil {
		return err
	}
	defer conn.Close()
	tell(line{Ready: true})
	return lines(func(line) error { return nil })
}

// hide leaves one candidate in an offer, with the name in place of its address.
func hide(t *testing.T, offer string) string {
	t.Helper()
	var out strings.Builder
	hidden := 0
	for l := range strings.Lines(offer) {
		if strings.HasPrefix(l, "a=candidate:") {
			if !strings.Contains(l, " "+gatewayLAN+" ") || hidden > 0 {
				continue
			}
			hidden++
			l = strings.Replace(l, " "+gatewayLAN+" ", " "+hiddenName+" ", 1)
		}
		out.WriteString(l)
	}
	if hidden != 1 {
		t.Fatalf("no candidate with %s in %s", gatewayLAN, offer)
	}
	return out.String()
}

// TestMDNSCandidate: a viewer tells a name in place of its address, and does not
// learn the node's, so that only a node that looks the name up finds a way. Then the
// viewer dies without a word, and the node notices by its silence (RFC 7675).
func TestMDNSCandidate(t *testing.T) {
	for _, mode := range []session.MDNSMode{session.MDNSQuery, session.MDNSOff} {
		t.Run(string(mode), func(t *testing.T) {
			l := lab(t, netlab.NoNAT, netlab.NoNAT)
			if err := l.WithoutIPv6(); err != nil {
				t.Fatal(err)
			}
			names := startSide(t, l, netlab.NATA, "responder")
			names.wait("ready", 10*time.Second, func(x line) bool { return x.Ready })
			n, v := startSide(t, l, netlab.HostA, "node"), startSide(t, l, netlab.NATA, "viewer")
			n.tell(line{MDNS: mode})
			n.wait("ready", 20*time.Second, func(x line) bool { return x.Ready })
			v.tell(line{})
			offer := v.wait("offer", 20*time.Second, func(x line) bool { return x.SDP != "" })
			began := time.Now()
			n.tell(line{SDP: hide(t, offer.SDP)})
			answer := n.wait("answer", 20*time.Second, func(x line) bool { return x.SDP != "" })
			v.tell(line{SDP: netlab.StripCandidates(answer.SDP)})
			if mode == session.MDNSOff {
				f := n.wait("failure", 25*time.Second, func(x line) bool { return len(x.Failures) > 0 })
				if f.Failures[0].Connected {
					t.Error("the node has found a way without a name or an address")
				}
				return
			}
			got := v.wait("connection", 20*time.Second, func(x line) bool { return x.Connected })
			t.Logf("connected after %v by %s", time.Since(began).Round(time.Millisecond), got.Pair)
			v.wait("frames", 20*time.Second, func(x line) bool { return x.Frames > 0 })
			v.tell(line{Ask: "die"})
			died := time.Now()
			f := n.wait("end of the dead viewer", 40*time.Second, func(x line) bool { return len(x.Failures) > 0 })
			took := time.Since(died)
			t.Logf("%q %v after the viewer had died", f.Failures[0].Reason, took.Round(time.Millisecond))
			// RFC 7675 section 5.1: consent expires after 30 s at the latest.
			if !f.Failures[0].Connected || took > 30*time.Second {
				t.Errorf("%+v after %v", f.Failures[0], took)
			}
		})
	}
}
