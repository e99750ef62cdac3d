package session

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// wire keeps packets as they would be seen before encryption.
type wire struct{ sent [][]byte }

func (w *wire) WriteRTP(h *rtp.Header, p []byte) (int, error) {
	b, err := h.Marshal()
	if err != nil {
		return 0, err
	}
	w.sent = append(w.sent, append(b, p...))
	return len(p), nil
}

func (w *wire) Write(b []byte) (int, error) { return len(b), nil }

// protectedTrack is a track with header extensions and parity.
func protectedTrack(t *testing.T, w *wire, share float64) *outTrack {
	t.Helper()
	tr := newOutTrack(webrtc.RTPCodecTypeVideo, webrtc.MimeTypeVP8, "0")
	tr.header = rtp.Header{Version: 2, PayloadType: 96, SSRC: 7}
	for id, v := range map[uint8][]byte{3: []byte("0"), 4: {0, 0, 0}, 5: {0, 0}} {
		if err := tr.header.SetExtension(id, v); err != nil {
			t.Fatal(err)
		}
	}
	tr.path = newPath(time.Now(), 1_000_000)
	tr.wide = tr.header.GetExtension(5)
	tr.stream, tr.bound, tr.redType, tr.fecType = w, true, 116, 117
	tr.fec = &protector{share: share}
	return tr
}

// recover mends the packet that is missing among those that a parity packet
// protects, as RFC 5109 section 9 says. packets are those received, by number,
// with the format of their block and transport-wide number 0; it returns nil if
// more are missing, or none.
func recoverPacket(t *testing.T, fec []byte, packets map[uint16][]byte) (seq uint16, out []byte) {
	t.Helper()
	if fec[0]&0x80 != 0 {
		t.Fatal("extension bit of the parity header is set")
	}
	base, size := binary.BigEndian.Uint16(fec[2:]), binary.BigEndian.Uint16(fec[10:])
	mask, at := uint64(binary.BigEndian.Uint16(fec[12:]))<<32, 14
	if fec[0]&0x40 != 0 {
		mask, at = mask|uint64(binary.BigEndian.Uint32(fec[14:])), 18
	}
	sum := append([]byte(nil), fec[at:]...)
	if len(sum) != int(size) {
		t.Fatalf("parity of %d bytes, %d said", len(sum), size)
	}
	head := append([]byte(nil), fec[:10]...)
	missing := 0
	for i := range uint16(48) {
		if mask>>(47-i)&1 == 0 {
			continue
		}
		p, ok := packets[base+i]
		if !ok {
			missing++
			seq = base + i
			continue
		}
		head[0] ^= p[0]
		head[1] ^= p[1]
		for k := range 4 {
			head[4+k] ^= p[4+k]
		}
		binary.BigEndian.PutUint16(head[8:], binary.BigEndian.Uint16(head[8:])^uint16(len(p)-12))
		for k, b := range p[12:] {
			sum[k] ^= b
		}
	}
	if missing != 1 {
		return 0, nil
	}
	out = make([]byte, 12, 1500)
	out[0], out[1] = 0x80|head[0]&0x3f, head[1]
	binary.BigEndian.PutUint16(out[2:], seq)
	copy(out[4:8], head[4:8])
	binary.BigEndian.PutUint32(out[8:], 7)
	return seq, append(out, sum[:binary.BigEndian.Uint16(head[8:])]...)
}

// unwrapRED undoes the redundant format: the packet as it was protected.
func unwrapRED(b []byte) (plain []byte) {
	var h rtp.Header
	n, err := h.Unmarshal(b)
	if err != nil {
		return nil
	}
	plain = append(append([]byte(nil), b[:n]...), b[n+1:]...)
	plain[1] = plain[1]&0x80 | b[n]&0x7f
	return plain
}

func TestParityRecovers(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for _, packets := range []int{1, 2, 5, 16, 17, 40, 48, 60} {
		w := &wire{}
		tr := protectedTrack(t, w, 0.3)
		tr.fec.begin(packets, packets == 5)
		parity := tr.fec.k
		for i := range packets {
			p := &packet{index: uint64(i), n: 1 + r.IntN(maxPayload), ts: 99, marker: i == packets-1}
			for k := range p.buf {
				p.buf[k] = byte(r.Uint32())
			}
			if ok, err := tr.send(p, label{picture: 5, tl0: 6}, 1); !ok || err != nil {
				t.Fatal(ok, err)
			}
		}
		if _, err := tr.sendParity(1); err != nil {
			t.Fatal(err)
		}
		if parity == 0 && packets > 3 || len(w.sent) != packets+parity {
			t.Fatalf("%d packets: %d parity packets, %d sent", packets, parity, len(w.sent))
		}
		for lost := range min(packets, maxGroup) {
			received := map[uint16][]byte{}
			var fecs [][]byte
			var want []byte
			for i, b := range w.sent {
				if len(b) > mtu+30 {
					t.Fatalf("a packet of %d bytes", len(b))
				}
				if b[1]&0x7f != 116 {
					t.Fatalf("payload type %d", b[1]&0x7f)
				}
				p := unwrapRED(b)
				clearWide(p)
				switch {
				case p[1]&0x7f == 117:
					var h rtp.Header
					n, _ := h.Unmarshal(p)
					fecs = append(fecs, p[n:])
				case i == lost:
					want = p
				default:
					received[binary.BigEndian.Uint16(p[2:])] = p
				}
			}
			found := parity == 0
			for _, f := range fecs {
				if _, got := recoverPacket(t, f, received); got != nil {
					found = true
					if !bytes.Equal(got, want) {
						t.Fatalf("%d packets, %d lost: recovered packet differs", packets, lost)
					}
				}
			}
			if !found {
				t.Errorf("%d packets, %d parity: packet %d is not recovered", packets, parity, lost)
			}
		}
	}
}

// clearWide does what receivers do before they use a packet for recovery.
func clearWide(p []byte) {
	var h rtp.Header
	if n, err := h.Unmarshal(p); err == nil {
		if wide := h.GetExtension(5); len(wide) == 2 {
			wide[0], wide[1] = 0, 0
			b, err := h.Marshal()
			if err == nil && len(b) == n {
				copy(p, b)
			}
		}
	}
}

func TestParityShare(t *testing.T) {
	for _, c := range []struct {
		now, loss float64
		rtt       time.Duration
		on        bool
	}{
		{0, 0.05, 20 * time.Millisecond, false}, // asked for again in time
		{0, 0.05, 200 * time.Millisecond, true},
		{0, 0.005, time.Second, false},
		{0, 0.02, 100 * time.Millisecond, false},
		{0.1, 0.02, 100 * time.Millisecond, true}, // goes on
		{0.1, 0.001, 400 * time.Millisecond, false},
		{0, 0.9, 400 * time.Millisecond, true},
	} {
		got := parityShare(c.now, c.loss, c.rtt)
		if (got > 0) != c.on || got > mostParity {
			t.Errorf("%+v: share %v", c, got)
		}
	}
}

func TestParityAllocations(t *testing.T) {
	tr := protectedTrack(t, &wire{}, 0.3)
	tr.stream = &writer{}
	p := &packet{n: 1000}
	picture := func() {
		tr.fec.begin(8, false)
		for range 8 {
			_, _ = tr.send(p, label{}, 1)
		}
		_, _ = tr.sendParity(1)
	}
	picture()
	if a := testing.AllocsPerRun(100, picture); a > 0 {
		t.Errorf("%.1f allocations per picture", a)
	}
}
