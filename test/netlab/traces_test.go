package netlab_test

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/session/congestion"
	"github.com/edgecam/edgecam/test/netlab"
)

// trace is a path over time, and what the congestion controller must make of it.
// The path and the controller have no clock, so a minute takes a fraction of a
// second and the figures are the same on every machine.
type trace struct {
	name   string
	script []netlab.Step
	length time.Duration
	rival  bool // a download that halves its window at a loss, from 10 s on
	// spans are where the figures are taken: the median of several runs keeps
	// the bounds, and each run nearly.
	spans []span
	// drop is when the capacity falls, 0: never; the queue must be gone within
	// recovery.
	drop, recovery time.Duration
}

// span holds the bounds of one part: least utilisation of what the path carries,
// most p95 of the delay in its queue, in ms.
type span struct {
	from, to time.Duration
	used     float64
	p95      float64
}

// encoderMost is what the encoder may send at most.
const encoderMost = 4_000_000

type flight struct {
	at    time.Duration
	sent  time.Duration
	seq   uint16
	bytes int
	tcp   bool
	lost  bool
	queue time.Duration
}

type flights []flight

func (f flights) Len() int           { return len(f) }
func (f flights) Less(i, j int) bool { return f[i].at < f[j].at }
func (f flights) Swap(i, j int)      { f[i], f[j] = f[j], f[i] }
func (f *flights) Push(x any)        { *f = append(*f, x.(flight)) }
func (f *flights) Pop() any {
	old := *f
	x := old[len(old)-1]
	*f = old[:len(old)-1]
	return x
}

// outcome is what a run shows, by packet that has arrived.
type outcome struct {
	packets []flight
	tcpBits map[int]float64 // by second
}

// run sends video over the path of a trace.
func (tr *trace) run(t *testing.T, seed uint64) (o outcome) {
	t.Helper()
	c, err := congestion.New(congestion.Config{MinBps: 60_000, MaxBps: encoderMost * 3 / 2, StartBps: 1_000_000})
	if err != nil {
		t.Fatal(err)
	}
	path := netlab.NewPath(seed, tr.script...)
	conditions := func(at time.Duration) (now netlab.Conditions) {
		for _, s := range tr.script {
			if s.At <= at {
				now = s.Conditions
			}
		}
		return now
	}
	rng := rand.New(rand.NewPCG(seed, 1))
	epoch := time.Unix(1_800_000_000, 0)
	o.tcpBits = map[int]float64{}
	var (
		wait          []int // sizes of packets in the pacer
		bursts        []uint32
		due           time.Duration
		seq, reported uint16
		arrived       = map[uint16]time.Duration{}
		highest       uint16
		any           bool
		inNet         flights
		reports       []func()
		reportsAt     []time.Duration
		frame         uint32
		nextFrame     time.Duration
		nextReport    time.Duration
		rival         = netlab.NewDownload()
	)
	const packetBytes, wire = 1150, 80
	send := func(now time.Duration, bytes int, tcp bool, s uint16) {
		delay := conditions(now).Delay
		for i, at := range path.Send(bytes-28, epoch.Add(now)) {
			if i == 0 {
				heap.Push(&inNet, flight{at: at.Sub(epoch), sent: now, seq: s, bytes: bytes, tcp: tcp, queue: at.Sub(epoch) - now - delay})
				return
			}
		}
		if tcp { // noticed when later packets have come back
			heap.Push(&inNet, flight{at: now + 2*delay + 50*time.Millisecond, sent: now, tcp: true, lost: true})
		}
	}
	const step = time.Millisecond / 2
	for now := time.Duration(0); now < tr.length; now += step {
		e := c.Estimate()
		if now >= nextFrame {
			nextFrame += time.Second / 30
			frame++
			bytes := int(float64(min(e.TargetBps, encoderMost)) * 0.93 / 8 / 30 * (0.8 + 0.4*rng.Float64()))
			for bytes > 0 {
				wait = append(wait, min(bytes, packetBytes)+wire)
				bursts = append(bursts, frame)
				bytes -= packetBytes
			}
		}
		for len(wait) > 0 && due <= now {
			c.Sent(now, seq, wait[0], bursts[0])
			send(now, wait[0], false, seq)
			due = max(due, now-5*time.Millisecond) + time.Duration(wait[0])*8*time.Second/time.Duration(e.PacingBps)
			wait, bursts = wait[1:], bursts[1:]
			seq++
		}
		for tr.rival && now > 10*time.Second && rival.Next() {
			send(now, netlab.DownloadBytes, true, 0)
		}
		for len(inNet) > 0 && inNet[0].at <= now {
			f := heap.Pop(&inNet).(flight)
			switch {
			case f.tcp && f.lost:
				rival.Lost(now)
			case f.tcp:
				rival.Acked()
				o.tcpBits[int(now/time.Second)] += float64(f.bytes) * 8
			default:
				arrived[f.seq] = f.at
				if !any || int16(f.seq-highest) > 0 {
					any, highest = true, f.seq
				}
				o.packets = append(o.packets, f)
			}
		}
		if now >= nextReport {
			nextReport += 50 * time.Millisecond
			if any && int16(highest-reported) >= 0 {
				var list []congestion.Arrival
				for ; int16(highest-reported) >= 0; reported++ {
					at, ok := arrived[reported]
					list = append(list, congestion.Arrival{Seq: reported, Received: ok, At: at.Truncate(250 * time.Microsecond)})
					delete(arrived, reported)
				}
				back := now + conditions(now).Delay
				reports = append(reports, func() { c.Feedback(back, list) })
				reportsAt = append(reportsAt, back)
			}
			c.Tick(now)
		}
		for len(reports) > 0 && reportsAt[0] <= now {
			reports[0]()
			reports, reportsAt = reports[1:], reportsAt[1:]
		}
	}
	return o
}

