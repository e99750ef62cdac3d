package jitter

import "time"

// mostSync bounds how long the picture is held back for the sound.
const mostSync = 500 * time.Millisecond

// clocks relate RTP time to the sender's wall clock.
type clocks struct {
	known bool
	ntp   uint64 // of the sender report
	ts    int64  // extended
	skew  time.Duration
}

// SenderReport notes the sender's clock (RFC 3550 section 6.4.1): the NTP time
// and the video's RTP timestamp of one moment.
func (b *Buffer) SenderReport(ntp uint64, rtp uint32) {
	if b.started {
		b.clocks.known, b.clocks.ntp, b.clocks.ts = true, ntp, b.extendTS(rtp)
	}
}

// SyncTo tells that sound captured at the NTP time captured is heard at the
// time heardAt: the picture is held back to be in step, if it would be early.
// If it is late, Stats.SyncSkew says by how much to delay the sound.
func (b *Buffer) SyncTo(captured uint64, heardAt time.Time) {
	if !b.clocks.known || !b.timing.started {
		return
	}
	// The moment of the sender report in the receiver's time, by the sound.
	moment := heardAt.Add(ntpSub(b.clocks.ntp, captured))
	// The delay that puts the picture of that moment there.
	own := b.timing.epoch.Add(time.Duration(b.timing.streamTime(b.clocks.ts) + b.timing.base()))
	wanted := moment.Sub(own)
	b.clocks.skew = b.timing.current - wanted
	b.timing.sync = min(max(wanted, 0), b.timing.lateness()+b.timing.decode+mostSync)
}

// ntpSub returns the time from b to a.
func ntpSub(a, b uint64) time.Duration {
	d := int64(a - b)
	return time.Duration(d>>32)*time.Second + time.Duration(uint64(d)&0xffffffff*uint64(time.Second)>>32)
}
