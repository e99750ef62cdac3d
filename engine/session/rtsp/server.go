package rtsp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"

	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/engine/session/codec"
)

const (
	// videoType and voiceType are the RTP payload types.
	videoType, voiceType = 96, 97
	// queuePackets is how many packets may wait for one reader's network; who is
	// further behind is ended. A power of two.
	queuePackets = 1024
	// sendBuffer is what the kernel keeps of a connection, in bytes.
	sendBuffer = 256 << 10
	// authTime is how long a connection may be open without a credential.
	authTime = 10 * time.Second
	// writeTime is how long a reader may take nothing.
	writeTime = 10 * time.Second
	// spareConnections are those that may be open besides the readers' own.
	spareConnections = 16
)

// Path is the stream's path: rtsp://HOST:PORT/live.
const Path = "/live"

// Credential is the answer to a challenge of digest authentication with MD5 and
// without qop (RFC 7616 section 3.4). The nonce is this server's.
type Credential struct {
	Username, Nonce, Method, URI, Response string
}

// Authorizer says what who asks may do; c is nil where no credential is given. An
// error means: nothing.
type Authorizer func(remote string, c *Credential) (session.Grant, error)

// Options configure a Server.
type Options struct {
	// Listen is the address of RTSP, HOST:PORT.
	Listen string
	// UDPPort is the even port of RTP over UDP, RTCP takes the next one; 0: only
	// the RTSP connection itself carries packets.
	UDPPort int
	// MaxReaders bounds the sessions.
	MaxReaders int
	// KeyFrameEvery is the longest time between key frames while somebody reads;
	// 0: they come as viewers need them.
	KeyFrameEvery time.Duration
	// Voice says whether the node has a microphone.
	Voice bool
	// Realm is the realm of digest authentication.
	Realm string
	// Authorize is asked for every DESCRIBE and SETUP.
	Authorize Authorizer
	Log       *slog.Logger

	authTime time.Duration // set by tests
}

// Server is an RTSP server. Make one with New, run it with Run.
type Server struct {
	o        Options
	sessions *session.Manager
	log      *slog.Logger
	rtsp     *gortsplib.Server
	desc     *description.Session
	// stream describes what there is. Packets go to each reader by itself.
	stream   *gortsplib.ServerStream
	port     int
	ctx      context.Context
	stop     context.CancelCauseFunc
	readers  sync.WaitGroup
	mu       sync.Mutex
	conns    map[*gortsplib.ServerConn]*connection
	sets     map[*gortsplib.ServerSession]*reading
	video    *description.Media
	voice    *description.Media // nil without
	admitted bool               // the stream is there
}

// New opens the server's sockets. Errors say which address cannot be used.
func New(sessions *session.Manager, o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	host, _, err := net.SplitHostPort(o.Listen)
	switch {
	case err != nil:
		return nil, fmt.Errorf("rtsp: listen %q: must be HOST:PORT or :PORT", o.Listen)
	case o.Authorize == nil:
		return nil, errors.New("rtsp: no access control given")
	case o.MaxReaders < 1:
		return nil, fmt.Errorf("rtsp: %d readers: must be 1 or more", o.MaxReaders)
	case o.UDPPort%2 != 0 || o.UDPPort < 0 || o.UDPPort > 65534:
		return nil, fmt.Errorf("rtsp: UDP port %d: must be even, the next one is for RTCP", o.UDPPort)
	}
	s := &Server{
		o: o, sessions: sessions, log: o.Log,
		conns: map[*gortsplib.ServerConn]*connection{}, sets: map[*gortsplib.ServerSession]*reading{},
	}
	if s.o.authTime == 0 {
		s.o.authTime = authTime
	}
	s.ctx, s.stop = context.WithCancelCause(context.Background())
	s.rtsp = &gortsplib.Server{
		Handler: (*handler)(s), RTSPAddress: o.Listen, WriteTimeout: writeTime, WriteQueueSize: queuePackets,
		DisableRTCPSenderReports: true, Listen: s.listen,
	}
	if o.UDPPort != 0 {
		s.rtsp.UDPRTPAddress = net.JoinHostPort(host, strconv.Itoa(o.UDPPort))
		s.rtsp.UDPRTCPAddress = net.JoinHostPort(host, strconv.Itoa(o.UDPPort+1))
	}
	s.video = &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{&format.VP8{PayloadTyp: videoType}}}
	s.desc = &description.Session{Title: "edgecam", Medias: []*description.Media{s.video}}
	if o.Voice {
		s.voice = &description.Media{Type: description.MediaTypeAudio, Formats: []format.Format{&format.Opus{PayloadTyp: voiceType, ChannelCount: 1}}}
		s.desc.Medias = append(s.desc.Medias, s.voice)
	}
	if err := s.rtsp.Start(); err != nil {
		return nil, fmt.Errorf("rtsp: %w; set rtsp.listen or rtsp.udp_port to another", err)
	}
	stream := &gortsplib.ServerStream{Server: s.rtsp, Desc: s.desc}
	if err := stream.Initialize(); err != nil {
		s.rtsp.Close()
		return nil, fmt.Errorf("rtsp: %w", err)
	}
	s.mu.Lock()
	s.stream, s.admitted = stream, true
	s.mu.Unlock()
	s.log.Info("recorders are served by RTSP", "port", s.port, "udp_port", o.UDPPort, "path", Path)
	return s, nil
}

// Port returns the port of RTSP.
func (s *Server) Port() int { return s.port }

// Run serves until ctx is done; all sessions have ended when it returns.
func (s *Server) Run(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() { ended <- s.rtsp.Wait() }()
	var err error
	select {
	case <-ctx.Done():
	case err = <-ended:
		ended = nil
	}
	s.Close()
	if ended != nil {
		<-ended
	}
	if err != nil {
		return fmt.Errorf("rtsp: %w", err)
	}
	return nil
}

// Close ends everything at once and waits for it.
func (s *Server) Close() {
	s.stop(errStopped)
	s.stream.Close()
	s.rtsp.Close()
	s.readers.Wait()
}

var errStopped = errors.New("rtsp: the node stops")

// listen opens the port with as many connections as there is use for.
func (s *Server) listen(network, address string) (net.Listener, error) {
	l, err := net.Listen(network, address)
	if err != nil {
		return nil, err
	}
	s.port = l.Addr().(*net.TCPAddr).Port
	return &limited{Listener: l, places: make(chan struct{}, s.o.MaxReaders+spareConnections)}, nil
}

// limited closes connections that are too many at once.
type limited struct {
	net.Listener
	places chan struct{}
}

// Accept returns the next connection that there is a place for.
func (l *limited) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetWriteBuffer(sendBuffer) // what does not fit waits in the reader's queue
		}
		select {
		case l.places <- struct{}{}:
			return &limitedConn{Conn: c, leave: sync.OnceFunc(func() { <-l.places })}, nil
		default:
			_ = c.Close()
		}
	}
}

type limitedConn struct {
	net.Conn
	leave func()
}

// Close also gives the place back.
func (c *limitedConn) Close() error {
	c.leave()
	return c.Conn.Close()
}

// voiceFormat is what browsers take, so that it is coded once.
var voiceFormat = codec.Format{Name: codec.Opus}
