package metrics

import "github.com/prometheus/client_golang/prometheus"

// EnhanceMetrics measures picture enhancement; all fields are ready for use.
type EnhanceMetrics struct {
	step    *prometheus.HistogramVec
	changed *prometheus.CounterVec
	// Noise is the camera's noise, Luma the picture's mean, Night 1 by night.
	Noise, Luma, Night prometheus.Gauge
}

func newEnhance(r *prometheus.Registry) EnhanceMetrics {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	}
	e := EnhanceMetrics{
		step: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "edgecam_enhance_seconds", Help: "Time one frame takes in a step of picture enhancement.",
			Buckets: prometheus.ExponentialBuckets(0.00005, 2, 12),
		}, []string{"step"}),
		changed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "edgecam_enhance_changed_total", Help: "Frames that a step of picture enhancement changed; it only looked at the others.",
		}, []string{"step"}),
		Noise: gauge("edgecam_picture_noise", "Standard deviation of the camera's luma noise, in levels."),
		Luma:  gauge("edgecam_picture_luma", "Mean luma of the camera's picture, 16 to 235."),
		Night: gauge("edgecam_picture_night", "1 by night: infrared, without colour."),
	}
	r.MustRegister(e.step, e.changed, e.Noise, e.Luma, e.Night)
	return e
}

// Step returns what observes the durations, in seconds, of one step and counts
// the frames it changed. Ask once and keep them.
func (e EnhanceMetrics) Step(name string) (took prometheus.Observer, changed prometheus.Counter) {
	return e.step.WithLabelValues(name), e.changed.WithLabelValues(name)
}
