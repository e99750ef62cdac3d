package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Viewer is what is told about one viewer at a scrape.
type Viewer struct {
	ID                         string // short and public
	Connected                  bool
	RTT                        time.Duration // 0: not known
	LossFraction               float64       // of video, as last reported by the viewer
	BytesSent, PacketsSent     uint64        // video and audio
	FramesSent, FramesDropped  uint64
	NACKs, Retransmitted, PLIs uint64
	TalkPackets, TalkLost      uint64
	Overruns, SendErrors       uint64
}

// SetViewers gives the function that a scrape asks for the viewers. Their
// number, and so the number of series, is bounded by webrtc.max_viewers.
func (m *Metrics) SetViewers(list func() []Viewer) { m.viewers.Store(&list) }

type viewerCollector struct{ m *Metrics }

var (
	viewersDesc  = prometheus.NewDesc("edgecam_viewers", "Viewers by state.", []string{"state"}, nil)
	viewerSeries = []struct {
		desc  *prometheus.Desc
		kind  prometheus.ValueType
		value func(*Viewer) float64
	}{
		{viewerDesc("rtt_seconds", "Round-trip time."), prometheus.GaugeValue, func(v *Viewer) float64 { return v.RTT.Seconds() }},
		{viewerDesc("loss_ratio", "Share of video packets lost, as last reported."), prometheus.GaugeValue, func(v *Viewer) float64 { return v.LossFraction }},
		{viewerDesc("sent_bytes_total", "Media bytes sent."), prometheus.CounterValue, func(v *Viewer) float64 { return float64(v.BytesSent) }},
		{viewerDesc("sent_packets_total", "Media packets sent."), prometheus.CounterValue, func(v *Viewer) float64 { return float64(v.PacketsSent) }},
		{viewerDesc("frames_sent_total", "Video frames sent."), prometheus.CounterValue, func(v *Viewer) float64 { return float64(v.FramesSent) }},
		{viewerDesc("frames_dropped_total", "Video frames not sent to this viewer."), prometheus.CounterValue, func(v *Viewer) float64 { return float64(v.FramesDropped) }},
		{viewerDesc("nacks_total", "Packets asked for again."), prometheus.CounterValue, func(v *Viewer) float64 { return float64(v.NACKs) }},
		{viewerDesc("retransmitted_total", "Packets sent again."), prometheus.CounterValue, func(v *Viewer) float64 { return float64(v.Retransmitted) }},
		{viewerDesc("plis_total", "Key frames asked for."), prometheus.CounterValue, func(v *Viewer) float64 { return float64(v.PLIs) }},
		{viewerDesc("talk_packets_total", "Talk-back packets received."), prometheus.CounterValue, func(v *Viewer) float64 { return float64(v.TalkPackets) }},
		{viewerDesc("talk_lost_total", "Talk-back packets lost."), prometheus.CounterValue, func(v *Viewer) float64 { return float64(v.TalkLost) }},
		{viewerDesc("overruns_total", "Times the viewer fell behind."), prometheus.CounterValue, func(v *Viewer) float64 { return float64(v.Overruns) }},
		{viewerDesc("send_errors_total", "Packets that could not be sent."), prometheus.CounterValue, func(v *Viewer) float64 { return float64(v.SendErrors) }},
	}
)

func viewerDesc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("edgecam_viewer_"+name, help, []string{"viewer"}, nil)
}

// Describe implements prometheus.Collector.
func (c *viewerCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- viewersDesc
	for _, s := range viewerSeries {
		ch <- s.desc
	}
}

// Collect implements prometheus.Collector.
func (c *viewerCollector) Collect(ch chan<- prometheus.Metric) {
	var list []Viewer
	if f := c.m.viewers.Load(); f != nil {
		list = (*f)()
	}
	connected := 0
	seen := map[string]bool{} // the same ID twice would fail the whole scrape
	for i := range list {
		v := &list[i]
		if v.Connected {
			connected++
		}
		if seen[v.ID] {
			continue
		}
		seen[v.ID] = true
		for _, s := range viewerSeries {
			ch <- prometheus.MustNewConstMetric(s.desc, s.kind, s.value(v), v.ID)
		}
	}
	ch <- prometheus.MustNewConstMetric(viewersDesc, prometheus.GaugeValue, float64(connected), "connected")
	ch <- prometheus.MustNewConstMetric(viewersDesc, prometheus.GaugeValue, float64(len(list)-connected), "connecting")
}
