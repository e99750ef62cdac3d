package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/edgecam/edgecam/engine"
)

// SetVoice gives the function that a scrape asks for the statistics of the
// microphone's front end. Stages that are switched off have no series.
func (m *Metrics) SetVoice(stats func() engine.VoiceStats) { m.voice.Store(&stats) }

type voiceCollector struct{ m *Metrics }

type voiceSeries struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*engine.VoiceStats) float64
}

func gaugeOf(name, help string, value func(*engine.VoiceStats) float64) voiceSeries {
	return voiceSeries{prometheus.NewDesc("edgecam_voice_"+name, help, nil, nil), prometheus.GaugeValue, value}
}

func totalOf(name, help string, value func(*engine.VoiceStats) float64) voiceSeries {
	return voiceSeries{prometheus.NewDesc("edgecam_voice_"+name+"_total", help, nil, nil), prometheus.CounterValue, value}
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// blockSeconds is the length of a block.
const blockSeconds = 0.01

var (
	activitySeries = []voiceSeries{
		gaugeOf("speech", "Whether somebody speaks at the microphone.", func(s *engine.VoiceStats) float64 { return flag(s.Speech) }),
		gaugeOf("level_db", "Level at the microphone after the noise reduction, in dB of a full-scale square wave.", func(s *engine.VoiceStats) float64 { return float64(s.Activity.LevelDBov) }),
		totalOf("speech_seconds", "Time in which somebody spoke at the microphone.", func(s *engine.VoiceStats) float64 { return float64(s.Activity.SpeechFrames) * blockSeconds }),
		gaugeOf("visitor", "Whether somebody speaks at the node, pauses between words counted in.", func(s *engine.VoiceStats) float64 { return flag(s.Visitor) }),
		totalOf("ducked_seconds", "Time in which the microphone was turned down because a caller was heard (half duplex).", func(s *engine.VoiceStats) float64 { return float64(s.DuckedBlocks) * blockSeconds }),
		gaugeOf("delay_seconds", "Delay of the microphone's front end.", func(s *engine.VoiceStats) float64 { return float64(s.DelayMS) / 1000 }),
	}
	echoSeries = []voiceSeries{
		gaugeOf("echo_erle_db", "Echo return loss enhancement: by how much the echo is turned down.", func(s *engine.VoiceStats) float64 { return float64(s.Echo.ERLEcB) / 10 }),
		gaugeOf("echo_linear_erle_db", "The adaptive filter's part of it.", func(s *engine.VoiceStats) float64 { return float64(s.Echo.LinearERLEcB) / 10 }),
		gaugeOf("echo_erl_db", "Echo return loss: by how much the microphone hears the speaker more softly.", func(s *engine.VoiceStats) float64 { return float64(s.Echo.ERLcB) / 10 }),
		gaugeOf("echo_delay_seconds", "Delay from the reference to the echo.", func(s *engine.VoiceStats) float64 { return s.Echo.Delay.Seconds() }),
		gaugeOf("echo_locked", "Whether the delay is known.", func(s *engine.VoiceStats) float64 { return flag(s.Echo.Locked) }),
		gaugeOf("echo_drift_ppm", "By how much the speaker's clock is taken to run faster than the microphone's, in millionths.", func(s *engine.VoiceStats) float64 { return float64(s.Echo.DriftPPM) }),
		gaugeOf("echo_double_talk", "Whether both ends talk.", func(s *engine.VoiceStats) float64 { return flag(s.Echo.DoubleTalk) }),
		totalOf("echo_double_talk_seconds", "Time in which both ends talked.", func(s *engine.VoiceStats) float64 { return float64(s.Echo.DoubleTalkFrames) * blockSeconds }),
		totalOf("echo_half_duplex_seconds", "Time in which the canceller muted the microphone because it did not know the echo yet.", func(s *engine.VoiceStats) float64 { return float64(s.Echo.HalfDuplexFrames) * blockSeconds }),
		totalOf("echo_divergences", "Restarts of the adaptive filter because it made the echo louder.", func(s *engine.VoiceStats) float64 { return float64(s.Echo.Divergences) }),
		totalOf("echo_path_changes", "Changes of the echo path.", func(s *engine.VoiceStats) float64 { return float64(s.Echo.PathChanges) }),
		totalOf("far_realigned", "Times that lost samples were made up for between speaker and microphone.", func(s *engine.VoiceStats) float64 { return float64(s.FarEnd.Realigned) }),
		totalOf("far_gaps", "Times that the speaker ran dry.", func(s *engine.VoiceStats) float64 { return float64(s.FarEnd.Gaps) }),
		totalOf("far_late", "Blocks of the reference that were not there in time.", func(s *engine.VoiceStats) float64 { return float64(s.FarEnd.Late) }),
	}
	analogSeries = []voiceSeries{
		gaugeOf("analog_gain_db", "The sound card's own microphone gain.", func(s *engine.VoiceStats) float64 { return float64(*s.AnalogGainCB) / 10 }),
	}
	noiseSeries = []voiceSeries{
		gaugeOf("noise_level_db", "Level of the background noise in dB of a full-scale square wave.", func(s *engine.VoiceStats) float64 { return float64(s.Noise.NoiseDBFS) }),
		gaugeOf("noise_attenuation_db", "How far noise is turned down.", func(s *engine.VoiceStats) float64 { return float64(s.Noise.AttenuationDB) }),
	}
	gainSeries = []voiceSeries{
		gaugeOf("gain_db", "Gain of the level control.", func(s *engine.VoiceStats) float64 { return float64(s.Gain.GainDB) }),
		gaugeOf("speech_level_db", "Level of speech before the level control, in dB of full scale.", func(s *engine.VoiceStats) float64 { return float64(s.Gain.LevelDBFS) }),
		totalOf("limited_pieces", "Pieces of 5 ms that the limiter turned down.", func(s *engine.VoiceStats) float64 { return float64(s.Gain.LimitedPieces) }),
	}
)

// Describe implements prometheus.Collector.
func (c *voiceCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, group := range [][]voiceSeries{activitySeries, echoSeries, noiseSeries, gainSeries, analogSeries} {
		for _, s := range group {
			ch <- s.desc
		}
	}
}

// Collect implements prometheus.Collector.
func (c *voiceCollector) Collect(ch chan<- prometheus.Metric) {
	f := c.m.voice.Load()
	if f == nil {
		return
	}
	stats := (*f)()
	for _, group := range []struct {
		on     bool
		series []voiceSeries
	}{
		{true, activitySeries},
		{stats.Echo != nil && stats.FarEnd != nil, echoSeries},
		{stats.Noise != nil, noiseSeries},
		{stats.Gain != nil, gainSeries},
		{stats.AnalogGainCB != nil, analogSeries},
	} {
		if !group.on {
			continue
		}
		for _, s := range group.series {
			ch <- prometheus.MustNewConstMetric(s.desc, s.kind, s.value(&stats))
		}
	}
}
