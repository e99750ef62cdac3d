package main

import (
	"time"

	"github.com/edgecam/edgecam/test/netlab"
)

// trace is a path over time.
type trace struct {
	name   string
	script []netlab.Step // to the watcher; what goes back has the same delay
	length time.Duration
	// download is when a TCP flow joins, 0: never.
	download time.Duration
	spans    []span
	// drop is when the capacity falls, 0: never.
	drop time.Duration
}

// span is a part that figures are taken of, after senders had time to find their rate.
type span struct{ from, to time.Duration }

const second = time.Second

// traces are those of test/netlab's TestTraces, shorter.
func traces() []trace {
	const ms = time.Millisecond
	base := netlab.Conditions{RateBps: 2_000_000, Delay: 20 * ms, Queue: 300 * ms}
	with := func(f func(*netlab.Conditions)) netlab.Conditions {
		c := base
		f(&c)
		return c
	}
	rate := func(bps int) netlab.Conditions { return with(func(c *netlab.Conditions) { c.RateBps = bps }) }
	steady := func(name string, f func(*netlab.Conditions)) trace {
		return trace{name: name, length: 36 * second, script: []netlab.Step{netlab.Always(with(f))}, spans: []span{{12 * second, 36 * second}}}
	}
	return []trace{
		{
			name: "3, 0.5, 2 Mbit/s", length: 54 * second, drop: 18 * second,
			script: []netlab.Step{netlab.Always(rate(3_000_000)), {At: 18 * second, Conditions: rate(500_000)}, {At: 34 * second, Conditions: rate(2_000_000)}},
			spans:  []span{{9 * second, 18 * second}, {21 * second, 34 * second}, {41 * second, 54 * second}},
		},
		steady("Wi-Fi bursts", func(c *netlab.Conditions) { c.Jitter, c.Loss, c.Burst = 8*ms, 0.01, 4 }),
		steady("5 % loss", func(c *netlab.Conditions) { c.Loss = 0.05 }),
		steady("20 % loss", func(c *netlab.Conditions) { c.Loss = 0.2 }),
		steady("round trip 20 ms", func(c *netlab.Conditions) { c.Delay = 10 * ms }),
		steady("round trip 400 ms", func(c *netlab.Conditions) { c.Delay = 200 * ms }),
		{
			name: "a download, 3 Mbit/s", length: 45 * second, download: 10 * second,
			script: []netlab.Step{netlab.Always(rate(3_000_000))}, spans: []span{{17 * second, 45 * second}},
		},
	}
}

// conditions are those of the path at a time.
func (tr *trace) conditions(at time.Duration) (c netlab.Conditions) {
	for _, s := range tr.script {
		if s.At <= at {
			c = s.Conditions
		}
	}
	return c
}

// back is the script of the other direction.
func (tr *trace) back() []netlab.Step {
	var out []netlab.Step
	for _, s := range tr.script {
		out = append(out, netlab.Step{At: s.At, Conditions: netlab.Conditions{Delay: s.Delay}})
	}
	return out
}
