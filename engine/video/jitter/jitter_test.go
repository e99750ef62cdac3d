package jitter_test

import (
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/video/jitter"
)

var start = time.Unix(1_790_000_000, 0)

func at(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }

// key and inter are frames of one packet.
func key(seq uint16, pid byte) jitter.Packet {
	return jitter.Packet{
		SequenceNumber: seq, Timestamp: uint32(seq) * 3000, Marker: true,
		Payload: []byte{0x90, 0x80, pid, 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00},
	}
}

func inter(seq uint16, pid byte) jitter.Packet {
	return jitter.Packet{
		SequenceNumber: seq, Timestamp: uint32(seq) * 3000, Marker: true,
		Payload: []byte{0x90, 0x80, pid, 0x11, 0x02, 0x00, pid},
	}
}

func TestDescriptor(t *testing.T) {
	for _, c := range []struct {
		name    string
		payload []byte
		want    jitter.Descriptor
		n       int
	}{
		{"plain", []byte{0x10, 9}, jitter.Descriptor{PartitionStart: true}, 1},
		{"non-reference, partition 5", []byte{0x25, 9}, jitter.Descriptor{NonReference: true, Partition: 5}, 1},
		{"extension without fields", []byte{0x80, 0x00, 9}, jitter.Descriptor{}, 2},
		{"7-bit PictureID", []byte{0x80, 0x80, 0x7f, 9}, jitter.Descriptor{HasPictureID: true, PictureID: 127}, 3},
		{"15-bit PictureID", []byte{0x80, 0x80, 0xff, 0xfe, 9}, jitter.Descriptor{HasPictureID: true, LongPictureID: true, PictureID: 0x7ffe}, 4},
		{"KEYIDX alone", []byte{0x80, 0x10, 0xff, 9}, jitter.Descriptor{HasKeyIdx: true, KeyIdx: 31}, 3},
		{"everything", []byte{0xb0, 0xf0, 0x81, 0x02, 0x77, 0xa3, 9}, jitter.Descriptor{
			NonReference: true, PartitionStart: true, HasPictureID: true, LongPictureID: true, PictureID: 0x102,
			HasTL0PicIdx: true, TL0PicIdx: 0x77, HasTemporalID: true, TemporalID: 2, LayerSync: true, HasKeyIdx: true, KeyIdx: 3,
		}, 6},
	} {
		var d jitter.Descriptor
		if n, err := d.Parse(c.payload); err != nil || n != c.n || d != c.want {
			t.Errorf("%s: %+v, %d bytes, %v", c.name, d, n, err)
		}
		for cut := range c.n {
			if _, err := d.Parse(c.payload[:cut]); !errors.Is(err, io.ErrUnexpectedEOF) || !errors.Is(err, jitter.ErrPayload) {
				t.Errorf("%s cut to %d bytes: %v", c.name, cut, err)
			}
		}
	}
}

// drain takes every frame that is ready and returns their sequence of last bytes.
func drain(b *jitter.Buffer, now time.Time) (pids []int) {
	for {
		f, ok := b.Next(now)
		if !ok {
			return pids
		}
		pids = append(pids, int(f.PictureID))
	}
}

func TestLossIsAskedForThenGivenUp(t *testing.T) {
	b := jitter.New(jitter.Config{Immediate: true, Retries: 3, RTT: 40 * time.Millisecond})
	b.Insert(key(1, 1), at(0))
	b.Insert(inter(2, 2), at(33))
	if got := drain(b, at(33)); !slices.Equal(got, []int{1, 2}) {
		t.Fatalf("frames %v", got)
	}
	b.Insert(inter(4, 4), at(100))
	if fb := b.Feedback(at(100)); !slices.Equal(fb.NACK, []uint16{3}) || fb.PLI {
		t.Fatalf("feedback %+v, want a NACK of 3", fb)
	}
	if got := drain(b, at(100)); got != nil {
		t.Fatalf("frames %v although 3 is missing", got)
	}
	if fb := b.Feedback(at(120)); len(fb.NACK) != 0 {
		t.Fatalf("asked again within the round trip: %+v", fb)
	}
	asked, pli := 1, 0
	for ms := 120; ms < 1000 && pli == 0; ms++ {
		fb := b.Feedback(at(ms))
		asked += len(fb.NACK)
		if fb.PLI {
			pli = ms
		}
	}
	if asked != 3 {
		t.Errorf("asked %d times, want 3", asked)
	}
	// A round trip with its margin, half a one, and one for the last answer.
	if pli < 100+50+25+50 || pli > 100+50+25+50+10 {
		t.Errorf("key frame asked for after %d ms", pli-100)
	}
	if fb := b.Feedback(at(pli + 100)); fb.PLI {
		t.Error("asked for a key frame again at once")
	}
	if fb := b.Feedback(at(pli + 250)); !fb.PLI {
		t.Error("not asked again though no key frame came")
	}
	b.Insert(key(6, 6), at(900))
	if fb := b.Feedback(at(900)); fb.PLI || len(fb.NACK) != 0 {
		t.Errorf("feedback %+v though a key frame is there", fb)
	}
	if got := drain(b, at(900)); !slices.Equal(got, []int{6}) {
		t.Errorf("frames %v, want the key frame", got)
	}
	s := b.Stats()
	if s.NACKCount != 3 || s.PLICount != 2 || s.FramesDropped != 1 || s.FreezeCount != 0 && s.TotalFreezesDuration == 0 {
		t.Errorf("%+v", s)
	}
}

