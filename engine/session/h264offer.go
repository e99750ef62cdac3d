package session

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

// h264Profiles are the profiles in which H.264 may be agreed upon, by the first four
// digits of profile-level-id (RFC 6184 section 8.1), the preferred first. What is
// sent is constrained baseline, as a rule, which decoders of all of them know.
var h264Profiles = []string{"42e0", "42c0", "4200", "4240", "4d40", "4d00", "640c", "6400"}

// firstH264 is the first of the payload types under which the WebRTC library knows
// H.264. Offers come with their own.
const firstH264 = 35

// sentCodecs names what a viewer must know one of.
var sentCodecs = map[bool]string{false: "VP8 only", true: "VP8 and H.264 (packetization-mode=1) only"}

// h264Codecs are the formats that an offer may have.
func h264Codecs() (out []webrtc.RTPCodecParameters) {
	for i, profile := range h264Profiles {
		p := vp8Codec()
		p.MimeType, p.PayloadType = webrtc.MimeTypeH264, webrtc.PayloadType(firstH264+2*i)
		p.SDPFmtpLine = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=" + profile + "1f"
		out = append(out, p, rtxCodec(p.PayloadType))
	}
	return out
}

// useH264 tells the track of a plan's codecs.
func (t *outTrack) useH264(p *plan) {
	t.h264 = p.h264
	if p.codecs == codecsH264 {
		t.mime = webrtc.MimeTypeH264
	}
}

// chooseVideo takes the formats of H.264 out of a section, but for the one that is
// used, which is put first; take says whether there is one. It reports whether the
// section has a codec that is sent.
func (p *plan) chooseVideo(md *sdp.MediaDescription, take bool) bool {
	chosen, rank := "", len(h264Profiles)
	var others []string
	for _, pt := range md.MediaName.Formats {
		if !isH264(md, pt) {
			continue
		}
		others = append(others, pt)
		if r := h264Rank(formatParameters(md, pt)); take && r < rank {
			chosen, rank = pt, r
		}
	}
	n, err := strconv.ParseUint(chosen, 10, 7)
	if err != nil {
		chosen = ""
	}
	others = slices.DeleteFunc(others, func(pt string) bool { return pt == chosen })
	removeFormats(md, others)
	vp8 := hasCodec(md, "VP8/90000")
	if chosen == "" {
		return vp8
	}
	formats := md.MediaName.Formats
	formats = slices.DeleteFunc(formats, func(pt string) bool { return pt == chosen })
	md.MediaName.Formats = append([]string{chosen}, formats...)
	p.h264, p.codecs = uint8(n), codecsH264
	if vp8 {
		p.codecs = codecsBoth
	}
	return true
}

func isH264(md *sdp.MediaDescription, pt string) bool {
	for _, a := range md.Attributes {
		if name, ok := strings.CutPrefix(a.Value, pt+" "); ok && a.Key == "rtpmap" && strings.EqualFold(strings.TrimSpace(name), "H264/90000") {
			return true
		}
	}
	return false
}

// formatParameters returns the parameters of a format, "" without any.
func formatParameters(md *sdp.MediaDescription, pt string) string {
	for _, a := range md.Attributes {
		if line, ok := strings.CutPrefix(a.Value, pt+" "); ok && a.Key == "fmtp" {
			return line
		}
	}
	return ""
}

// h264Rank tells how well a format of H.264 suits: its place in h264Profiles, or
// their number if it does not, as one that cannot take large NAL units in parts.
func h264Rank(line string) int {
	mode, profile := "0", ""
	for field := range strings.SplitSeq(line, ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		switch strings.ToLower(key) {
		case "packetization-mode":
			mode = value
		case "profile-level-id":
			profile = strings.ToLower(value)
		}
	}
	if b, err := hex.DecodeString(profile); mode != "1" || err != nil || len(b) != 3 {
		return len(h264Profiles)
	}
	if i := slices.Index(h264Profiles, profile[:4]); i >= 0 {
		return i
	}
	return len(h264Profiles)
}

// removeFormats takes formats out of a section, with what sends them again.
func removeFormats(md *sdp.MediaDescription, formats []string) {
	gone := slices.Clone(formats)
	for _, pt := range md.MediaName.Formats {
		if apt, ok := strings.CutPrefix(formatParameters(md, pt), "apt="); ok && slices.Contains(formats, strings.TrimSpace(apt)) {
			gone = append(gone, pt)
		}
	}
	is := func(pt string) bool { return slices.Contains(gone, pt) }
	md.MediaName.Formats = slices.DeleteFunc(md.MediaName.Formats, is)
	md.Attributes = slices.DeleteFunc(md.Attributes, func(a sdp.Attribute) bool {
		pt, _, _ := strings.Cut(a.Value, " ")
		return (a.Key == "rtpmap" || a.Key == "fmtp" || a.Key == "rtcp-fb") && is(pt)
	})
}
