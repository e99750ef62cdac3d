package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/edgecam/edgecam/engine/governor"
)

// GovernorMetrics counts what heat and load have done to the picture path.
type GovernorMetrics struct {
	level prometheus.Gauge
	steps *prometheus.CounterVec
}

func newGovernor(r *prometheus.Registry) GovernorMetrics {
	g := GovernorMetrics{
		level: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "edgecam_governor_level", Help: "How far the picture path is stepped down for heat or load; 0: not at all.",
		}),
		steps: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "edgecam_governor_steps_total", Help: "Steps of the picture path by reason: down for heat, throttle or load, up when calm.",
		}, []string{"reason"}),
	}
	for _, why := range []governor.Reason{governor.Heat, governor.Throttle, governor.Load, governor.Calm} {
		g.steps.WithLabelValues(string(why))
	}
	r.MustRegister(g.level, g.steps)
	return g
}

// Governed notes a step.
func (g GovernorMetrics) Governed(level int, why governor.Reason) {
	g.level.Set(float64(level))
	g.steps.WithLabelValues(string(why)).Inc()
}
