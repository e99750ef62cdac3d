package session

import (
	"context"
	"fmt"
	"time"

	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

// Restart begins an ICE restart (RFC 8445 section 9), as when this machine's or the
// other side's network has changed. It returns the new credentials and candidates
// for the other side, whose answer goes to Restarted; until then media stays on the
// old path. Candidates of servers that are found later go to the Candidate hook.
// After an error the call is of no further use if it has lost its path.
func (c *Call) Restart(ctx context.Context) (LocalICE, error) {
	offer, err := c.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: true})
	if err != nil {
		return LocalICE{}, fmt.Errorf("session: restart ICE: %w", err)
	}
	gathered := webrtc.GatheringCompletePromise(c.pc)
	if err := c.pc.SetLocalDescription(offer); err != nil {
		return LocalICE{}, fmt.Errorf("session: restart ICE: %w", err)
	}
	wait := time.NewTimer(gatherWait)
	defer wait.Stop()
	select {
	case <-gathered:
	case <-wait.C:
	case <-c.done:
		return LocalICE{}, ErrClosed
	case <-ctx.Done():
		return LocalICE{}, fmt.Errorf("session: restart ICE: %w", ctx.Err())
	}
	local := c.pc.LocalDescription()
	if local == nil {
		return LocalICE{}, ErrClosed
	}
	return localICE(local.SDP)
}

// Restarted takes the other side's answer to Restart: its credentials and
// candidates. Errors wrap ErrBadAnswer.
func (c *Call) Restarted(other LocalICE) error {
	if !iceChars(other.Ufrag, 4) || !iceChars(other.Pwd, 22) {
		return fmt.Errorf("%w: its ICE credentials are malformed", ErrBadAnswer)
	}
	before := c.pc.CurrentRemoteDescription()
	if before == nil {
		return fmt.Errorf("%w: there was none to the offer", ErrBadAnswer)
	}
	var d sdp.SessionDescription
	if err := d.UnmarshalString(before.SDP); err != nil {
		return fmt.Errorf("%w: not SDP: %w", ErrBadAnswer, err)
	}
	d.Origin.SessionVersion++
	setICE(&d, other.Ufrag, other.Pwd)
	if len(d.MediaDescriptions) > 0 {
		first := d.MediaDescriptions[0]
		for _, candidate := range other.Candidates {
			first.Attributes = append(first.Attributes, sdp.NewAttribute(sdp.AttrKeyCandidate, candidate))
		}
	}
	raw, err := d.Marshal()
	if err != nil {
		return fmt.Errorf("%w: not SDP: %w", ErrBadAnswer, err)
	}
	if err := c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: string(raw)}); err != nil {
		return fmt.Errorf("%w: %w", ErrBadAnswer, err)
	}
	return nil
}

// setICE puts the credentials of a restart into a description, and takes the
// candidates of the exchange before out of it.
func setICE(d *sdp.SessionDescription, ufrag, pwd string) {
	set := func(attrs []sdp.Attribute) []sdp.Attribute {
		kept := attrs[:0]
		for _, a := range attrs {
			switch a.Key {
			case sdp.AttrKeyCandidate, sdp.AttrKeyEndOfCandidates:
				continue
			case "ice-ufrag":
				a.Value = ufrag
			case "ice-pwd":
				a.Value = pwd
			}
			kept = append(kept, a)
		}
		return kept
	}
	d.Attributes = set(d.Attributes)
	for _, md := range d.MediaDescriptions {
		md.Attributes = set(md.Attributes)
	}
}
