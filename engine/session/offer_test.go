package session

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

// section writes one m-line of a browser's offer.
func section(kind, mid, dir string, codecs ...string) string {
	var b strings.Builder
	proto := "UDP/TLS/RTP/SAVPF"
	b.WriteString("m=" + kind + " 9 ")
	if kind == "application" {
		b.WriteString("UDP/DTLS/SCTP webrtc-datachannel\r\n")
	} else {
		b.WriteString(proto)
		for i := range codecs {
			fmt.Fprintf(&b, " %d", 100+i)
		}
		b.WriteString("\r\n")
	}
	b.WriteString("c=IN IP4 0.0.0.0\r\na=mid:" + mid + "\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789abcdefghijklmn\r\na=setup:actpass\r\n" +
		"a=fingerprint:sha-256 " + strings.TrimSuffix(strings.Repeat("AB:", 32), ":") + "\r\na=rtcp-mux\r\n")
	if dir != "" {
		b.WriteString("a=" + dir + "\r\n")
	}
	for i, c := range codecs {
		fmt.Fprintf(&b, "a=rtpmap:%d %s\r\na=rtcp-fb:%d nack\r\na=rtcp-fb:%d transport-cc\r\n", 100+i, c, 100+i, 100+i)
	}
	if kind == "application" {
		b.WriteString("a=sctp-port:5000\r\n")
	}
	return b.String()
}

func offerOf(sections ...string) string {
	group := ""
	for _, s := range sections {
		_, rest, _ := strings.Cut(s, "a=mid:")
		mid, _, _ := strings.Cut(rest, "\r\n")
		group += " " + mid
	}
	return "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE" + group +
		"\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS\r\n" + strings.Join(sections, "")
}

// shape describes an answer: per m-line mid, whether it is refused, direction.
func shape(t *testing.T, answer string) string {
	t.Helper()
	var d sdp.SessionDescription
	if err := d.UnmarshalString(answer); err != nil {
		t.Fatalf("answer is not SDP: %v", err)
	}
	var out []string
	for _, md := range d.MediaDescriptions {
		mid, _ := md.Attribute("mid")
		s := md.MediaName.Media + "/" + mid
		switch {
		case md.MediaName.Port.Value == 0:
			s += " refused"
		case md.MediaName.Media == "application":
		default:
			s += " " + direction(&d, md)
		}
		out = append(out, s)
	}
	group, _ := d.Attribute("group")
	return strings.Join(out, ", ") + "; " + group
}

