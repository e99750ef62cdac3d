// Package metrics counts what the node does, for Prometheus. The frame path
// calls plain methods whose label values were resolved at start, so that they
// neither allocate nor look anything up; what can be asked when a scrape comes
// (viewers, temperatures) is asked then.
package metrics

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/edgecam/edgecam/engine"
	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/engine/voice/neteq"
	"github.com/edgecam/edgecam/internal/version"
)

// Stages of the picture path and reasons for a dropped frame that have a
// series from the start; others get one when they first occur.
var (
	stages  = []string{"capture", "convert", "enhance", "encode", "send"}
	reasons = []string{"driver", "corrupt", "encoder_busy", "rate_control", "governed"}
)

// Metrics holds all series. Make one with New; its methods may be called from
// any goroutine.
type Metrics struct {
	registry *prometheus.Registry
	stage    *prometheus.HistogramVec
	dropped  *prometheus.CounterVec
	frames   [2]prometheus.Counter // inter, key
	bytes    prometheus.Counter
	size     prometheus.Histogram
	rate     rateMeter

	// Enhance measures picture enhancement.
	Enhance EnhanceMetrics
	// Audio counts the voice path.
	Audio AudioMetrics
	// Governor is what heat and load have done to the picture path.
	Governor GovernorMetrics
	// Devices counts failures of devices by class and kind.
	deviceErrors *prometheus.CounterVec
	// Events counts rings, motion and door releases.
	events *prometheus.CounterVec
	// Requests counts answers of the web server by status class.
	requests [6]prometheus.Counter

	viewers atomic.Pointer[func() []Viewer]
	talkers atomic.Pointer[func() map[session.ViewerID]neteq.Stats]
	voice   atomic.Pointer[func() engine.VoiceStats]
}

// AudioMetrics counts the voice path; all fields are ready for use.
type AudioMetrics struct {
	BlocksCaptured, BlocksPlayed prometheus.Counter
	Overruns                     prometheus.Counter
	Encode                       prometheus.Observer
	PlayoutDelay                 prometheus.Gauge
}

// New returns metrics with every known series at zero, beside those of the Go
// runtime, the process and the build.
func New() *Metrics { return newMetrics("/sys", time.Now) }

func newMetrics(sysRoot string, now func() time.Time) *Metrics {
	r := prometheus.NewRegistry()
	m := &Metrics{registry: r, rate: rateMeter{now: now}}
	m.stage = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "edgecam_stage_seconds", Help: "Time one frame takes in a stage of the picture path.",
		// 0.1 ms to 0.4 s: a frame at 30 Hz has 33 ms for everything.
		Buckets: prometheus.ExponentialBuckets(0.0001, 2, 13),
	}, []string{"stage"})
	m.dropped = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "edgecam_frames_dropped_total", Help: "Frames that were not sent, by reason.",
	}, []string{"reason"})
	frames := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "edgecam_frames_total", Help: "Encoded frames given to the session, by type.",
	}, []string{"type"})
	m.frames = [2]prometheus.Counter{frames.WithLabelValues("inter"), frames.WithLabelValues("key")}
	m.bytes = counter("edgecam_video_bytes_total", "Bytes of encoded video, once for all viewers.")
	m.size = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "edgecam_frame_bytes", Help: "Size of encoded frames.", Buckets: prometheus.ExponentialBuckets(256, 2, 11),
	})
	bitrate := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "edgecam_bitrate_bps", Help: "Bit rate of the encoded video, mean of the last 1 to 2 seconds.",
	}, m.rate.bps)
	m.Governor = newGovernor(r)
	m.deviceErrors = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "edgecam_device_errors_total", Help: "Failures of cameras, sound cards and lines, by class and kind.",
	}, []string{"device", "kind"})
	m.events = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "edgecam_events_total", Help: "Rings, motion and door releases.",
	}, []string{"event"})
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "edgecam_http_requests_total", Help: "Answered HTTP requests by class of status.",
	}, []string{"code"})
	for class := 1; class <= 5; class++ {
		m.requests[class] = requests.WithLabelValues(fmt.Sprintf("%dxx", class))
	}
	m.requests[0] = requests.WithLabelValues("other")
	build := version.Get()
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "edgecam_build_info", Help: "Always 1; the labels tell the build.",
		ConstLabels: prometheus.Labels{"version": build.Version, "commit": build.Commit, "go": build.Go, "arch": build.Arch},
	})
	info.Set(1)
	r.MustRegister(m.stage, m.dropped, frames, m.bytes, m.size, bitrate, m.deviceErrors, m.events, requests, info,
		&viewerCollector{m}, &talkerCollector{m}, &voiceCollector{m}, &thermalCollector{root: sysRoot},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.Enhance = newEnhance(r)
	m.Audio = newAudio(r)
	for _, s := range stages {
		m.stage.WithLabelValues(s)
	}
	for _, reason := range reasons {
		m.dropped.WithLabelValues(reason)
	}
	for _, e := range []string{"ring", "motion", "door", "key"} {
		m.events.WithLabelValues(e)
	}
	return m
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
}

func newAudio(r *prometheus.Registry) AudioMetrics {
	encode := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "edgecam_audio_encode_seconds", Help: "Time to code one block of 10 ms.",
		Buckets: prometheus.ExponentialBuckets(0.00005, 2, 12),
	})
	delay := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "edgecam_audio_playout_delay_seconds", Help: "Delay of a sample written to the speaker until it is heard.",
	})
	a := AudioMetrics{
		BlocksCaptured: counter("edgecam_audio_captured_blocks_total", "Blocks of 10 ms read from the microphone."),
		BlocksPlayed:   counter("edgecam_audio_played_blocks_total", "Blocks of 10 ms written to the speaker."),
		Overruns:       counter("edgecam_audio_overruns_total", "Times the microphone's buffer ran over: sound was lost."),
		Encode:         encode, PlayoutDelay: delay,
	}
	r.MustRegister(a.BlocksCaptured, a.BlocksPlayed, a.Overruns, encode, delay)
	return a
}

// Handler serves the series in Prometheus' text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		Registry: m.registry, MaxRequestsInFlight: 4, Timeout: 10 * time.Second,
	})
}

// Stage returns what observes the durations, in seconds, of one stage. Ask
// once and keep it.
func (m *Metrics) Stage(name string) prometheus.Observer { return m.stage.WithLabelValues(name) }

// Dropped returns the counter of frames dropped for one reason. Ask once and
// keep it.
func (m *Metrics) Dropped(reason string) prometheus.Counter {
	return m.dropped.WithLabelValues(reason)
}

// FrameSent counts one encoded frame.
func (m *Metrics) FrameSent(bytes int, key bool) {
	if key {
		m.frames[1].Inc()
	} else {
		m.frames[0].Inc()
	}
	m.bytes.Add(float64(bytes))
	m.size.Observe(float64(bytes))
	m.rate.add(bytes)
}

// DeviceError counts a failure; kind is a hal.Kind in words.
func (m *Metrics) DeviceError(device, kind string) {
	m.deviceErrors.WithLabelValues(device, kind).Inc()
}

// Event counts a ring, motion or door release.
func (m *Metrics) Event(name string) { m.events.WithLabelValues(name).Inc() }

// Request counts an answered HTTP request.
func (m *Metrics) Request(status int) {
	class := status / 100
	if class < 1 || class > 5 {
		class = 0
	}
	m.requests[class].Inc()
}
