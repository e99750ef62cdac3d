package rtsp

import (
	"context"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/session"
)

// FuzzConnection hands an RTSP connection of somebody who may read whatever comes:
// nothing panics, and nobody is left behind.
func FuzzConnection(f *testing.F) {
	const setup = "SETUP rtsp://h/live/trackID=0 RTSP/1.0\r\nCSeq: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n"
	for _, s := range []string{
		"DESCRIBE rtsp://h/live RTSP/1.0\r\nCSeq: 1\r\n\r\n", setup,
		setup + "PLAY rtsp://h/live RTSP/1.0\r\nCSeq: 2\r\nSession: 1\r\n\r\n$\x01\x00\x08\x81\xc9\x00\x01\x00\x00\x00\x01",
		"SETUP rtsp://h/live RTSP/1.0\r\nCSeq: 1\r\nTransport: RTP/AVP;unicast;client_port=5000-5001\r\n\r\n",
		"ANNOUNCE rtsp://h/live RTSP/1.0\r\nCSeq: 1\r\nContent-Type: application/sdp\r\nContent-Length: 4\r\n\r\nv=0\n",
		"GET_PARAMETER rtsp://h/live RTSP/1.0\r\nCSeq: 1\r\n\r\n", "TEARDOWN * RTSP/1.0\r\nSession: x\r\n\r\n", "$\x00\xff\xff",
		"GET /live HTTP/1.1\r\nAuthorization: Digest username=\"\r\n\r\n", "OPTIONS rtsp://h RTSP/1.0\r\nContent-Length: 99999999999\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	cfg := session.Defaults()
	cfg.UDPPort, cfg.Loopback, cfg.ICETCP = 0, true, false
	m, err := session.New(cfg, session.Hooks{}, nil)
	if err != nil {
		f.Fatal(err)
	}
	s, err := New(m, Options{Listen: "127.0.0.1:0", MaxReaders: 3, Voice: true, Realm: "test", Authorize: func(string, *Credential) (session.Grant, error) {
		return session.Grant{View: true}, nil
	}})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		s.Close()
		_ = m.Close(context.Background())
	})
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.Port()))
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(patience))
		_, _ = c.Write(b)
		_ = c.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, c) // until the server is done with it
		_ = c.Close()
	})
}
