package session

import (
	"slices"
	"time"

	"github.com/edgecam/edgecam/engine/media"
)

const (
	// defaultCeiling holds until SetVideoCeiling is called.
	defaultCeiling = 2_000_000
	// rateInterval is the least time between two changes of the streams' rates.
	rateInterval = 50 * time.Millisecond
	// upPatience is how long a viewer whose path has become better waits for a
	// key frame of the main stream that somebody else needs, and upInterval the
	// least time between two key frames that are made for such viewers only.
	upPatience = 2 * time.Second
	upInterval = 5 * time.Second
	// layersHold is how long temporal layers stay when nobody needs them any
	// more.
	layersHold = 3 * time.Second
)

// VideoPlan is what is worth coding: the streams and rates that the viewers'
// paths carry together. Rates are bits per second of payload; a stream of rate 0
// is taken by nobody.
type VideoPlan struct {
	MainBps, ThumbBps, H264Bps int
	// Layers is how many temporal layers main shall have, 1 or 2.
	Layers int
}

// SetVideoCeiling tells the rate, in bits per second, that the main stream has
// when no viewer's path forbids it.
func (m *Manager) SetVideoCeiling(bps int) {
	if m.ceiling.Swap(int64(bps)) == int64(bps) {
		return
	}
	for _, v := range m.list() {
		v.path.setCeiling(bps)
	}
	m.adaptVideo(true)
}

// adaptVideo finds each viewer the stream that its path carries, and tells the
// encoder what they need together. It is called with every report of every
// viewer, and does little most of the time.
func (m *Manager) adaptVideo(now bool) {
	if m.hooks.VideoPlan == nil {
		return
	}
	at := time.Since(m.clock.epoch)
	if last := m.rateAsked.Load(); now {
		m.rateAsked.Store(int64(at))
	} else if int64(at)-last < int64(rateInterval) || !m.rateAsked.CompareAndSwap(last, int64(at)) {
		return
	}
	var wishes [media.NumStreams]string
	m.fan.Lock()
	plan := m.out.decide(at, int(m.ceiling.Load()), &wishes)
	old := m.out.plan
	changed := plan.differs(old, int(m.ceiling.Load()))
	if changed {
		m.out.plan = plan
	}
	m.fan.Unlock()
	if changed {
		m.planMu.Lock()
		m.fan.Lock()
		plan = m.out.plan // another may have overtaken us
		m.fan.Unlock()
		m.hooks.VideoPlan(plan)
		m.planMu.Unlock()
	}
	for s, reason := range wishes {
		if reason != "" {
			m.gates[s].request(reason)
		}
	}
}

// differs reports whether a change from o is worth telling: below one part in
// fifty nobody sees it.
func (p VideoPlan) differs(o VideoPlan, ceiling int) bool {
	far := func(a, b int) bool {
		return (a == 0) != (b == 0) || max(a-b, b-a) > b/50 || a != b && a == ceiling
	}
	return far(p.MainBps, o.MainBps) || far(p.ThumbBps, o.ThumbBps) || far(p.H264Bps, o.H264Bps) || p.Layers != o.Layers
}

// decide moves viewers between streams and layers, and returns what they need
// together. wishes become the reasons for key frames. Called under Manager.fan.
func (o *fanout) decide(now time.Duration, ceiling int, wishes *[media.NumStreams]string) VideoPlan {
	s, hard := o.scales(ceiling)
	plan := VideoPlan{Layers: 1}
	mainTaken, basic := len(o.readers) > 0, 0
	if mainTaken {
		plan.MainBps = ceiling
	}
	thumbs := o.rates[:0]
	for _, v := range o.watchers {
		w := &v.forward
		r := v.rate(ceiling)
		if w.hard(o.h264) {
			w.move(now, r, hard)
		} else {
			w.move(now, r, s)
		}
		if want := w.choose(o.h264); want != w.want {
			w.want, w.asked = want, now
		}
		if o.takesH264(w) {
			plan.H264Bps = hard.lower(plan.H264Bps, r)
		}
		if w.stream == media.StreamMain || w.want == media.StreamMain {
			mainTaken = true
		}
		switch {
		case w.want == media.StreamH264:
		case w.level == levelFull:
			r = max(r, int(equalShare*float64(s.best)))
			if plan.MainBps == 0 || r < plan.MainBps {
				plan.MainBps = r
			}
		case w.level == levelBase:
			plan.Layers = 2
			basic = max(basic, r)
		}
		// Who is on the way to another stream has this one still.
		if w.want == media.StreamThumb || w.stream == media.StreamThumb {
			thumbs = append(thumbs, min(v.rate(ceiling), ceiling/thumbCeiling))
		}
	}
	o.rates = thumbs
	if plan.MainBps == 0 && mainTaken {
		plan.MainBps = max(basic, s.floor)
	}
	if plan.Layers == 2 {
		o.layersUntil = now + layersHold
	} else if now < o.layersUntil && mainTaken {
		plan.Layers = 2
	}
	if len(thumbs) > 0 {
		plan.ThumbBps = commonRate(thumbs, ceiling/thumbCeiling)
	}
	o.wish(now, wishes)
	return plan
}

// wish finds the key frames that viewers wait for to change streams. One who goes
// down needs it at once. One who goes up waits for a while, since it costs
// all others quality.
func (o *fanout) wish(now time.Duration, wishes *[media.NumStreams]string) {
	for _, v := range o.watchers {
		w := &v.forward
		switch {
		case w.stream == w.want:
		case w.want == media.StreamThumb, o.plan.rate(w.want) == 0, w.stream == media.StreamH264 && !o.h264:
			wishes[w.want] = ReasonSwitch
		case now-w.asked > upPatience && (o.upKey == 0 || now-o.upKey > upInterval):
			wishes[w.want] = ReasonSwitch
			o.upKey = now
		}
	}
}

// rate is what a viewer's path carries of video: the ceiling while it is not
// known.
func (v *Viewer) rate(ceiling int) int {
	if bps := int(v.path.video.Load()); bps > 0 && v.path.enabled.Load() {
		return min(bps, ceiling)
	}
	return ceiling
}

// commonRate is the rate of a stream that all its viewers share: the slowest
// path's, but at least a quarter of the next one's, so that a single bad path does not
// take the picture from all others. rates is put in order.
func commonRate(rates []int, ceiling int) int {
	if len(rates) == 0 {
		return ceiling
	}
	slices.Sort(rates)
	rate := rates[0]
	if len(rates) > 1 {
		rate = max(rate, rates[1]/4)
	}
	return min(rate, ceiling)
}
