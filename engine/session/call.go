package session

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/datachannel"
	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"github.com/edgecam/edgecam/engine/session/codec"
)

// ErrBadAnswer says that the SDP answer cannot be used.
var ErrBadAnswer = errors.New("session: bad answer")

// CallConfig configures a Call.
type CallConfig struct {
	// Video and Listen ask for the other side's picture and sound, Talk offers
	// our sound. Without any of them only the data channel is offered.
	Video, Listen, Talk bool
	// VoiceCodecs are offered in this order; empty means all.
	VoiceCodecs []codec.Name
	// DTX asks the other side to leave silence out, where it sends Opus, G.711 or
	// iLBC.
	DTX bool
	// Loopback restricts the call to this machine.
	Loopback bool
	// ICEServers are used for the own addresses; where one has a secret, the
	// credentials are made of it.
	ICEServers []ICEServer
	// TURNRoots are as in Config.
	TURNRoots *x509.CertPool
}

// VideoPacket is one RTP packet of the other side's picture.
type VideoPacket struct {
	SequenceNumber uint16
	Timestamp      uint32
	Marker         bool
	// Payload is valid until the hook returns; empty on padding.
	Payload []byte
	// Resent says that it came by the retransmission stream (RFC 4588).
	Resent    bool
	ArrivedAt time.Time
	// PlayoutDelay is the header extension's wish; only with HasPlayoutDelay.
	PlayoutDelay    PlayoutDelay
	HasPlayoutDelay bool
}

// CallHooks are called by a Call from its goroutines. All are optional; they
// return soon, and do not call Close.
type CallHooks struct {
	Video func(p VideoPacket)
	Voice func(p TalkPacket)
	// VideoClock and VoiceClock pass sender reports on: NTP time and RTP
	// timestamp of one moment.
	VideoClock, VoiceClock func(ntp uint64, rtp uint32)
	// Message receives a text message of the data channel, valid until it
	// returns; ChannelOpened says that Send works.
	Message       func(msg []byte)
	ChannelOpened func()
	// Connected says that media flows.
	Connected func()
	// Candidate receives own candidates found after Offer has returned.
	Candidate func(candidate string)
}

// Call is a session seen from the viewer's side: the one that makes the offer.
type Call struct {
	cfg   CallConfig
	hooks CallHooks
	log   *slog.Logger
	pc    *webrtc.PeerConnection
	clock mediaClock

	voice   *outTrack // nil without Talk
	format  atomic.Pointer[codec.Format]
	byType  map[uint8]agreed // of the answer, by payload type
	lossQ8  atomic.Uint32    // of the own voice, as reported
	loss    voiceLoss        // expected of it
	sendMu  sync.Mutex       // guards what follows
	samples sampleClock      // of the own voice
	out     packet
	before  previous
	keys    sync.Mutex // one key at a time
	key     bool       // a key is being sent in place of voice
	report  time.Time

	videoSSRC, delayExt atomic.Uint32
	references          atomic.Int32 // payload type whose references are acknowledged, -1: none
	video, heard        micStats
	counters            callCounters

	mu       sync.Mutex
	closed   bool
	offered  bool
	live     atomic.Bool // has been connected: the transport may be asked
	channel  *channel
	reason   string
	wg       sync.WaitGroup
	done     chan struct{}
	doneOnce sync.Once
}

// agreed is what a payload type of the answer stands for.
type agreed struct {
	format codec.Format
	types  codec.Types
}

type callCounters struct {
	messagesIn, messagesOut, malformed, sendErrors, repaired atomic.Uint64
}

// NewCall prepares a call. Close it, whether it came about or not.
func NewCall(cfg CallConfig, hooks CallHooks, log *slog.Logger) (*Call, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if len(cfg.VoiceCodecs) == 0 {
		cfg.VoiceCodecs = codec.Names()
	}
	c := &Call{cfg: cfg, hooks: hooks, log: log, clock: newMediaClock(time.Now()), byType: map[uint8]agreed{}, done: make(chan struct{})}
	c.references.Store(-1)
	api, err := c.api()
	if err != nil {
		return nil, err
	}
	var pcfg webrtc.Configuration
	pcfg.BundlePolicy = webrtc.BundlePolicyMaxBundle
	for _, s := range forUser(cfg.ICEServers, "call", time.Time{}) {
		pcfg.ICEServers = append(pcfg.ICEServers, webrtc.ICEServer{URLs: s.URLs, Username: s.Username, Credential: s.Credential})
	}
	if c.pc, err = api.NewPeerConnection(pcfg); err != nil {
		return nil, fmt.Errorf("session: make peer connection: %w", err)
	}
	if err := c.sections(); err != nil {
		_ = c.pc.GracefulClose()
		return nil, err
	}
	c.observe()
	return c, nil
}

