package session

import (
	"time"
)

const (
	// mendLoss is the loss from which on a viewer's picture waits for what is sent
	// again, and mendHold for how long after the last report of as much.
	mendLoss = 0.01
	mendHold = 10 * time.Second
	// mendSlack is what sending again takes beyond the round trip: until the next
	// packet shows that one is missing, and until that has been asked for and sent.
	mendSlack = 20 * time.Millisecond
	// mendMost is the longest time that is waited. Where the round trip is longer,
	// what is sent again comes too late anyway, and parity mends what it can within
	// parityTime.
	mendMost   = 250 * time.Millisecond
	parityTime = 40 * time.Millisecond
	// mendStep is by how much less it must have become to be taken back: a receiver
	// shows the picture a little slower or faster after each change.
	mendStep = 40 * time.Millisecond
)

// mendTime decides how long a viewer's picture is to wait for packets that are sent
// again. On a good path it does not wait at all: then it is shown as soon as it is
// there, and one lost packet would hold it up, and show as a freeze, for a round
// trip or more. The sending goroutine owns it.
type mendTime struct {
	lossy time.Time // when much was last lost
	now   time.Duration
}

// next takes what a path has shown lately and returns the time, in whole units of the
// header extension.
func (m *mendTime) next(now time.Time, loss float64, rtt time.Duration) time.Duration {
	if loss >= mendLoss {
		m.lossy = now
	}
	if m.lossy.IsZero() || now.Sub(m.lossy) > mendHold {
		*m = mendTime{}
		return 0
	}
	want := (rtt + mendSlack + playoutUnit - 1).Truncate(playoutUnit)
	if want > mendMost {
		want = parityTime
	}
	if want > m.now || want <= m.now-mendStep {
		m.now = want
	}
	return m.now
}

// mendInTime asks the viewer for the time that mending its losses takes.
func (v *Viewer) mendInTime(now time.Time) {
	t := v.video
	if t == nil {
		return
	}
	e := v.path.estimate()
	was := v.outbox.mends.now
	wait := v.outbox.mends.next(now, e.LossShare, v.roundTrip(e.RTT))
	if wait == was {
		return
	}
	d := v.m.cfg.PlayoutDelay
	if wait > d.Min {
		// Above its least the receiver goes on finding out for itself.
		d = PlayoutDelay{Min: wait, Max: max(d.Max, wait+mendMost)}
	}
	t.askDelay(d)
	v.log.Debug("playout delay", "min_ms", d.Min.Milliseconds(), "loss", e.LossShare)
}

// roundTrip returns the round trip by the viewer's reports of reception, or, as long
// as there are none, that of its feedback.
func (v *Viewer) roundTrip(feedback time.Duration) time.Duration {
	if rtt := time.Duration(v.counters.rttNs.Load()); rtt != 0 {
		return rtt
	}
	return feedback
}

// askDelay changes the range of delays that packets ask for from now on, also those
// that are sent again. Called by whoever sends.
func (t *outTrack) askDelay(d PlayoutDelay) {
	value := playoutDelayExtension(d)
	t.mu.Lock()
	copy(t.delay, value)
	t.mu.Unlock()
	t.repairing.Lock()
	copy(t.repair.delay, value)
	t.repairing.Unlock()
}