func nth(n int) jitter.Packet { return inter(uint16(n), byte(n)) }

// gapAt leaves packet n out at the time ms, asks, and reports what was asked for at
// once.
func gapAt(b *jitter.Buffer, n, ms int) int {
	b.Insert(nth(n+1), at(ms))
	return len(b.Feedback(at(ms)).NACK)
}

func TestReorderedPacketsAreWaitedFor(t *testing.T) {
	b := jitter.New(jitter.Config{Immediate: true, RTT: 100 * time.Millisecond})
	b.Insert(key(1, 1), at(0))
	asked, n := 0, 2
	for ; n < 60; n += 2 {
		ms := n * 33
		asked += gapAt(b, n, ms)
		b.Insert(nth(n), at(ms+7))
		if got := drain(b, at(ms+7)); !slices.Equal(got, []int{n, n + 1}) && n > 2 {
			t.Fatalf("frames %v", got)
		}
	}
	if asked < 5 || asked > 15 {
		t.Errorf("asked at once %d times while packets overtook each other, want it to stop", asked)
	}
	ms := n * 33
	if gapAt(b, n, ms) != 0 {
		t.Error("asked at once though packets overtake each other")
	}
	if wake := b.Wake(at(ms), time.Second); wake.After(at(ms+10)) || !wake.After(at(ms)) {
		t.Errorf("wakes %v later", wake.Sub(at(ms)))
	}
	if fb := b.Feedback(at(ms + 9)); len(fb.NACK) != 1 {
		t.Errorf("not asked after the wait: %+v", fb)
	}
	s := b.Stats()
	if s.PacketsReordered != 29 || s.RetransmittedPacketsReceived != 0 {
		t.Errorf("%+v", s)
	}
	// Where packets are lost as well, it is not worth waiting.
	p := nth(n)
	p.Resent = true
	b.Insert(p, at(ms+110))
	for range 3 {
		n += 2
		ms += 200
		gapAt(b, n, ms)
		b.Feedback(at(ms + 30))
		p = nth(n)
		p.Resent = true
		b.Insert(p, at(ms+130))
	}
	n, ms = n+2, ms+200
	if gapAt(b, n, ms) != 1 {
		t.Error("not asked at once though most gaps are losses")
	}
	if s := b.Stats(); s.RetransmittedPacketsReceived != 4 {
		t.Errorf("%+v", s)
	}
}

// TestAskedAgainSooner: where a first request was in vain, the second is repeated at
// half the distance.
func TestAskedAgainSooner(t *testing.T) {
	b := jitter.New(jitter.Config{Immediate: true, RTT: 80 * time.Millisecond})
	b.Insert(key(1, 1), at(0))
	b.Insert(inter(3, 3), at(33))
	var when []int
	for ms := 33; ms < 300; ms++ {
		if len(b.Feedback(at(ms)).NACK) > 0 {
			when = append(when, ms-33)
		}
	}
	if want := []int{0, 95, 140, 235}; !slices.Equal(when, want) {
		t.Errorf("asked %v ms after the gap, want %v", when, want)
	}
}

func TestPaddingAndNonReferenceFramesAreNoLoss(t *testing.T) {
	b := jitter.New(jitter.Config{Immediate: true})
	b.Insert(key(1, 1), at(0))
	b.Insert(jitter.Packet{SequenceNumber: 2, Timestamp: 3000}, at(1))
	b.Insert(inter(3, 2), at(33))
	if got := drain(b, at(33)); !slices.Equal(got, []int{1, 2}) {
		t.Fatalf("frames %v over a padding packet", got)
	}
	// Of a frame that nothing refers to only the second packet comes.
	b.Insert(jitter.Packet{SequenceNumber: 5, Timestamp: 12000, Marker: true, Payload: []byte{0xa0, 0x80, 3, 1, 2}}, at(66))
	b.Insert(inter(6, 4), at(100))
	if got := drain(b, at(100)); got != nil {
		t.Fatalf("frames %v before the missing packet had a chance", got)
	}
	if got := drain(b, at(160)); !slices.Equal(got, []int{4}) {
		t.Errorf("frames %v, want the one after", got)
	}
}