func (c *Call) api() (*webrtc.API, error) {
	m := &webrtc.MediaEngine{}
	video := vp8Codec()
	video.RTCPFeedback = append(video.RTCPFeedback, feedbackRPSI)
	err := errors.Join(m.RegisterCodec(video, webrtc.RTPCodecTypeVideo), m.RegisterCodec(rtxCodec(video.PayloadType), webrtc.RTPCodecTypeVideo))
	for _, name := range c.cfg.VoiceCodecs {
		p, lerr := codec.Lookup(name)
		if lerr != nil {
			return nil, fmt.Errorf("session: %w", lerr)
		}
		if name == codec.Opus && c.cfg.DTX {
			p.FMTP += ";usedtx=1"
		}
		err = errors.Join(err, m.RegisterCodec(voiceCodec(p), webrtc.RTPCodecTypeAudio))
	}
	for _, p := range codec.Companions(c.cfg.VoiceCodecs, c.cfg.DTX) {
		err = errors.Join(err, m.RegisterCodec(voiceCodec(p), webrtc.RTPCodecTypeAudio))
	}
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio} {
		err = errors.Join(err, m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: sdp.SDESMidURI}, kind))
	}
	err = errors.Join(err, m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: playoutDelayURI}, webrtc.RTPCodecTypeVideo))
	// Reports on arrival times let the other side follow the path's capacity.
	reports := &interceptor.Registry{}
	err = errors.Join(err, webrtc.ConfigureTWCCSenderWithOptions(m, reports, twcc.WithLoggerFactory(pionLogs{c.log})))
	if err != nil {
		return nil, fmt.Errorf("session: register codecs: %w", err)
	}
	reports.Add(&repairReceiver{c: c}) // last: the others see these packets as well
	se := webrtc.SettingEngine{LoggerFactory: pionLogs{c.log}}
	se.DetachDataChannels()
	se.SetIncludeLoopbackCandidate(true)
	if c.cfg.Loopback {
		se.SetIPFilter(func(ip net.IP) bool { return ip.IsLoopback() })
	}
	se.SetICETimeouts(disconnectedAfter, failedAfter, keepalive)
	if c.cfg.TURNRoots != nil {
		se.SetICEProxyDialer(newTURNDialer(c.cfg.ICEServers, c.cfg.TURNRoots))
	}
	// How long a better pair is waited for before one of these is taken.
	se.SetSrflxAcceptanceMinWait(200 * time.Millisecond)
	se.SetPrflxAcceptanceMinWait(300 * time.Millisecond)
	se.SetRelayAcceptanceMinWait(time.Second)
	se.SetSCTPMaxMessageSize(MaxMessageBytes)
	se.SetSCTPMaxReceiveBufferSize(sctpReceiveBuffer)
	se.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	return webrtc.NewAPI(
		webrtc.WithMediaEngine(m), webrtc.WithInterceptorRegistry(reports), webrtc.WithSettingEngine(se),
	), nil
}

// sections adds what is to be offered.
func (c *Call) sections() error {
	if c.cfg.Video {
		if _, err := c.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
			return fmt.Errorf("session: offer video: %w", err)
		}
	}
	var err error
	switch {
	case c.cfg.Talk:
		c.voice = newOutTrack(webrtc.RTPCodecTypeAudio, "", "")
		dir := webrtc.RTPTransceiverDirectionSendonly
		if c.cfg.Listen {
			dir = webrtc.RTPTransceiverDirectionSendrecv
		}
		var t *webrtc.RTPTransceiver
		if t, err = c.pc.AddTransceiverFromTrack(c.voice, webrtc.RTPTransceiverInit{Direction: dir}); err == nil {
			c.start(func() { c.drainRTCP(t.Sender().Read) })
		}
	case c.cfg.Listen:
		_, err = c.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
	}
	if err != nil {
		return fmt.Errorf("session: offer sound: %w", err)
	}
	dc, err := c.pc.CreateDataChannel(ChannelLabel, nil)
	if err != nil {
		return fmt.Errorf("session: offer data channel: %w", err)
	}
	dc.OnOpen(func() {
		raw, err := dc.Detach()
		if err != nil {
			c.log.Debug("data channel", "err", err)
			return
		}
		c.start(func() { c.readChannel(dc, raw) })
	})
	return nil
}

func (c *Call) observe() {
	var connected sync.Once
	c.pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		switch s {
		case webrtc.PeerConnectionStateConnected:
			connected.Do(func() {
				c.live.Store(true)
				if c.hooks.Connected != nil {
					c.hooks.Connected()
				}
			})
		case webrtc.PeerConnectionStateFailed:
			c.finish("connection lost")
		case webrtc.PeerConnectionStateClosed:
			c.finish("closed by the other side")
		}
	})
	c.pc.OnICECandidate(func(cand *webrtc.ICECandidate) {
		c.mu.Lock()
		late := c.offered
		c.mu.Unlock()
		if cand != nil && late && c.hooks.Candidate != nil {
			c.hooks.Candidate(strings.TrimPrefix(cand.ToJSON().Candidate, "candidate:"))
		}
	})
	c.pc.OnTrack(c.receive)
}

