package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/engine/voice/neteq"
)

// SetTalkers gives the function that a scrape asks for the receive statistics of
// the viewers who talk. Their number is bounded by the engine.
func (m *Metrics) SetTalkers(list func() map[session.ViewerID]neteq.Stats) { m.talkers.Store(&list) }

type talkerCollector struct{ m *Metrics }

type talkerMetric struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*neteq.Stats) float64
}

func talkerGauge(name, help string, value func(*neteq.Stats) float64) talkerMetric {
	return talkerMetric{prometheus.NewDesc("edgecam_talker_"+name, help, []string{"viewer"}, nil), prometheus.GaugeValue, value}
}

func talkerTotal(name, help string, value func(*neteq.Stats) float64) talkerMetric {
	return talkerMetric{prometheus.NewDesc("edgecam_talker_"+name+"_total", help, []string{"viewer"}, nil), prometheus.CounterValue, value}
}

// Names follow W3C webrtc-stats.
var talkerSeries = []talkerMetric{
	talkerGauge("playout_delay_seconds", "Delay of the voice behind its fastest packets.", func(s *neteq.Stats) float64 { return s.PlayoutDelay.Seconds() }),
	talkerGauge("target_delay_seconds", "Delay that the jitter buffer aims at.", func(s *neteq.Stats) float64 { return s.TargetDelay.Seconds() }),
	talkerTotal("jitter_buffer_delay_seconds", "Sum over all samples of their time in the jitter buffer.", func(s *neteq.Stats) float64 { return s.JitterBufferDelay }),
	talkerTotal("jitter_buffer_emitted", "Samples that left the jitter buffer.", func(s *neteq.Stats) float64 { return float64(s.JitterBufferEmittedCount) }),
	talkerTotal("samples_received", "Samples played.", func(s *neteq.Stats) float64 { return float64(s.TotalSamplesReceived) }),
	talkerTotal("concealed_samples", "Samples that stood in for missing ones.", func(s *neteq.Stats) float64 { return float64(s.ConcealedSamples) }),
	talkerTotal("concealment_events", "Times that something was missing.", func(s *neteq.Stats) float64 { return float64(s.ConcealmentEvents) }),
	talkerTotal("inserted_samples_for_deceleration", "Samples put in to play more slowly.", func(s *neteq.Stats) float64 { return float64(s.InsertedSamplesForDeceleration) }),
	talkerTotal("removed_samples_for_acceleration", "Samples taken out to play faster.", func(s *neteq.Stats) float64 { return float64(s.RemovedSamplesForAcceleration) }),
	talkerTotal("packets_discarded", "Packets that came too late, twice or broken.", func(s *neteq.Stats) float64 { return float64(s.PacketsDiscarded) }),
	talkerTotal("fec_packets_used", "Packets mended by redundancy.", func(s *neteq.Stats) float64 { return float64(s.FECPacketsUsed) }),
}

// Describe implements prometheus.Collector.
func (c *talkerCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, s := range talkerSeries {
		ch <- s.desc
	}
}

// Collect implements prometheus.Collector.
func (c *talkerCollector) Collect(ch chan<- prometheus.Metric) {
	f := c.m.talkers.Load()
	if f == nil {
		return
	}
	for id, stats := range (*f)() {
		for _, s := range talkerSeries {
			ch <- prometheus.MustNewConstMetric(s.desc, s.kind, s.value(&stats), string(id))
		}
	}
}