func TestRestartOfTheSender(t *testing.T) {
	b := jitter.New(jitter.Config{Immediate: true})
	b.Insert(key(1, 1), at(0))
	b.Insert(key(30001, 7), at(33)) // one stray packet
	b.Insert(inter(2, 2), at(34))
	if got := drain(b, at(40)); !slices.Equal(got, []int{1, 2}) {
		t.Fatalf("frames %v: a stray packet disturbs the stream", got)
	}
	b.Insert(key(40001, 1), at(66))
	b.Insert(key(40002, 2), at(100))
	b.Insert(inter(40003, 3), at(133))
	if got := drain(b, at(133)); !slices.Equal(got, []int{2, 3}) {
		t.Errorf("frames %v after the sender's restart", got)
	}
}

// TestDelayFollowsJitter feeds frames that are late by up to 60 ms.
func TestDelayFollowsJitter(t *testing.T) {
	b := jitter.New(jitter.Config{})
	late := []int{0, 60, 20, 40, 0, 10, 50, 30}
	shownAt := map[int]int{}
	queue := map[int][]jitter.Packet{}
	for n := range 600 {
		p := inter(uint16(n), byte(n&0x7f))
		if n == 0 {
			p = key(0, 0)
		}
		due := n*100/3 + late[n%len(late)]
		queue[due] = append(queue[due], p)
	}
	for ms := range 20100 {
		for _, p := range queue[ms] {
			b.Insert(p, at(ms))
		}
		for {
			f, ok := b.Next(at(ms))
			if !ok {
				break
			}
			shownAt[int(f.Timestamp-int64(1)<<48)/3000] = ms
		}
	}
	if d := b.Stats().Delay; d < 55*time.Millisecond || d > 80*time.Millisecond {
		t.Errorf("the delay is %v with 60 ms of jitter", d)
	}
	for n := 400; n < 590; n++ {
		if d := shownAt[n+1] - shownAt[n]; d < 30 || d > 37 {
			t.Errorf("frames %d and %d are %d ms apart", n, n+1, d)
		}
	}
}

func TestSyncWithSound(t *testing.T) {
	b := jitter.New(jitter.Config{})
	ntp := func(ms int) uint64 { return uint64(4_000_000_000)<<32 + uint64(ms)<<32/1000 }
	var f jitter.Frame
	for n := range 400 {
		p := inter(uint16(n), byte(n&0x7f))
		if n == 0 {
			p = key(0, 0)
		}
		now := n * 100 / 3
		b.Insert(p, at(now+10)) // 10 ms on the way
		if n%30 == 0 {
			b.SenderReport(ntp(now), uint32(n)*3000)
		}
		// The sound is heard 150 ms after it was captured.
		b.SyncTo(ntp(now-150), at(now))
		for {
			next, ok := b.Next(at(now + 10))
			if !ok {
				break
			}
			f = next
		}
	}
	captured := at(int((f.Timestamp - int64(1)<<48) / 90))
	if d := f.Due.Sub(captured); d < 148*time.Millisecond || d > 152*time.Millisecond {
		t.Errorf("a picture is shown %v after its capture, its sound 150 ms after", d)
	}
	if s := b.Stats().SyncSkew; s < -2*time.Millisecond || s > 2*time.Millisecond {
		t.Errorf("skew %v", s)
	}
}

func TestReferencesAreAcknowledged(t *testing.T) {
	b := jitter.New(jitter.Config{RPSI: true})
	b.Insert(key(1, 5), at(0))
	b.Stored(5)
	if fb := b.Feedback(at(0)); !slices.Equal(fb.RPSI, []uint16{5}) {
		t.Errorf("%+v", fb)
	}
	if fb := b.Feedback(at(1)); len(fb.RPSI) != 0 {
		t.Errorf("acknowledged twice: %+v", fb)
	}
}

func TestDamagedFrameAsksForAKeyFrame(t *testing.T) {
	b := jitter.New(jitter.Config{Immediate: true})
	b.Insert(key(1, 1), at(0))
	drain(b, at(0))
	b.Decoded(false, time.Millisecond, at(1))
	b.Insert(inter(2, 2), at(33))
	if fb := b.Feedback(at(300)); !fb.PLI {
		t.Errorf("%+v", fb)
	}
	if got := drain(b, at(300)); got != nil {
		t.Errorf("frames %v after damage", got)
	}
}

