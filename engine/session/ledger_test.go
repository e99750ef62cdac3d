package session

import (
	"testing"
	"time"
)

// ledgerOf drives a ledger as a path does.
type ledgerOf struct {
	ledger
	seq   uint16
	label label
	now   time.Duration
}

// send sends a frame of two packets and returns their transport-wide numbers.
func (l *ledgerOf) send(number, base uint64, key bool) [2]uint16 {
	l.now += 33 * time.Millisecond
	l.label = l.label.follow(0)
	f := &frame{number: number, base: base, key: key, pkts: make([]*packet, 2)}
	l.begin(l.now, f, l.label, false)
	var seqs [2]uint16
	for i := range seqs {
		l.seq++
		seqs[i] = l.seq
		l.packet(l.seq, &packet{frame: number, place: uint16(i)})
	}
	return seqs
}

func (l *ledgerOf) arrive(seqs [2]uint16) {
	l.report(seqs[0], true)
	l.report(seqs[1], true)
}

const ledgerRTT = 50 * time.Millisecond

func TestLedger(t *testing.T) {
	l := &ledgerOf{}
	var sent [8][2]uint16
	for i := range sent {
		sent[i] = l.send(uint64(i+1), 0, i == 0)
	}
	// Out of order: a frame counts when all before it are there.
	l.arrive(sent[2])
	l.arrive(sent[0])
	if l.decoded(3) || !l.decoded(1) {
		t.Fatal("frame 3 without frame 2, or not frame 1")
	}
	l.report(sent[1][0], true)
	l.report(sent[1][0], true) // twice the same packet is not two
	if l.decoded(2) {
		t.Fatal("half a frame counts")
	}
	l.report(sent[1][1], true)
	if !l.decoded(2) || !l.decoded(3) {
		t.Fatal("what waited for frame 2 does not count")
	}
	if _, ok := l.missing(l.now, ledgerRTT); ok {
		t.Fatal("what is on its way is missing")
	}
	// Frame 4 is reported lost, and later ones arrive.
	if !l.report(sent[3][0], false) {
		t.Fatal("a loss of the picture's is not told")
	}
	l.report(sent[3][1], true)
	for _, s := range sent[4:] {
		l.arrive(s)
	}
	e, ok := l.missing(l.now, ledgerRTT)
	if !ok || e.number != 4 {
		t.Fatalf("missing: %v, %v; want frame 4", e, ok)
	}
	// As long as a packet of it may still arrive it is not certain.
	l.ask(4)
	l.again(l.now, 4)
	l.seq++
	l.packet(l.seq, &packet{frame: 4, place: 0})
	if _, ok := l.missing(l.now+ledgerRTT, ledgerRTT); ok {
		t.Fatal("what was sent again a moment ago is given up")
	}
	if _, ok := l.missing(l.now+time.Hour, ledgerRTT); ok {
		t.Fatal("what was sent again is given up without a report that it has not arrived")
	}
	l.report(l.seq, false)
	l.report(l.seq, false)
	if _, ok := l.missing(l.now+2*ledgerRTT, ledgerRTT); !ok {
		t.Fatal("what was sent again in vain is not given up")
	}
	l.now += 2 * ledgerRTT
	// A frame that mends it: nothing is certain before its fate is known.
	mend := l.send(9, 3, false)
	if _, ok := l.missing(l.now, ledgerRTT); ok {
		t.Fatal("help is on its way, and something is missing all the same")
	}
	l.arrive(mend)
	if !l.decoded(9) || l.decoded(8) {
		t.Fatal("the frame that builds on frame 3 does not count, or one that does not")
	}
	after := l.send(10, 0, false)
	l.arrive(after)
	if !l.decoded(10) || l.decoded(1000) || l.decoded(0) {
		t.Fatal("the stream does not go on")
	}
	l.send(11, 0, false)
	l.acknowledge(l.label.picture)
	if !l.decoded(11) {
		t.Fatal("what the viewer says to have decoded does not count")
	}
}

// A frame of which a report was lost counts in the end, unless the viewer has
// complained; one that was not sent to the end never does.
func TestLedgerPresumes(t *testing.T) {
	for _, complains := range []bool{false, true} {
		l := &ledgerOf{}
		l.arrive(l.send(1, 0, true))
		l.send(2, 0, false)
		l.arrive(l.send(3, 0, false))
		if complains {
			l.complain(l.now+time.Millisecond, ledgerRTT)
		}
		l.presume(l.now+ledgerPatience, ledgerRTT)
		if l.decoded(3) {
			t.Fatal("presumed too soon")
		}
		l.presume(l.now+time.Second, ledgerRTT)
		if l.decoded(3) == complains {
			t.Errorf("complained %v: presumed %v", complains, l.decoded(3))
		}
	}
	l := &ledgerOf{}
	l.arrive(l.send(1, 0, true))
	l.send(2, 0, false)
	l.cut(2)
	l.arrive(l.send(3, 0, false))
	l.presume(l.now+time.Second, ledgerRTT)
	if e, ok := l.missing(l.now, ledgerRTT); !ok || e.number != 2 || l.decoded(3) {
		t.Errorf("a frame that was cut: missing %v, %v", e, ok)
	}
}

// TestLedgerComplaint: the report on a frame is lost, a later one is lost itself,
// and the viewer asks for a key frame. It is certain what is missing if the first
// is so old that the viewer would have asked because of it long ago.
func TestLedgerComplaint(t *testing.T) {
	for _, between := range []uint64{2, 12} { // 33 ms each
		l := &ledgerOf{}
		l.arrive(l.send(1, 0, true))
		l.send(2, 0, false) // nobody hears of it
		n := uint64(3)
		for ; n < 3+between; n++ {
			l.arrive(l.send(n, 0, false))
		}
		lost := l.send(n, 0, false)
		l.report(lost[0], false)
		l.report(lost[1], true)
		l.arrive(l.send(n+1, 0, false))
		if _, ok := l.missing(l.now, ledgerRTT); ok {
			t.Fatal("certain before the viewer has asked")
		}
		l.complain(l.now, ledgerRTT)
		e, ok := l.missing(l.now, ledgerRTT)
		if between == 2 && ok {
			t.Errorf("frame %d is taken for missing, though it may be frame 2", e.number)
		}
		if between == 12 && (!ok || e.number != n) {
			t.Errorf("missing: %v, %v; want frame %d", e, ok, n)
		}
		// What was doubted stays so: the viewer may be waiting for it.
		l.presume(l.now+time.Hour, ledgerRTT)
		if l.decoded(2) != (between == 12) || l.decoded(n) {
			t.Errorf("%d frames between: presumed %v, and of the lost frame %v", between, l.decoded(2), l.decoded(n))
		}
	}
}

// Reports about what is long gone, or was never sent, change nothing.
func TestLedgerForgets(t *testing.T) {
	l := &ledgerOf{}
	first := l.send(1, 0, true)
	for n := uint64(2); n < 4*ledgerFrames; n++ {
		l.send(n, 0, false)
	}
	l.arrive(first)
	if l.decoded(1) || l.decoded(1+ledgerFrames) {
		t.Error("a frame that is forgotten counts")
	}
	l.report(60000, true)
	l.acknowledge(0x7fff)
	l.ask(7777777)
	l.cut(7777777)
	l.again(0, 7777777)
	if e, ok := l.missing(l.now, ledgerRTT); ok {
		t.Errorf("missing: %+v", e)
	}
}
