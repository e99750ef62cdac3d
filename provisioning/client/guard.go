package client

import (
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/edgecam/edgecam/provisioning/wire"
)

// maxPacket is the longest MQTT packet that is read: a payload, a topic and
// their frame. The library itself would take in up to 256 MiB.
const maxPacket = wire.MaxPayload + 1024

// errOversize ends a connection whose broker sends what is too long.
var errOversize = errors.New("client: the broker sent a packet that is too long")

// guard watches the frames of what is read and ends the connection before a
// packet that is too long reaches the library. It also keeps the reason why
// reading failed, which tells a refused certificate from a network fault.
type guard struct {
	net.Conn

	inLength bool // in the remaining-length field
	shift    uint
	length   int
	body     int // bytes of the packet still to come

	mu  sync.Mutex
	err error
}

// Read implements net.Conn.
func (g *guard) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	if werr := g.walk(p[:n]); werr != nil {
		n, err = 0, errors.Join(werr, g.Conn.Close())
	}
	if err != nil {
		g.mu.Lock()
		if g.err == nil {
			g.err = err
		}
		g.mu.Unlock()
	}
	return n, err
}

func (g *guard) reason() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.err
}

// walk follows the fixed headers (MQTT 3.1.1, 2.2):
//
//	byte 1     type and flags
//	byte 2-5   remaining length, seven bits each, the lowest first
func (g *guard) walk(p []byte) error {
	for len(p) > 0 {
		switch {
		case g.body > 0:
			n := min(g.body, len(p))
			g.body -= n
			p = p[n:]
		case g.inLength:
			g.length |= int(p[0]&0x7f) << g.shift
			g.shift += 7
			if p[0]&0x80 == 0 {
				g.inLength, g.body = false, g.length
			} else if g.shift > 21 {
				return fmt.Errorf("%w: length field", errOversize)
			}
			if g.length > maxPacket {
				return fmt.Errorf("%w: %d bytes, the limit is %d", errOversize, g.length, maxPacket)
			}
			p = p[1:]
		default:
			g.inLength, g.length, g.shift = true, 0, 0
			p = p[1:]
		}
	}
	return nil
}
