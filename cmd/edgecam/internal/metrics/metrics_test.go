package metrics

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/edgecam/edgecam/engine"
	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/engine/voice"
	"github.com/edgecam/edgecam/engine/voice/aec"
	"github.com/edgecam/edgecam/engine/voice/neteq"
	"github.com/edgecam/edgecam/engine/voice/ns"
)

func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func put(t *testing.T, root, path, text string) {
	t.Helper()
	p := filepath.Join(root, path)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestScrape(t *testing.T) {
	sys := t.TempDir()
	put(t, sys, "class/thermal/thermal_zone0/type", "cpu-thermal\n")
	put(t, sys, "class/thermal/thermal_zone0/temp", "61234\n")
	put(t, sys, "class/thermal/thermal_zone1/type", "cpu-thermal\n")
	put(t, sys, "class/thermal/thermal_zone1/temp", "-5000\n")
	put(t, sys, "class/thermal/thermal_zone2/temp", "off\n")
	now := time.Unix(1000, 0)
	m := newMetrics(sys, func() time.Time { return now })
	m.Stage("encode").Observe(0.004)
	m.Dropped("encoder_busy").Add(2)
	for range 30 {
		m.FrameSent(5000, false)
		now = now.Add(time.Second / 30)
	}
	m.FrameSent(9000, true)
	m.DeviceError("camera", "gone")
	m.Event("ring")
	m.Request(404)
	m.Audio.Overruns.Inc()
	m.SetViewers(func() []Viewer {
		return []Viewer{{ID: "v1", Connected: true, RTT: 20 * time.Millisecond, BytesSent: 77}, {ID: "v2"}, {ID: "v1"}}
	})
	m.SetVoice(func() engine.VoiceStats {
		return engine.VoiceStats{DuckedBlocks: 50, Stats: voice.Stats{
			Speech: true, Echo: &aec.Stats{ERLEcB: 412, DriftPPM: -7, DoubleTalkFrames: 250}, FarEnd: &voice.FarStats{Late: 3},
			Noise: &ns.Stats{NoiseDBFS: -61},
		}}
	})
	m.SetTalkers(func() map[session.ViewerID]neteq.Stats {
		return map[session.ViewerID]neteq.Stats{"v1": {ConcealedSamples: 480, PlayoutDelay: 30 * time.Millisecond}}
	})
	got := scrape(t, m)
	for _, want := range []string{
		`edgecam_stage_seconds_count{stage="encode"} 1`,
		`edgecam_stage_seconds_count{stage="enhance"} 0`,
		`edgecam_frames_dropped_total{reason="encoder_busy"} 2`,
		`edgecam_frames_total{type="inter"} 30`, `edgecam_frames_total{type="key"} 1`,
		`edgecam_video_bytes_total 159000`,
		`edgecam_talker_playout_delay_seconds{viewer="v1"} 0.03`, `edgecam_talker_concealed_samples_total{viewer="v1"} 480`,
		`edgecam_viewers{state="connected"} 1`, `edgecam_viewers{state="connecting"} 2`,
		`edgecam_viewer_rtt_seconds{viewer="v1"} 0.02`, `edgecam_viewer_sent_bytes_total{viewer="v1"} 77`,
		`edgecam_temperature_celsius{zone="cpu-thermal"} 61.234`, `edgecam_temperature_celsius{zone="cpu-thermal-2"} -5`,
		`edgecam_device_errors_total{device="camera",kind="gone"} 1`, `edgecam_events_total{event="ring"} 1`,
		`edgecam_events_total{event="door"} 0`, `edgecam_http_requests_total{code="4xx"} 1`,
		`edgecam_voice_speech 1`, `edgecam_voice_ducked_seconds_total 0.5`, `edgecam_voice_echo_erle_db 41.2`, `edgecam_voice_echo_drift_ppm -7`,
		`edgecam_voice_echo_double_talk_seconds_total 2.5`, `edgecam_voice_far_late_total 3`, `edgecam_voice_noise_level_db -61`,
		`edgecam_audio_overruns_total 1`, `edgecam_build_info{`, `go_goroutines `,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("missing %s", want)
		}
	}
	if strings.Contains(got, "thermal_zone2") {
		t.Error("a zone that is off is shown")
	}
	if strings.Contains(got, "edgecam_voice_gain_db") {
		t.Error("a stage that is off is shown")
	}
	if problems, err := testutil.GatherAndLint(m.registry); err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
}

func TestBitrate(t *testing.T) {
	now := time.Unix(1000, 0)
	r := rateMeter{now: func() time.Time { return now }}
	if r.bps() != 0 {
		t.Error("not zero at start")
	}
	for range 90 {
		r.add(5000)
		now = now.Add(time.Second / 30)
	}
	if got := r.bps(); got < 1.15e6 || got > 1.25e6 {
		t.Errorf("%.0f bit/s, want about 1.2 million", got)
	}
	now = now.Add(3 * time.Second)
	if got := r.bps(); got != 0 {
		t.Errorf("%.0f bit/s after a pause", got)
	}
}

func TestFramePathDoesNotAllocate(t *testing.T) {
	m := New()
	encode, dropped := m.Stage("encode"), m.Dropped("driver")
	if n := testing.AllocsPerRun(200, func() {
		encode.Observe(0.002)
		dropped.Inc()
		m.FrameSent(4000, false)
		m.Audio.Encode.Observe(0.001)
		m.Audio.BlocksCaptured.Inc()
		m.Request(200)
	}); n != 0 {
		t.Errorf("%v allocations per frame", n)
	}
}
