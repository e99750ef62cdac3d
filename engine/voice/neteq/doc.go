// Package neteq turns packets that arrive when they please into a steady stream
// of 10 ms blocks. One control loop decides between waiting, stretching and
// concealing, so that a voice is whole and late by no more than it must be.
//
// A NetEQ holds the packets of one talker. Insert may be called from the
// network's goroutine while Pull is called, every 10 ms of the sound card's
// clock, from the playout's.
//
// All times are counted in blocks pulled, that is by the card's own clock: how
// late a packet is against its deadline does not depend on any other. Playout
// delay is the time between the arrival of the fastest packets of the last half
// second and their being played. The target delay is where the cost of waiting and
// the cost of what would come too late are least, from a forgetting histogram of
// relative delays, in which a packet that was lost arrives with its copy. The
// playout is brought to the target by taking out or putting in pitch periods, in
// pauses by any length.
//
// Where a packet is missing, redundancy (RFC 2198, in-band FEC) is used first, then
// the codec's own concealment where that is the better one; otherwise the signal is
// extrapolated by a linear prediction filter excited by its last pitch period and
// noise, from both sides if the packet behind the gap is already there, and decays
// to the background noise. What comes late is skipped when little was missed, and
// played late, to be caught up with later, when much was.
package neteq