// between returns the share of the path's capacity that was used, and the p95 of
// the queue in ms.
func (o *outcome) between(tr *trace, s span) (used, p95 float64) {
	bits := 0.0
	var queue []float64
	for i := range o.packets {
		if f := &o.packets[i]; f.at >= s.from && f.at < s.to {
			bits += float64(f.bytes) * 8
			queue = append(queue, f.queue.Seconds()*1000)
		}
	}
	capacity := 0.0
	const dt = 10 * time.Millisecond
	for at := s.from; at < s.to; at += dt {
		rate := 0.0
		for _, st := range tr.script {
			if st.At <= at {
				rate = float64(st.RateBps)
			}
		}
		capacity += rate * dt.Seconds() // a path loses packets before its queue
	}
	slices.Sort(queue)
	if len(queue) == 0 {
		return 0, 0
	}
	return bits / capacity, queue[len(queue)*95/100]
}

// recovered returns how long after the capacity fell the queue was gone for half a
// second.
func (o *outcome) recovered(drop time.Duration) time.Duration {
	last := time.Duration(0)
	for i := range o.packets {
		f := &o.packets[i]
		if f.at < drop {
			continue
		}
		if f.queue > 60*time.Millisecond {
			last = f.at - drop
		}
		if f.at-drop-last > 500*time.Millisecond {
			break
		}
	}
	return last
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// at is a step of the script.
func at(s float64, c netlab.Conditions) netlab.Step {
	return netlab.Step{At: seconds(s), Conditions: c}
}

func traces() []trace {
	const ms = time.Millisecond
	base := netlab.Conditions{RateBps: 2_000_000, Delay: 20 * ms, Queue: 300 * ms}
	with := func(f func(*netlab.Conditions)) netlab.Conditions {
		c := base
		f(&c)
		return c
	}
	rate := func(bps int) netlab.Conditions { return with(func(c *netlab.Conditions) { c.RateBps = bps }) }
	steady := []span{{seconds(10), seconds(60), 0.85, 50}}
	list := []trace{
		{
			name: "3, 0.5, 2 Mbit/s", length: seconds(60), drop: seconds(20), recovery: seconds(2),
			script: []netlab.Step{at(0, rate(3_000_000)), at(20, rate(500_000)), at(40, rate(2_000_000))},
			spans:  []span{{seconds(8), seconds(20), 0.85, 50}, {seconds(23), seconds(40), 0.85, 50}, {seconds(47), seconds(60), 0.85, 50}},
		},
		{
			name: "Wi-Fi: jitter and bursts of loss", length: seconds(60), spans: []span{{seconds(10), seconds(60), 0.85, 50}},
			script: []netlab.Step{at(0, with(func(c *netlab.Conditions) { c.Jitter, c.Loss, c.Burst = 8*ms, 0.01, 4 }))},
		},
		{
			name: "a download beside it", length: seconds(60), rival: true, spans: []span{{seconds(20), seconds(60), 0.15, 1000}},
			script: []netlab.Step{at(0, rate(3_000_000))},
		},
	}
	for _, loss := range []float64{0.05, 0.1, 0.2} {
		list = append(list, trace{
			name: fmt.Sprintf("loss %.0f %%", 100*loss), length: seconds(60), spans: steady,
			script: []netlab.Step{at(0, with(func(c *netlab.Conditions) { c.Loss = loss }))},
		})
	}
	for _, rtt := range []time.Duration{20 * ms, 100 * ms, 200 * ms, 400 * ms} {
		list = append(list, trace{
			name: fmt.Sprintf("round trip %d ms", rtt.Milliseconds()), length: seconds(60), spans: []span{{seconds(15), seconds(60), 0.85, 50}},
			script: []netlab.Step{at(0, with(func(c *netlab.Conditions) { c.Delay = rtt / 2 }))},
		})
	}
	return list
}

// TestTraces is the table of docs/network.md: go test -v -run TestTraces
// ./test/netlab.
func TestTraces(t *testing.T) {
	seeds := uint64(5)
	if os.Getenv("EDGECAM_TRACES") == "long" {
		seeds = 21
	}
	for _, tr := range traces() {
		used, p95 := make([][]float64, len(tr.spans)), make([][]float64, len(tr.spans))
		slowest, tcp := time.Duration(0), 0.0
		for seed := range seeds {
			o := tr.run(t, seed)
			for i, s := range tr.spans {
				u, q := o.between(&tr, s)
				used[i], p95[i] = append(used[i], u), append(p95[i], q)
			}
			if tr.drop > 0 {
				slowest = max(slowest, o.recovered(tr.drop))
			}
			for sec := 20; sec < 60; sec++ {
				tcp += o.tcpBits[sec] / 40 / 3e6 / float64(seeds)
			}
		}
		line := "| " + tr.name + " |"
		for i, s := range tr.spans {
			slices.Sort(used[i])
			slices.Sort(p95[i])
			u, q := used[i][seeds/2], p95[i][seeds/2]
			least, most := used[i][0], p95[i][seeds-1]
			line += fmt.Sprintf(" %.0f to %.0f s: %.0f %% (%.0f), %.0f ms (%.0f) |", s.from.Seconds(), s.to.Seconds(), 100*u, 100*least, q, most)
			if u < s.used || q > s.p95 || least < s.used*0.7 || most > s.p95*1.3 {
				t.Errorf("%s, %v to %v: %.2f used, at least %.2f; p95 of the queue %.0f ms, at most %.0f; want %.2f and %.0f ms",
					tr.name, s.from, s.to, u, least, q, most, s.used, s.p95)
			}
		}
		if tr.drop > 0 {
			line += fmt.Sprintf(" queue gone after %.2f s |", slowest.Seconds())
			if slowest > tr.recovery {
				t.Errorf("%s: the queue was gone %v after the drop, want %v", tr.name, slowest, tr.recovery)
			}
		}
		if tr.rival {
			line += fmt.Sprintf(" the download had %.0f %% |", 100*tcp)
			if tcp < 0.2 {
				t.Errorf("%s: the download had %.2f of the path", tr.name, tcp)
			}
		}
		t.Log(line)
	}
}
