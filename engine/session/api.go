package session

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"net"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"github.com/edgecam/edgecam/engine/session/codec"
)

// playoutDelayURI names the header extension that asks receivers for a short
// jitter buffer.
const playoutDelayURI = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"

const (
	// disconnectedAfter and failedAfter are how long a viewer may be silent
	// before it counts as disturbed and as gone.
	disconnectedAfter = 5 * time.Second
	failedAfter       = 15 * time.Second
	keepalive         = 2 * time.Second
	// certificateAge is when a new DTLS certificate is made for new viewers.
	certificateAge = 24 * time.Hour
)

// newAPI prepares what all peer connections share. No interceptor is
// registered: retransmission, reports and key frame requests are this
// package's own, on state shared by all viewers.
func newAPI(cfg Config, s *sockets, lf logging.LoggerFactory) (*webrtc.API, error) {
	m := &webrtc.MediaEngine{}
	video := vp8Codec()
	video.RTCPFeedback = append(video.RTCPFeedback, feedbackRPSI)
	type registration struct {
		kind  webrtc.RTPCodecType
		param webrtc.RTPCodecParameters
	}
	codecs := []registration{
		{webrtc.RTPCodecTypeVideo, video},
		{webrtc.RTPCodecTypeVideo, rtxCodec(video.PayloadType)},
	}
	for _, p := range h264Codecs() {
		codecs = append(codecs, registration{webrtc.RTPCodecTypeVideo, p})
	}
	for _, p := range redCodecs() {
		codecs = append(codecs, registration{webrtc.RTPCodecTypeVideo, p})
	}
	for _, name := range codec.Names() {
		p, err := codec.Lookup(name)
		if err != nil {
			return nil, fmt.Errorf("session: %w", err)
		}
		codecs = append(codecs, registration{webrtc.RTPCodecTypeAudio, voiceCodec(p)})
	}
	for _, p := range codec.Companions(codec.Names(), true) {
		codecs = append(codecs, registration{webrtc.RTPCodecTypeAudio, voiceCodec(p)})
	}
	for _, c := range codecs {
		switch c.param.MimeType {
		case webrtc.MimeTypeRTX, mimeRED, mimeULPFEC:
		default:
			c.param.RTCPFeedback = append(c.param.RTCPFeedback, webrtc.RTCPFeedback{Type: "transport-cc"})
		}
		if err := m.RegisterCodec(c.param, c.kind); err != nil {
			return nil, fmt.Errorf("session: register %s: %w", c.param.MimeType, err)
		}
	}
	exts := []struct {
		uri  string
		kind webrtc.RTPCodecType
	}{
		{sdp.SDESMidURI, webrtc.RTPCodecTypeVideo},
		{sdp.SDESMidURI, webrtc.RTPCodecTypeAudio},
		{playoutDelayURI, webrtc.RTPCodecTypeVideo},
		{sdp.TransportCCURI, webrtc.RTPCodecTypeVideo},
		{sdp.TransportCCURI, webrtc.RTPCodecTypeAudio},
		{sdp.AudioLevelURI, webrtc.RTPCodecTypeAudio},
	}
	for _, e := range exts {
		if err := m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: e.uri}, e.kind); err != nil {
			return nil, fmt.Errorf("session: register header extension %s: %w", e.uri, err)
		}
	}
	se := webrtc.SettingEngine{LoggerFactory: lf}
	se.DetachDataChannels()
	se.SetICEUDPMux(s.udp)
	types := []webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6}
	if s.tcp != nil {
		se.SetICETCPMux(s.tcp)
		types = append(types, webrtc.NetworkTypeTCP4, webrtc.NetworkTypeTCP6)
	}
	se.DisableActiveTCP(true) // a viewer cannot make the node dial anything
	se.SetNetworkTypes(types)
	se.SetIncludeLoopbackCandidate(true)
	if cfg.Loopback {
		// ICE-TCP candidates are made of the interfaces' addresses, not of the
		// listeners': leave out those that nobody listens on.
		se.SetIPFilter(func(ip net.IP) bool { return ip.IsLoopback() })
	}
	if names := cfg.Interfaces; len(names) > 0 && !cfg.Loopback {
		keep := map[string]bool{}
		for _, n := range names {
			keep[n] = true
		}
		se.SetInterfaceFilter(func(n string) bool { return keep[n] })
	}
	se.SetICETimeouts(disconnectedAfter, failedAfter, keepalive)
	se.SetSCTPMaxMessageSize(MaxMessageBytes)
	se.SetSCTPMaxReceiveBufferSize(sctpReceiveBuffer)
	if cfg.TURNRoots != nil {
		se.SetICEProxyDialer(newTURNDialer(cfg.ICEServers, cfg.TURNRoots))
	}
	switch cfg.MDNS {
	case MDNSQuery:
		se.SetICEMulticastDNSMode(ice.MulticastDNSModeQueryOnly)
	case MDNSQueryAndGather:
		se.SetICEMulticastDNSMode(ice.MulticastDNSModeQueryAndGather)
	default:
		se.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	}
	if len(cfg.PublicIPs) > 0 {
		if err := se.SetICEAddressRewriteRules(webrtc.ICEAddressRewriteRule{
			External: cfg.PublicIPs, AsCandidateType: webrtc.ICECandidateTypeHost, Mode: webrtc.ICEAddressRewriteAppend,
		}); err != nil {
			return nil, fmt.Errorf("session: public addresses: %w", err)
		}
	}
	return webrtc.NewAPI(
		webrtc.WithMediaEngine(m), webrtc.WithInterceptorRegistry(&interceptor.Registry{}), webrtc.WithSettingEngine(se),
	), nil
}

// peerConfig returns the configuration of a new peer connection. One DTLS
// certificate serves all viewers of a day: making one per viewer costs a small
// board milliseconds at the very moment a viewer waits.
func (m *Manager) peerConfig(user string) (webrtc.Configuration, error) {
	m.certMu.Lock()
	defer m.certMu.Unlock()
	if m.cert == nil || time.Since(m.certMade) > certificateAge {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return webrtc.Configuration{}, fmt.Errorf("session: make DTLS key: %w", err)
		}
		cert, err := webrtc.GenerateCertificate(key)
		if err != nil {
			return webrtc.Configuration{}, fmt.Errorf("session: make DTLS certificate: %w", err)
		}
		m.cert, m.certMade = cert, time.Now()
	}
	c := webrtc.Configuration{Certificates: []webrtc.Certificate{*m.cert}, BundlePolicy: webrtc.BundlePolicyMaxBundle}
	if m.cfg.GatherWait > 0 {
		c.ICEServers = relays(m.cfg.ICEServers, user)
	}
	return c, nil
}
