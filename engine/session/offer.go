package session

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"

	"github.com/edgecam/edgecam/engine/session/codec"
)

const (
	maxOfferBytes = 64 << 10
	// maxSections bounds the m-lines of an offer, maxCandidates the remote
	// candidates of a session in all, since each makes pairs to be checked.
	maxSections   = 16
	maxCandidates = 64
)

// plan is what an offer is made into: the description the WebRTC library gets
// to see, with nothing in it that this node does not serve, and how to turn its
// answer into an answer to the original.
type plan struct {
	offer *sdp.SessionDescription
	// mids of the sections used, "" for none. mic may equal audio.
	video, audio, mic string
	data              bool
	// voice is the codec of the sound, in both directions, and params its
	// parameters; only with audio or mic.
	voice  codec.Format
	params codec.Parameters
	// codecs are those of the picture, and h264 the payload type of H.264, 0: it is
	// not sent.
	codecs videoCodecs
	h264   uint8
	// types are the payload types of the voice and of what goes with it.
	types codec.Types
	// lone: a single section without a BUNDLE group.
	lone bool
	// refused holds, per m-line of the offer, nil when the library answers it,
	// and the section itself when it is refused here.
	refused []*sdp.MediaDescription
}

// bad wraps what is wrong with an offer.
func bad(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrBadOffer}, args...)...)
}

// planOffer reads an offer (RFC 9429 section 5.10, RFC 8843). talk says whether
// the viewer's microphone is wanted, h264 whether there is a picture in H.264, too.
//
// Directions are rewritten before the library sees them: it would answer a
// microphone that is not allowed, or a second camera section, with more than
// wanted. Sections of unknown kind or without a usable codec are taken out and
// refused with port 0 (RFC 3264 section 6), in their place.
//
// An audio section is reduced to the one codec that is used and to what goes with
// it, so that both sides know it from the answer.
func planOffer(offer string, talk, h264 bool, preferred []codec.Name) (*plan, error) {
	if len(offer) > maxOfferBytes {
		return nil, bad("%d bytes are more than the limit of %d", len(offer), maxOfferBytes)
	}
	var d sdp.SessionDescription
	if err := d.UnmarshalString(offer); err != nil {
		return nil, bad("not SDP: %v", err)
	}
	if len(d.MediaDescriptions) == 0 {
		return nil, bad("no media section")
	}
	if len(d.MediaDescriptions) > maxSections {
		return nil, bad("%d media sections, at most %d are served", len(d.MediaDescriptions), maxSections)
	}
	p := &plan{offer: &d, refused: make([]*sdp.MediaDescription, len(d.MediaDescriptions))}
	bundle, err := p.bundle()
	if err != nil {
		return nil, err
	}
	var keep []*sdp.MediaDescription
	mids := map[string]bool{}
	wantsVideo := false
	for i, md := range d.MediaDescriptions {
		mid, ok := md.Attribute(sdp.AttrKeyMID)
		switch {
		case !ok || mid == "":
			return nil, bad("media section %d has no a=mid (an offer of a current browser has)", i)
		case len(mid) > 16 || strings.ContainsAny(mid, " \t"):
			return nil, bad("media section %d has the unusable mid %.20q", i, mid)
		case mids[mid]:
			return nil, bad("two media sections have the mid %q", mid)
		}
		mids[mid] = true
		dir, use := direction(&d, md), false
		sends, receives := dir == "sendrecv" || dir == "sendonly", dir == "sendrecv" || dir == "recvonly"
		// Port 0 without bundle-only is a section that is switched off.
		_, bundleOnly := md.Attribute("bundle-only")
		off := md.MediaName.Port.Value == 0 && !bundleOnly || !bundle[mid]
		switch md.MediaName.Media {
		case "video":
			wantsVideo = wantsVideo || receives && !off
			if use = !off && p.chooseVideo(md, h264 && receives && p.video == ""); !use {
				break
			}
			if dir = "inactive"; receives && p.video == "" {
				dir, p.video = "recvonly", mid
			}
		case "audio":
			if use = !off && p.chooseVoice(md, preferred); !use {
				break
			}
			out, in := receives && p.audio == "", sends && talk && p.mic == ""
			if out {
				p.audio = mid
			}
			if in {
				p.mic = mid
			}
			dir = directions[out][in]
		case "application":
			use = !off && !p.data && slices.Contains(md.MediaName.Formats, "webrtc-datachannel")
			p.data = p.data || use
		}
		if !use {
			p.refused[i] = md
			continue
		}
		if md.MediaName.Media != "application" {
			setDirection(md, dir)
		}
		keep = append(keep, md)
	}
	switch {
	case wantsVideo && p.video == "":
		return nil, fmt.Errorf("%w: %w: this node sends %s; offer it among the video codecs", ErrBadOffer, ErrNoVP8, sentCodecs[h264])
	case p.video == "" && p.audio == "" && p.mic == "" && !p.data:
		return nil, bad("nothing to serve: offer video (VP8) or audio (opus, G722, PCMU, PCMA, iLBC or ISAC) with recvonly or sendrecv, or a data channel")
	}
	d.MediaDescriptions = keep
	trimBundle(&d, mids, keep)
	limitCandidates(&d)
	if err := checkTransport(&d); err != nil {
		return nil, err
	}
	return p, nil
}