func TestOffers(t *testing.T) {
	n := newNode(t, Hooks{}, func(c *Config) { c.MaxHalfOpen = 32 })
	const vp8, h264, opus = "VP8/90000", "H264/90000", "opus/48000/2"
	tests := []struct {
		name  string
		offer string
		talk  bool
		want  string
	}{
		{
			"browser", offerOf(section("video", "0", "recvonly", vp8, h264), section("audio", "1", "recvonly", opus, "PCMU/8000")), false,
			"video/0 sendonly, audio/1 sendonly; BUNDLE 0 1",
		},
		{
			"audio first, two-way", offerOf(section("audio", "a", "sendrecv", opus), section("video", "v", "recvonly", h264, vp8), section("application", "d", "")), true,
			"audio/a sendrecv, video/v sendonly, application/d; BUNDLE a v d",
		},
		{
			"two-way without leave to talk", offerOf(section("audio", "a", "sendrecv", opus), section("video", "v", "recvonly", vp8)), false,
			"audio/a sendonly, video/v sendonly; BUNDLE a v",
		},
		{"no direction means sendrecv", offerOf(section("video", "0", "", vp8)), false, "video/0 sendonly; BUNDLE 0"},
		{
			"separate microphone section", offerOf(section("audio", "0", "sendonly", opus), section("video", "1", "recvonly", vp8), section("audio", "2", "recvonly", opus)), true,
			"audio/0 recvonly, video/1 sendonly, audio/2 sendonly; BUNDLE 0 1 2",
		},
		{
			"separate microphone section, refused", offerOf(section("audio", "0", "sendonly", opus), section("video", "1", "recvonly", vp8), section("audio", "2", "recvonly", opus)), false,
			"audio/0 inactive, video/1 sendonly, audio/2 sendonly; BUNDLE 0 1 2",
		},
		{
			"second camera and second sound", offerOf(section("video", "0", "recvonly", vp8), section("video", "1", "recvonly", vp8), section("audio", "2", "recvonly", opus), section("audio", "3", "sendrecv", opus)), false,
			"video/0 sendonly, video/1 inactive, audio/2 sendonly, audio/3 inactive; BUNDLE 0 1 2 3",
		},
		{
			"unknown kind in front", offerOf(section("text", "t", "sendrecv", "t140/1000"), section("video", "0", "recvonly", vp8)), false,
			"text/t refused, video/0 sendonly; BUNDLE 0",
		},
		{
			"sound without a known codec", offerOf(section("video", "0", "recvonly", vp8), section("audio", "1", "recvonly", "G728/8000", "telephone-event/8000")), false,
			"video/0 sendonly, audio/1 refused; BUNDLE 0",
		},
		{"sound only", offerOf(section("audio", "1", "recvonly", opus)), false, "audio/1 sendonly; BUNDLE 1"},
		{
			"video sent only beside sound", offerOf(section("video", "0", "sendonly", vp8), section("audio", "1", "recvonly", opus)), false,
			"video/0 inactive, audio/1 sendonly; BUNDLE 0 1",
		},
		{"no bundle, one section", strings.Replace(offerOf(section("video", "0", "recvonly", vp8)), "a=group:BUNDLE 0\r\n", "", 1), false, "video/0 sendonly; "},
		{
			"section outside the bundle", strings.Replace(offerOf(section("video", "0", "recvonly", vp8), section("audio", "1", "recvonly", opus)), "BUNDLE 0 1", "BUNDLE 0", 1), false,
			"video/0 sendonly, audio/1 refused; BUNDLE 0",
		},
		{
			"bundle-only and switched off", offerOf(section("video", "0", "recvonly", vp8), strings.Replace(section("audio", "1", "recvonly", opus)+"a=bundle-only\r\n", "audio 9", "audio 0", 1),
				strings.Replace(section("audio", "2", "recvonly", opus), "audio 9", "audio 0", 1)), false,
			"video/0 sendonly, audio/1 sendonly, audio/2 refused; BUNDLE 0 1",
		},
		{"data only", offerOf(section("application", "0", "")), false, "application/0; BUNDLE 0"},
		{
			"second data section", offerOf(section("application", "0", ""), section("application", "1", ""), section("video", "2", "recvonly", vp8)), false,
			"application/0, application/1 refused, video/2 sendonly; BUNDLE 0 2",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v, answer, err := n.Answer(context.Background(), tt.offer, Grant{View: true, Talk: tt.talk})
			if err != nil {
				t.Fatal(err)
			}
			defer v.Close("test")
			if got := shape(t, answer); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if !strings.Contains(answer, " typ host") {
				t.Error("answer has no candidate")
			}
			if strings.Contains(answer, "H264") || strings.Contains(answer, "goog-remb") {
				t.Errorf("answer has what was not asked for:\n%s", answer)
			}
		})
	}
}

// TestRefusedSectionsConnect proves that a real client takes an answer with a
// section put back.
func TestRefusedSectionsConnect(t *testing.T) {
	n := newNode(t, Hooks{}, nil)
	n.play()
	c := newClient(t)
	c.add(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverDirectionRecvonly)
	c.add(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverDirectionRecvonly)
	c.add(webrtc.RTPCodecTypeAudio, webrtc.RTPTransceiverDirectionRecvonly)
	offer := strings.NewReplacer("opus/48000/2", "opus/24000/1", "G722/", "G728/", "PCMU/", "PCMX/", "PCMA/", "PCMY/").Replace(c.offer())
	v, answer, err := n.Answer(context.Background(), offer, watcher)
	if err != nil {
		t.Fatal(err)
	}
	if want := "video/0 sendonly, video/1 inactive, audio/2 refused; BUNDLE 0 1"; shape(t, answer) != want {
		t.Fatalf("answer %s, want %s", shape(t, answer), want)
	}
	c.viewer = v
	if err := c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		t.Fatal(err)
	}
	next(t, c.video)
}

