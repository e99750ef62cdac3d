package metrics

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// Zone is a temperature sensor.
type Zone struct {
	Name    string  `json:"zone"` // "cpu-thermal"; with "-2", … if several have one name
	Celsius float64 `json:"celsius"`
}

// Temperatures reads every thermal zone under sysRoot (usually "/sys") that
// can be read; zones that are switched off fail to read and are left out.
func Temperatures(sysRoot string) []Zone {
	paths, _ := filepath.Glob(filepath.Join(sysRoot, "class/thermal/thermal_zone*/temp"))
	var out []Zone
	count := map[string]int{}
	for _, p := range paths {
		text, err := os.ReadFile(p)
		if err != nil {
			continue
		}
		milli, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			continue
		}
		name := filepath.Base(filepath.Dir(p))
		if kind, err := os.ReadFile(filepath.Join(filepath.Dir(p), "type")); err == nil {
			if s := strings.ToValidUTF8(strings.TrimSpace(string(kind)), ""); s != "" {
				name = s
			}
		}
		if count[name]++; count[name] > 1 {
			name += "-" + strconv.Itoa(count[name])
		}
		out = append(out, Zone{name, float64(milli) / 1000})
	}
	return out
}

type thermalCollector struct{ root string }

var thermalDesc = prometheus.NewDesc("edgecam_temperature_celsius", "Temperature of a thermal zone.", []string{"zone"}, nil)

// Describe implements prometheus.Collector.
func (c *thermalCollector) Describe(ch chan<- *prometheus.Desc) { ch <- thermalDesc }

// Collect implements prometheus.Collector.
func (c *thermalCollector) Collect(ch chan<- prometheus.Metric) {
	for _, z := range Temperatures(c.root) {
		ch <- prometheus.MustNewConstMetric(thermalDesc, prometheus.GaugeValue, z.Celsius, z.Name)
	}
}