// chooseVoice takes the codec that is preferred out of an audio section and
// leaves no other in it. A second section has to offer the same one.
func (p *plan) chooseVoice(md *sdp.MediaDescription, preferred []codec.Name) bool {
	offered := voiceOffered(md)
	if p.audio != "" || p.mic != "" {
		preferred = []codec.Name{p.voice.Name}
	}
	f, params, _, ok := codec.Choose(offered, preferred)
	if !ok {
		return false
	}
	types, companions := codec.Agree(offered, params)
	if p.audio != "" || p.mic != "" {
		// What is not in both is in neither.
		p.types = p.types.And(types)
	} else {
		if types.Noise != 0 {
			f = f.WithNoise()
		}
		p.voice, p.params, p.types = f.ForPeer(), params, types
	}
	pt := strconv.Itoa(int(params.PayloadType))
	md.MediaName.Formats = nil
	md.Attributes = slices.DeleteFunc(md.Attributes, func(a sdp.Attribute) bool {
		switch a.Key {
		case "rtpmap", "fmtp":
			return true
		case "rtcp-fb":
			return !strings.HasPrefix(a.Value, pt+" ")
		}
		return false
	})
	for _, c := range append([]codec.Parameters{params}, companions...) {
		pt := strconv.Itoa(int(c.PayloadType))
		md.MediaName.Formats = append(md.MediaName.Formats, pt)
		md.Attributes = append(md.Attributes, sdp.Attribute{Key: "rtpmap", Value: pt + " " + c.RTPMap()})
		if c.FMTP != "" {
			md.Attributes = append(md.Attributes, sdp.Attribute{Key: "fmtp", Value: pt + " " + c.FMTP})
		}
	}
	return true
}

// voiceOffered lists the payload types of a section, in the offer's order.
func voiceOffered(md *sdp.MediaDescription) []codec.Offered {
	var out []codec.Offered
	for _, pt := range md.MediaName.Formats {
		for _, a := range md.Attributes {
			if a.Key != "rtpmap" || !strings.HasPrefix(a.Value, pt+" ") {
				continue
			}
			o, ok := codec.ParseRTPMap(a.Value)
			if !ok {
				continue
			}
			for _, f := range md.Attributes {
				if line, found := strings.CutPrefix(f.Value, pt+" "); found && f.Key == "fmtp" {
					o.FMTP = line
				}
			}
			out = append(out, o)
		}
	}
	return out
}

// directions gives the direction to offer in the viewer's name, by whether it
// shall receive and send.
var directions = map[bool]map[bool]string{
	true:  {true: "sendrecv", false: "recvonly"},
	false: {true: "sendonly", false: "inactive"},
}

func isDirection(key string) bool {
	return key == "sendrecv" || key == "sendonly" || key == "recvonly" || key == "inactive"
}

// direction returns a section's direction; the session's holds where it has
// none, and sendrecv where neither has (RFC 8866 section 6.7).
func direction(d *sdp.SessionDescription, md *sdp.MediaDescription) string {
	for _, attrs := range [][]sdp.Attribute{md.Attributes, d.Attributes} {
		for _, a := range attrs {
			if isDirection(a.Key) {
				return a.Key
			}
		}
	}
	return "sendrecv"
}

func setDirection(md *sdp.MediaDescription, dir string) {
	md.Attributes = slices.DeleteFunc(md.Attributes, func(a sdp.Attribute) bool { return isDirection(a.Key) })
	md.Attributes = append(md.Attributes, sdp.Attribute{Key: dir})
}

// hasCodec reports whether an rtpmap of the section names a codec, whatever its
// payload type.
func hasCodec(md *sdp.MediaDescription, name string) bool {
	for _, a := range md.Attributes {
		if a.Key != "rtpmap" {
			continue
		}
		pt, enc, ok := strings.Cut(a.Value, " ")
		if ok && slices.Contains(md.MediaName.Formats, pt) && strings.EqualFold(strings.TrimSpace(enc), name) {
			return true
		}
	}
	return false
}