func TestBadOffers(t *testing.T) {
	n := newNode(t, Hooks{}, nil)
	good := offerOf(section("video", "0", "recvonly", "VP8/90000"))
	tests := []struct {
		name, offer string
		want        error
		says        string
	}{
		{"empty", "", ErrBadOffer, "no media section"},
		{"prose", "hello\r\n", ErrBadOffer, "not SDP"},
		{"no media", "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n", ErrBadOffer, "no media section"},
		{"no VP8", offerOf(section("video", "0", "recvonly", "H264/90000"), section("audio", "1", "recvonly", "opus/48000/2")), ErrNoVP8, "VP8"},
		{"no mid", strings.Replace(good, "a=mid:0\r\n", "", 1), ErrBadOffer, "a=mid"},
		{"same mid", offerOf(section("video", "0", "recvonly", "VP8/90000"), section("audio", "0", "recvonly", "opus/48000/2")), ErrBadOffer, "mid"},
		{"no ICE", strings.ReplaceAll(good, "a=ice-ufrag:abcd\r\n", ""), ErrBadOffer, "a=ice-ufrag"},
		{"no DTLS", strings.ReplaceAll(good, "a=fingerprint:", "a=x-fingerprint:"), ErrBadOffer, "a=fingerprint"},
		{"no bundle", strings.Replace(offerOf(section("video", "0", "recvonly", "VP8/90000"), section("audio", "1", "recvonly", "opus/48000/2")), "a=group:BUNDLE 0 1\r\n", "", 1), ErrBadOffer, "BUNDLE"},
		{"empty bundle", strings.Replace(good, "BUNDLE 0", "BUNDLE", 1) + section("audio", "1", "recvonly", "opus/48000/2"), ErrBadOffer, "BUNDLE"},
		{"nothing wanted", offerOf(section("video", "0", "inactive", "VP8/90000")), ErrBadOffer, "nothing to serve"},
		{"too long", good + strings.Repeat("a=x\r\n", maxOfferBytes/5), ErrBadOffer, "limit"},
		{"truncated", good[:len(good)/2], ErrBadOffer, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := n.Answer(context.Background(), tt.offer, watcher)
			if !errors.Is(err, tt.want) || !errors.Is(err, ErrBadOffer) || !strings.Contains(fmt.Sprint(err), tt.says) {
				t.Errorf("got %v, want %v that speaks of %q", err, tt.want, tt.says)
			}
		})
	}
	eventually(t, "failed sessions are gone", func() bool { return n.Stats().HalfOpen == 0 })
}

// FuzzOffer looks for panics, and for sessions left behind.
func FuzzOffer(f *testing.F) {
	f.Add(offerOf(section("video", "0", "recvonly", "VP8/90000", "rtx/90000"), section("audio", "1", "sendrecv", "opus/48000/2"), section("application", "2", "")), true)
	f.Add(offerOf(section("text", "t", "sendrecv", "t140/1000"), section("video", "0", "recvonly", "VP8/90000")), false)
	f.Add("v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=video 0 RTP/AVP\r\n", false)
	cfg := Defaults()
	cfg.UDPPort, cfg.Loopback, cfg.ICETCP = 0, true, false
	m, err := New(cfg, Hooks{}, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := m.Close(ctx); err != nil {
			f.Error(err)
		}
	})
	f.Fuzz(func(t *testing.T, offer string, talk bool) {
		v, answer, err := m.Answer(context.Background(), offer, Grant{View: true, Talk: talk})
		if err != nil {
			if strings.Contains(err.Error(), "could not be processed") {
				t.Fatal("panic inside") // Answer turns panics into this
			}
			return
		}
		var d sdp.SessionDescription
		if err := d.UnmarshalString(answer); err != nil {
			t.Errorf("answer is not SDP: %v", err)
		}
		v.Close("test")
	})
}