// gatherWait bounds how long an offer waits for candidates; those of servers
// that come later go to the Candidate hook.
const gatherWait = 200 * time.Millisecond

// Offer returns the SDP offer with the candidates that are known.
func (c *Call) Offer(ctx context.Context) (string, error) {
	offer, err := c.pc.CreateOffer(nil)
	if err != nil {
		return "", fmt.Errorf("session: make offer: %w", err)
	}
	gathered := webrtc.GatheringCompletePromise(c.pc)
	if err := c.pc.SetLocalDescription(offer); err != nil {
		return "", fmt.Errorf("session: make offer: %w", err)
	}
	wait := time.NewTimer(gatherWait)
	defer wait.Stop()
	select {
	case <-gathered:
	case <-wait.C:
	case <-c.done:
		return "", ErrClosed
	case <-ctx.Done():
		return "", fmt.Errorf("session: make offer: %w", ctx.Err())
	}
	c.mu.Lock()
	c.offered = true
	c.mu.Unlock()
	local := c.pc.LocalDescription()
	if local == nil {
		return "", ErrClosed
	}
	return local.SDP, nil
}

// Accept takes the answer. Errors wrap ErrBadAnswer.
func (c *Call) Accept(answer string) error {
	if len(answer) > maxOfferBytes {
		return fmt.Errorf("%w: %d bytes are more than the limit of %d", ErrBadAnswer, len(answer), maxOfferBytes)
	}
	var d sdp.SessionDescription
	if err := d.UnmarshalString(answer); err != nil {
		return fmt.Errorf("%w: not SDP: %w", ErrBadAnswer, err)
	}
	for _, md := range d.MediaDescriptions {
		switch {
		case md.MediaName.Port.Value == 0:
		case md.MediaName.Media == "audio" && c.format.Load() == nil:
			c.agree(voiceOffered(md))
		case md.MediaName.Media == "video":
			c.noteReferences(md)
		}
	}
	if err := c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		return fmt.Errorf("%w: %w", ErrBadAnswer, err)
	}
	return nil
}

// agree notes the codecs of the answer; the first is spoken.
func (c *Call) agree(answered []codec.Offered) {
	for _, o := range answered {
		f, p, _, ok := codec.Choose([]codec.Offered{o}, c.cfg.VoiceCodecs)
		if !ok {
			continue
		}
		types, _ := codec.Agree(answered, p)
		if types.Noise != 0 {
			f = f.WithNoise()
		}
		f = f.ForPeer()
		for pt := range uint8(128) {
			if _, known := c.byType[pt]; types.Has(pt) && !known {
				c.byType[pt] = agreed{f, types}
			}
		}
		if c.format.Load() == nil {
			// Whether silence is left out is the receiver's wish.
			c.format.Store(&f)
			c.sendMu.Lock()
			c.samples.rateHz, c.heard.rateHz = int64(p.ClockHz), int64(p.ClockHz)
			c.sendMu.Unlock()
			if c.voice != nil {
				c.voice.mime, c.voice.types = p.MimeType(), types
			}
		}
	}
}

// Format returns the codec that is spoken, the zero Format before the answer or
// without sound.
func (c *Call) Format() codec.Format {
	if f := c.format.Load(); f != nil {
		return *f
	}
	return codec.Format{}
}

// start runs f in a goroutine that Close waits for.
func (c *Call) start(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	c.wg.Add(1)
	go func() {
		defer c.wg.Done()
		f()
	}()
}

// Done is closed when the call has ended; Reason says why.
func (c *Call) Done() <-chan struct{} { return c.done }

// Reason says why the call ended, "" while it lasts.
func (c *Call) Reason() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reason
}

func (c *Call) finish(reason string) {
	c.doneOnce.Do(func() {
		c.mu.Lock()
		c.reason = reason
		c.mu.Unlock()
		close(c.done)
	})
}

// End says that this side hangs up, before anybody is told: what the other side
// does then is not its own decision. Close must follow.
func (c *Call) End() { c.finish("hung up") }

// Close ends the call and waits for its goroutines.
func (c *Call) Close() {
	c.End()
	c.mu.Lock()
	first := !c.closed
	c.closed = true
	c.mu.Unlock()
	if first {
		if err := c.pc.GracefulClose(); err != nil && !errors.Is(err, webrtc.ErrConnectionClosed) {
			c.log.Debug("close peer connection", "err", err)
		}
	}
	c.wg.Wait()
}

