package session

import (
	"encoding/binary"
	"strings"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// repairReceiver takes the packets of retransmission streams (RFC 4588) from the
// transport. The library would hand them out with the stream's next packet, that is
// up to a frame later than they came.
type repairReceiver struct {
	interceptor.NoOp
	c *Call
}

// NewInterceptor implements interceptor.Factory.
func (r *repairReceiver) NewInterceptor(string) (interceptor.Interceptor, error) { return r, nil }

// BindRemoteStream implements interceptor.Interceptor.
func (r *repairReceiver) BindRemoteStream(info *interceptor.StreamInfo, reader interceptor.RTPReader) interceptor.RTPReader {
	if !strings.EqualFold(info.MimeType, webrtc.MimeTypeRTX) {
		return reader
	}
	var h rtp.Header // one goroutine reads a stream
	return interceptor.RTPReaderFunc(func(b []byte, a interceptor.Attributes) (int, interceptor.Attributes, error) {
		n, a, err := reader.Read(b, a)
		if err == nil {
			r.c.repaired(&h, b[:n], time.Now())
		}
		return 0, a, err // nothing is left for others
	})
}

// repaired delivers a packet that was sent again: its payload begins with the
// number that it had.
func (c *Call) repaired(h *rtp.Header, b []byte, now time.Time) {
	head, err := h.Unmarshal(b)
	if err != nil {
		c.counters.malformed.Add(1)
		return
	}
	payload, ok := unpad(h, b[head:])
	if !ok || len(payload) == 1 {
		c.counters.malformed.Add(1)
		return
	}
	if len(payload) == 0 {
		return // measures the path
	}
	c.counters.repaired.Add(1)
	h.SequenceNumber = binary.BigEndian.Uint16(payload)
	c.deliverVideo(h, payload[rtxPrefix:], true, now)
}
