package session

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

// LocalICE is one side's part in an ICE exchange (RFC 8839).
type LocalICE struct {
	// Ufrag and Pwd are the values of a=ice-ufrag and a=ice-pwd.
	Ufrag, Pwd string
	// Mid and MLine say which media section the candidates belong to; MLine is
	// the section's m-line, without "m=".
	Mid, MLine string
	// Candidates are values of a=candidate.
	Candidates []string
}

// RemoteUfrag returns the viewer's ICE user name fragment in use.
func (v *Viewer) RemoteUfrag() string {
	v.negotiate.Lock()
	defer v.negotiate.Unlock()
	return v.plan.find("ice-ufrag")
}

// find returns the first value of an attribute in the offer, session level
// first.
func (p *plan) find(key string) string {
	if val, ok := p.offer.Attribute(key); ok {
		return val
	}
	for _, md := range p.offer.MediaDescriptions {
		if val, ok := md.Attribute(key); ok {
			return val
		}
	}
	return ""
}

// AddCandidate adds a candidate of the viewer, the value of an a=candidate
// attribute (trickle ICE, RFC 8838). The empty string ends the candidates.
func (v *Viewer) AddCandidate(candidate string) error {
	v.negotiate.Lock()
	defer v.negotiate.Unlock()
	return v.addCandidate(candidate)
}

func (v *Viewer) addCandidate(candidate string) error {
	candidate = strings.TrimPrefix(strings.TrimSpace(candidate), "candidate:")
	if candidate == "" {
		return nil // nothing waits for the end
	}
	select {
	case <-v.done:
		return ErrClosed
	default:
	}
	if v.candidates >= maxCandidates {
		return bad("more than %d candidates", maxCandidates)
	}
	if _, err := ice.UnmarshalCandidate(candidate); err != nil {
		return bad("candidate: %v", err)
	}
	v.candidates++
	if err := v.pc.AddICECandidate(webrtc.ICECandidateInit{Candidate: candidate}); err != nil {
		return bad("candidate: %v", err)
	}
	return nil
}

// LocalICE returns the node's part of the exchange in force.
func (v *Viewer) LocalICE() (LocalICE, error) {
	d := v.pc.LocalDescription()
	if d == nil {
		return LocalICE{}, ErrClosed
	}
	return localICE(d.SDP)
}

// Restart restarts ICE with the viewer's new credentials and candidates (RFC
// 8445 section 9), and returns the node's new ones. Media goes on over the old
// path until the new one is there.
func (v *Viewer) Restart(ctx context.Context, ufrag, pwd string, candidates []string) (LocalICE, error) {
	// Bounds of RFC 8839 section 5.4; the characters keep the SDP whole.
	if !iceChars(ufrag, 4) || !iceChars(pwd, 22) {
		return LocalICE{}, bad("ice-ufrag needs 4 to 256, ice-pwd 22 to 256 letters, digits, + or /")
	}
	v.negotiate.Lock()
	defer v.negotiate.Unlock()
	select {
	case <-v.done:
		return LocalICE{}, ErrClosed
	default:
	}
	d := v.plan.offer
	setICE(d, ufrag, pwd)
	d.Origin.SessionVersion++
	v.candidates = 0
	answer, err := v.exchange(ctx, false, time.Time{})
	if err != nil {
		return LocalICE{}, err
	}
	for _, c := range candidates {
		if err := v.addCandidate(c); err != nil {
			return LocalICE{}, err
		}
	}
	return localICE(answer)
}

func iceChars(s string, least int) bool {
	if len(s) < least || len(s) > 256 {
		return false
	}
	for _, c := range []byte(s) {
		ok := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '+' || c == '/'
		if !ok {
			return false
		}
	}
	return true
}

// localICE reads the first served section of an answer: with BUNDLE it speaks
// for all.
func localICE(answer string) (LocalICE, error) {
	var d sdp.SessionDescription
	if err := d.UnmarshalString(answer); err != nil {
		return LocalICE{}, fmt.Errorf("session: read own answer: %w", err)
	}
	for _, md := range d.MediaDescriptions {
		ufrag, ok := md.Attribute("ice-ufrag")
		if !ok {
			continue
		}
		l := LocalICE{Ufrag: ufrag, MLine: md.MediaName.String()}
		l.Pwd, _ = md.Attribute("ice-pwd")
		l.Mid, _ = md.Attribute(sdp.AttrKeyMID)
		for _, a := range md.Attributes {
			if a.Key == sdp.AttrKeyCandidate {
				l.Candidates = append(l.Candidates, a.Value)
			}
		}
		return l, nil
	}
	return LocalICE{}, fmt.Errorf("session: own answer has no ICE credentials")
}
