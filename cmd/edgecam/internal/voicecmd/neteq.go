package voicecmd

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/voice/neteq"
)

// NetEQOptions are the options of "edgecam voice neteq".
type NetEQOptions struct {
	// Codec is l16 or one of Codecs.
	Codec string
	// Trace says when packets of 20 ms arrive, In is the WAV file they hold, Out what
	// is played.
	Trace, In, Out string
	// Stats is a JSON file; Timeline, unless empty, a CSV file with a line per
	// 10 ms: time, playout delay, target delay, samples concealed and stretched.
	Stats, Timeline string
	// RateHz, unless 0, must be the file's rate.
	RateHz int
	// BitrateBps is the target rate of Opus; 0: the default.
	BitrateBps int
}

// neteqStats is what --stats holds: a summary, and the engine's statistics.
type neteqStats struct {
	DelayMs       float64 // mean time of samples in the buffer
	TargetMs      float64
	ConcealedPct  float64
	AcceleratePct float64
	PreemptPct    float64
	Events        uint64 // concealments
	neteq.Stats
}

const packetsPerSecond = 50

// NetEQ plays o.In through the receive buffer, packets arriving as in o.Trace. The
// result begins when the first packet is sent and is as long as what was sent: its
// end is still on its way. Errors of input and options wrap ErrUsage.
func NetEQ(o NetEQOptions) error {
	if o.Trace == "" || o.In == "" || o.Out == "" {
		return fmt.Errorf("%w: --trace, --in and --out are all needed", ErrUsage)
	}
	trace, err := readTrace(o.Trace)
	if err != nil {
		return err
	}
	in, err := readInput(o.In, o.Out, o.RateHz)
	if err != nil {
		return err
	}
	ch, err := newChannel(o, in)
	if err != nil {
		return err
	}
	if len(trace) > len(ch.packets) {
		trace = trace[:len(ch.packets)]
	}
	timeline := &strings.Builder{}
	out, stats := ch.run(trace, o.Timeline != "", timeline)
	if err := writeWAV(o.Out, sound{rateHz: in.rateHz, samples: out}); err != nil {
		return err
	}
	if o.Timeline != "" {
		if err := os.WriteFile(o.Timeline, []byte(timeline.String()), 0o644); err != nil {
			return fmt.Errorf("voice: %w", err)
		}
	}
	if o.Stats == "" {
		return nil
	}
	line, err := json.MarshalIndent(stats, "", "  ")
	if err != nil {
		return fmt.Errorf("voice: %w", err)
	}
	if err := os.WriteFile(o.Stats, append(line, '\n'), 0o644); err != nil {
		return fmt.Errorf("voice: %w", err)
	}
	return nil
}

// channel is what lies between the input and the receive buffer.
type channel struct {
	rateHz, clockHz int
	packets         [][]byte // one per 20 ms; empty where nothing is sent
	dec             neteq.Decoder
	own             bool
}

func newChannel(o NetEQOptions, in sound) (*channel, error) {
	ch := &channel{rateHz: in.rateHz, clockHz: in.rateHz}
	if o.Codec == "" || o.Codec == codecL16 {
		l := &l16{rateHz: in.rateHz}
		ch.dec = l
		if in.rateHz%8000 != 0 || in.rateHz > media.EngineRateHz || in.rateHz == 40000 {
			return nil, fmt.Errorf("%w: %s has %d Hz: l16 takes 8000, 16000, 24000, 32000 and 48000", ErrUsage, o.In, in.rateHz)
		}
		ch.packets = make([][]byte, 0, len(in.samples)/(in.rateHz/packetsPerSecond))
		return ch, ch.encode(l, in)
	}
	c, err := findCodec(o.Codec)
	if err != nil {
		return nil, err
	}
	e, err := c.newEncoder(EncodeOptions{Codec: o.Codec, BitrateBps: o.BitrateBps})
	if err != nil {
		return nil, err
	}
	d, err := c.newDecoder(DecodeOptions{})
	if err != nil {
		return nil, err
	}
	nd, ok := d.(neteq.Decoder)
	if !ok || e.FrameSamples()*packetsPerSecond != e.RateHz() {
		return nil, fmt.Errorf("%w: --codec %s has no packets of 20 ms: take l16, ilbc20, opus, g722, pcmu or pcma", ErrUsage, o.Codec)
	}
	if in.rateHz != e.RateHz() {
		return nil, fmt.Errorf("%w: %s has %d Hz, %s codes %d Hz: convert it, for example with 'ffmpeg -ar %d'", ErrUsage, o.In, in.rateHz, o.Codec, e.RateHz(), e.RateHz())
	}
	ch.dec = nd
	ch.own = o.Codec == "opus" || strings.HasPrefix(o.Codec, "ilbc")
	if o.Codec == "g722" {
		ch.clockHz = 8000
	}
	return ch, ch.encode(e, in)
}