// bundle returns the sections that share a transport, the only ones served. A
// lone section gets a group in the library's copy of the offer, since the
// library refuses what is in none.
func (p *plan) bundle() (map[string]bool, error) {
	d := p.offer
	in := map[string]bool{}
	// Other groups (lip synchronisation, a second transport) would be taken
	// for this one.
	d.Attributes = slices.DeleteFunc(d.Attributes, func(a sdp.Attribute) bool {
		if a.Key != sdp.AttrKeyGroup {
			return false
		}
		if fields := strings.Fields(a.Value); len(in) == 0 && len(fields) > 1 && fields[0] == "BUNDLE" {
			for _, mid := range fields[1:] {
				in[mid] = true
			}
			return false
		}
		return true
	})
	if len(in) > 0 {
		return in, nil
	}
	if len(d.MediaDescriptions) != 1 {
		return nil, bad("no a=group:BUNDLE: all media is served over one transport (bundlePolicy balanced or max-bundle)")
	}
	mid, _ := d.MediaDescriptions[0].Attribute(sdp.AttrKeyMID)
	d.Attributes = append(d.Attributes, sdp.Attribute{Key: sdp.AttrKeyGroup, Value: "BUNDLE " + mid})
	p.lone, in[mid] = true, true
	return in, nil
}

// trimBundle takes refused sections out of the BUNDLE group.
func trimBundle(d *sdp.SessionDescription, all map[string]bool, keep []*sdp.MediaDescription) {
	kept := map[string]bool{}
	for _, md := range keep {
		mid, _ := md.Attribute(sdp.AttrKeyMID)
		kept[mid] = true
	}
	for i, a := range d.Attributes {
		if a.Key != sdp.AttrKeyGroup || !strings.HasPrefix(a.Value, "BUNDLE") {
			continue
		}
		fields := strings.Fields(a.Value)
		d.Attributes[i].Value = strings.Join(slices.DeleteFunc(fields, func(f string) bool { return all[f] && !kept[f] }), " ")
	}
}

// limitCandidates drops candidates beyond maxCandidates.
func limitCandidates(d *sdp.SessionDescription) {
	n := 0
	for _, md := range d.MediaDescriptions {
		md.Attributes = slices.DeleteFunc(md.Attributes, func(a sdp.Attribute) bool {
			if a.Key != sdp.AttrKeyCandidate {
				return false
			}
			n++
			return n > maxCandidates
		})
	}
}

// checkTransport finds what the library would otherwise complain about in words
// that do not help, or only after a session has been made.
func checkTransport(d *sdp.SessionDescription) error {
	find := func(key string) bool {
		if _, ok := d.Attribute(key); ok {
			return true
		}
		for _, md := range d.MediaDescriptions {
			if _, ok := md.Attribute(key); ok {
				return true
			}
		}
		return false
	}
	for _, key := range []string{"ice-ufrag", "ice-pwd", "fingerprint"} {
		if !find(key) {
			return bad("no a=%s: media is served over DTLS-SRTP with ICE only", key)
		}
	}
	return nil
}

// answer turns the library's answer into one to the original offer: refused
// sections are put back at their places with port 0.
func (p *plan) answer(lib string) (string, error) {
	if !p.lone && !slices.ContainsFunc(p.refused, func(md *sdp.MediaDescription) bool { return md != nil }) {
		return lib, nil
	}
	var d sdp.SessionDescription
	if err := d.UnmarshalString(lib); err != nil {
		return "", fmt.Errorf("session: read own answer: %w", err)
	}
	served := d.MediaDescriptions
	out := make([]*sdp.MediaDescription, 0, len(p.refused))
	for _, md := range p.refused {
		if md == nil {
			if len(served) == 0 {
				return "", fmt.Errorf("session: own answer has too few media sections")
			}
			out, served = append(out, served[0]), served[1:]
			continue
		}
		name := md.MediaName
		name.Port = sdp.RangedPort{Value: 0}
		if name.Media != "application" {
			name.Formats = []string{"0"} // any will do, and this needs no rtpmap
		}
		mid, _ := md.Attribute(sdp.AttrKeyMID)
		out = append(out, &sdp.MediaDescription{
			MediaName: name,
			ConnectionInformation: &sdp.ConnectionInformation{
				NetworkType: "IN", AddressType: "IP4", Address: &sdp.Address{Address: "0.0.0.0"},
			},
			Attributes: []sdp.Attribute{{Key: sdp.AttrKeyMID, Value: mid}, {Key: "inactive"}},
		})
	}
	d.MediaDescriptions = out
	if p.lone {
		d.Attributes = slices.DeleteFunc(d.Attributes, func(a sdp.Attribute) bool { return a.Key == sdp.AttrKeyGroup })
	}
	b, err := d.Marshal()
	if err != nil {
		return "", fmt.Errorf("session: write answer: %w", err)
	}
	return string(b), nil
}
