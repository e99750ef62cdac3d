// Package congestion estimates what a network path carries, from the times at
// which packets left and arrived, and paces what is sent.
//
// A [Controller] belongs to one viewer. It is told of every packet that leaves
// ([Controller.Sent]) and of the transport-wide feedback that comes back
// ([Controller.Feedback], draft-holmer-rmcat-transport-wide-cc-extensions-01),
// and answers with a target rate for the encoder and a pacing rate
// ([Controller.Estimate]). A [Pacer] spreads the packets of a picture over time
// without ever holding sound back.
//
// # How it decides
//
// The measure is the standing queue: the least one-way delay within a window
// that is long enough to hold the start of a picture, above the path's usual
// one. A picture's own packets queue behind each other and a radio link delays
// in bursts, but neither lifts the least delay. While a queue stands the link is
// busy all the time, so what arrives during the window is what it carries: the
// target is set just below that, and lower as long as the queue drains.
//
// No padding is sent to learn whether more would fit. The packets of a picture
// leave faster than the mean rate and show it: a train that arrives as quickly
// as it left proves the rate at which it left.
//
// Loss without a queue may be a radio link's or a short queue's. One experiment
// tells: if the share of lost packets does not fall when the rate does, it has
// nothing to do with the rate, and is left to retransmission.
//
// A queue that does not drain although the rate was halved belongs to somebody
// else. The delay is then theirs to keep, and the controller shares by loss, as
// they do, until the queue is gone.
//
// The package is a library: it has no clock, socket or goroutine. Times are
// durations since any fixed moment. The sender's and the receiver's need not be
// the same, and their clocks may drift.
package congestion