func (ch *channel) encode(e frameEncoder, in sound) error {
	buf := make([]byte, e.MaxPacketBytes())
	n := e.FrameSamples()
	var all []byte
	for x := in.samples; len(x) >= n; x = x[n:] {
		size, err := e.Encode(x[:n], buf)
		if err != nil {
			return fmt.Errorf("voice: %w", err)
		}
		if cap(all)-len(all) < size {
			all = make([]byte, 0, max(1<<16, size))
		}
		all = append(all, buf[:size]...)
		ch.packets = append(ch.packets, all[len(all)-size:len(all):len(all)])
	}
	return nil
}

// run plays the packets of a trace.
func (ch *channel) run(trace []traceLine, wantTimeline bool, timeline *strings.Builder) ([]int16, neteqStats) {
	q := neteq.NewMulti(neteq.Config{})
	if err := q.Register(0, neteq.Codec{Decoder: ch.dec, ClockHz: ch.clockHz, OwnConcealment: ch.own}); err != nil {
		panic(err) // the rates have been checked
	}
	blocks := len(trace) * 2
	n := ch.rateHz / 100
	out := make([]int16, 0, blocks*n)
	pcm := make([]int16, media.BlockSamples)
	if wantTimeline {
		timeline.WriteString("time_ms,playout_delay_ms,target_delay_ms,concealed_samples,removed_samples,inserted_samples\n")
	}
	arrivals := byArrival(trace)
	for k := range blocks {
		now := float64(k) * 10
		for ; len(arrivals) > 0 && arrivals[0].arrival <= now; arrivals = arrivals[1:] {
			l := arrivals[0]
			payload := ch.packets[l.index]
			if len(payload) == 0 {
				continue
			}
			q.InsertPacket(neteq.Packet{
				SequenceNumber: uint16(l.seq), Timestamp: uint32(int64(l.sent) * int64(ch.clockHz) / 1000), Payload: payload,
			})
		}
		m, _ := q.PullSamples(pcm)
		if m < n { // before the first packet
			clear(pcm[m:n])
		}
		out = append(out, pcm[:n]...)
		if wantTimeline {
			s := q.Stats()
			fmt.Fprintf(timeline, "%.0f,%.2f,%.2f,%d,%d,%d\n", now, s.PlayoutDelay.Seconds()*1000, s.TargetDelay.Seconds()*1000,
				s.ConcealedSamples, s.RemovedSamplesForAcceleration, s.InsertedSamplesForDeceleration)
		}
	}
	s := neteqStats{Stats: q.Stats()}
	if e := float64(s.JitterBufferEmittedCount); e > 0 {
		s.DelayMs, s.TargetMs = 1000*s.JitterBufferDelay/e, 1000*s.JitterBufferTargetDelay/e
	}
	if t := float64(s.TotalSamplesReceived) / 100; t > 0 {
		s.ConcealedPct = float64(s.ConcealedSamples) / t
		s.AcceleratePct = float64(s.RemovedSamplesForAcceleration) / t
		s.PreemptPct = float64(s.InsertedSamplesForDeceleration) / t
	}
	s.Events = s.ConcealmentEvents
	return out, s
}