func TestNothingIsAllocatedPerPacket(t *testing.T) {
	b := jitter.New(jitter.Config{Immediate: true, Packets: 64})
	p := inter(0, 0)
	seq := uint16(0)
	step := func() {
		seq++
		now := start.Add(time.Duration(seq) * 33 * time.Millisecond)
		if seq%7 == 3 {
			return // lost
		}
		p.SequenceNumber, p.Timestamp = seq, uint32(seq)*3000
		p.Payload[2] = byte(seq & 0x7f)
		if seq%7 == 4 {
			k := p
			k.Payload = keyPayload
			b.Insert(k, now)
		} else {
			b.Insert(p, now)
		}
		for {
			if _, ok := b.Next(now); !ok {
				break
			}
		}
		b.Feedback(now)
		b.Wake(now, time.Second)
	}
	for range 500 {
		step()
	}
	if n := testing.AllocsPerRun(500, step); n != 0 {
		t.Errorf("%v allocations per packet", n)
	}
}

var keyPayload = []byte{0x10, 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00}

// TestUpperLayersComeBackAtASync: after a loss above the base layer, that layer
// is left out until a frame that refers to the base layer alone.
func TestUpperLayersComeBackAtASync(t *testing.T) {
	layered := func(seq uint16, tl0, tid byte, sync bool) jitter.Packet {
		p := inter(seq, byte(seq))
		b := tid << 6
		if sync {
			b |= 0x20
		}
		p.Payload = append([]byte{0x90, 0xe0, byte(seq), tl0, b}, p.Payload[3:]...)
		return p
	}
	b := jitter.New(jitter.Config{Immediate: true})
	first := key(1, 1)
	first.Payload = append([]byte{0x90, 0xe0, 1, 0, 0}, first.Payload[3:]...)
	b.Insert(first, at(0))
	b.Insert(layered(3, 1, 0, false), at(66)) // 2, of the middle layer, is lost
	b.Insert(layered(4, 1, 1, false), at(100))
	b.Insert(layered(5, 1, 1, true), at(133))
	b.Insert(layered(6, 1, 1, false), at(166))
	if got := drain(b, at(300)); !slices.Equal(got, []int{1, 3, 5, 6}) {
		t.Errorf("frames %v, want 1 3 5 6", got)
	}
	if fb := b.Feedback(at(300)); fb.PLI {
		t.Error("asks for a key frame though the base layer is whole")
	}
}

// TestNumbersThatGoBack: a sender that takes a frame for lost which has come goes
// on with its number. What follows fits by its number and is not taken, since it
// refers to pictures that are not there.
func TestNumbersThatGoBack(t *testing.T) {
	base := func(seq uint16, tl0 byte) jitter.Packet {
		p := inter(seq, byte(seq))
		p.Payload = append([]byte{0x90, 0xe0, byte(seq), tl0, 0}, p.Payload[3:]...)
		return p
	}
	start := func() *jitter.Buffer {
		b := jitter.New(jitter.Config{Immediate: true})
		first := key(1, 1)
		first.Payload = append([]byte{0x90, 0xe0, 1, 10, 0}, first.Payload[3:]...)
		b.Insert(first, at(0))
		return b
	}
	// Frame 2 is lost in truth: frame 4, built on frame 1, has its number.
	b := start()
	b.Insert(base(3, 12), at(66))
	b.Insert(base(4, 11), at(100))
	b.Insert(base(5, 12), at(133))
	if got := drain(b, at(300)); !slices.Equal(got, []int{1, 4, 5}) {
		t.Errorf("frames %v, want 1 4 5", got)
	}
	if fb := b.Feedback(at(300)); fb.PLI {
		t.Error("asks for a key frame though it was helped")
	}
	// Frame 2 has come: frame 4, which the sender renumbers, is lost or not.
	for _, lost := range []bool{false, true} {
		b := start()
		b.Insert(base(2, 11), at(33))
		if got := drain(b, at(40)); !slices.Equal(got, []int{1, 2}) {
			t.Fatalf("frames %v", got)
		}
		if !lost {
			b.Insert(base(4, 11), at(100))
		}
		b.Insert(base(5, 11+1), at(133))
		b.Insert(base(6, 11), at(166))
		if got := drain(b, at(600)); !lost && len(got) != 0 {
			t.Errorf("frames %v after numbers that went back", got)
		}
		if fb := b.Feedback(at(600)); !fb.PLI {
			t.Errorf("lost %v: no key frame is asked for", lost)
		}
	}
}