func (c *Call) readChannel(dc *webrtc.DataChannel, raw datachannel.ReadWriteCloser) {
	c.mu.Lock()
	c.channel = &channel{dc: dc, raw: raw}
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.channel = nil
		c.mu.Unlock()
		_ = raw.Close()
	}()
	if c.hooks.ChannelOpened != nil {
		c.hooks.ChannelOpened()
	}
	buf := make([]byte, MaxMessageBytes)
	for {
		n, text, err := raw.ReadDataChannel(buf)
		if err != nil {
			return
		}
		if text && c.hooks.Message != nil {
			c.counters.messagesIn.Add(1)
			c.hooks.Message(buf[:n])
		}
	}
}

// Send sends a text message. Errors: ErrClosed, ErrNoChannel, ErrTooLarge,
// ErrTooSlow.
func (c *Call) Send(msg []byte) error {
	if len(msg) > MaxMessageBytes {
		return fmt.Errorf("%w: %d bytes, limit %d", ErrTooLarge, len(msg), MaxMessageBytes)
	}
	c.mu.Lock()
	ch, closed := c.channel, c.closed
	c.mu.Unlock()
	switch {
	case closed:
		return ErrClosed
	case ch == nil:
		return ErrNoChannel
	case ch.dc.BufferedAmount()+uint64(len(msg)) > maxBuffered:
		return ErrTooSlow
	}
	if _, err := ch.raw.WriteDataChannel(msg, true); err != nil {
		return fmt.Errorf("session: send message: %w", err)
	}
	c.counters.messagesOut.Add(1)
	return nil
}

// CallInfo is a snapshot of a call.
type CallInfo struct {
	State                     string        `json:"state"`
	Voice                     string        `json:"voiceCodec,omitempty"`
	Local, Remote, RemoteAddr string        `json:"-"`
	Path                      string        `json:"candidatePair,omitempty"`
	RTT                       time.Duration `json:"currentRoundTripTime"`
	VideoPackets, VideoBytes  uint64        `json:"-"`
	// RepairPackets came in a retransmission stream (RFC 4588).
	RepairPackets            uint64 `json:"repairPacketsReceived"`
	VoicePackets, VoiceBytes uint64 `json:"-"`
	VoicePacketsSent         uint64 `json:"voicePacketsSent"`
	VoiceBytesSent           uint64 `json:"voiceBytesSent"`
	BytesReceived            uint64 `json:"bytesReceived"`
}

// Info returns a snapshot.
func (c *Call) Info() CallInfo {
	i := CallInfo{State: c.pc.ConnectionState().String()}
	if f := c.Format(); f.Name != "" {
		i.Voice = f.String()
	}
	i.VideoPackets, i.VideoBytes, _ = c.video.snapshot()
	i.VoicePackets, i.VoiceBytes, _ = c.heard.snapshot()
	i.RepairPackets = c.counters.repaired.Load()
	i.BytesReceived = i.VideoBytes + i.VoiceBytes
	if c.voice != nil {
		i.VoicePacketsSent, i.VoiceBytesSent = c.voice.totals()
	}
	if !c.live.Load() {
		return i
	}
	i.RTT = c.RTT()
	if pair, err := c.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePair(); err == nil && pair != nil {
		describe := func(cand *webrtc.ICECandidate) string { return cand.Typ.String() + "/" + cand.Protocol.String() }
		i.Local, i.Remote = describe(pair.Local), describe(pair.Remote)
		i.RemoteAddr = net.JoinHostPort(pair.Remote.Address, strconv.Itoa(int(pair.Remote.Port)))
		i.Path = i.Local + " - " + i.Remote
	}
	return i
}

// RTT returns the round-trip time of the connectivity checks, 0 if there is
// none yet.
func (c *Call) RTT() time.Duration {
	if !c.live.Load() {
		return 0
	}
	s, ok := c.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePairStats()
	if !ok {
		return 0
	}
	return time.Duration(s.CurrentRoundTripTime * float64(time.Second))
}

// drainRTCP reads reports about the own voice; the clock of the other side's is
// in them.
func (c *Call) drainRTCP(read func([]byte) (int, interceptor.Attributes, error)) {
	buf := make([]byte, rtcpBuffer)
	for {
		n, _, err := read(buf)
		if err != nil {
			return
		}
		pkts, err := rtcp.Unmarshal(buf[:n])
		if err != nil {
			c.counters.malformed.Add(1)
			continue
		}
		for _, p := range pkts {
			switch p := p.(type) {
			case *rtcp.SenderReport:
				c.senderReport(p)
				c.heardOf(p.Reports)
			case *rtcp.ReceiverReport:
				c.heardOf(p.Reports)
			}
		}
	}
}
