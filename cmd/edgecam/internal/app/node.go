package app

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/auth"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/httpd"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/lan"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/metrics"
	"github.com/edgecam/edgecam/engine"
	"github.com/edgecam/edgecam/engine/governor"
	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/engine/session/whep"
	"github.com/edgecam/edgecam/engine/video/enhance"
	"github.com/edgecam/edgecam/engine/voice/neteq"
	"github.com/edgecam/edgecam/internal/version"
)

// whep returns the WHEP endpoint. An offer that is accepted warms the devices
// up while the viewer connects.
func (n *node) whep() *whep.Handler {
	authorize := func(r *http.Request) (session.Grant, error) {
		g, err := n.auth.Authorize(r)
		if err != nil {
			if auth.Status(err) == http.StatusForbidden {
				return session.Grant{}, fmt.Errorf("%w: %w", whep.ErrForbidden, err)
			}
			return session.Grant{}, fmt.Errorf("%w: %w", whep.ErrUnauthorized, err)
		}
		grant := session.Grant{
			Subject: g.Subject, Expires: g.Expires,
			View: g.Allows(auth.View), Talk: g.Allows(auth.Talk), Open: g.Allows(auth.OpenDoor), Admin: g.Allows(auth.Admin),
		}
		if grant.View && r.Method == http.MethodPost {
			n.engine.Prewarm()
		}
		return grant, nil
	}
	return whep.New(n.engine.Sessions(), whep.AuthorizerFunc(authorize), whep.Options{
		AllowedOrigins: n.cfg.HTTP.AllowedOrigins, Log: n.log,
	})
}

// status is the answer to GET /api/status.
type status struct {
	Name      string             `json:"name"`
	Version   string             `json:"version"`
	Dev       bool               `json:"dev"`
	Subject   string             `json:"subject"`
	Scopes    []string           `json:"scopes"`
	Camera    engine.CameraState `json:"camera"`
	Source    string             `json:"source"`
	Talk      bool               `json:"talk"`
	Door      bool               `json:"door"`
	Simulated bool               `json:"simulated"`
	Viewers   int                `json:"viewers"`
	Voice     engine.VoiceStats  `json:"voice"`
	// Talkers are the receive statistics of those who talk, with W3C names.
	Talkers map[session.ViewerID]neteq.Stats `json:"talkers,omitempty"`
	// Network is what stands between the node and the internet, once it is known.
	Network   map[string]any `json:"network,omitempty"`
	UptimeSec int64          `json:"uptime_s"`
}

func (n *node) status(g auth.Grant) any {
	return status{
		Name: n.cfg.Node.Display(), Version: version.Get().Version, Dev: n.o.Dev,
		Subject: g.Subject, Scopes: g.Scopes.Names(),
		Camera: n.engine.Camera(), Source: n.devices.camera(),
		Talk: n.cfg.Speaker.Enabled, Door: n.hasDoor, Simulated: n.devices.simLines != nil,
		Voice:   n.engine.VoiceStats(),
		Talkers: n.engine.TalkerStats(),
		Network: n.netFigures(),
		Viewers: n.engine.Sessions().Stats().Connected, UptimeSec: int64(time.Since(n.started).Seconds()),
	}
}

// ready says why viewers would see nothing.
func (n *node) ready() error {
	if state := n.engine.Camera(); state.Err != "" {
		return fmt.Errorf("camera: %s", state.Err)
	}
	return nil
}

// onLAN returns what the local network is told of the node. A mark made from
// the serial number, but not the number, keeps nodes of one name apart.
func (n *node) onLAN(port int, secure bool) lan.Node {
	serial := n.cfg.Fleet.Serial
	if serial == "" {
		serial = boardSerial()
	}
	mark := sha256.Sum256([]byte("edgecam on the local network " + serial))
	host, err := os.Hostname()
	if err != nil {
		host = "" // then "edgecam"
	}
	return lan.Node{
		Name: fmt.Sprintf("%s (%x)", n.cfg.Node.Display(), mark[:2]), Host: host, Port: port, TLS: secure,
		Version: version.Get().Version, Board: thisBoard().Name,
	}
}

// announce prints where the page is, and the owner secret if it was just made.
func (n *node) announce(server *httpd.Server) error {
	urls := server.URLs()
	if n.o.Dev {
		fmt.Fprintf(n.o.Stdout, "edgecam runs in development mode: no password, on this machine only\n")
	}
	for _, u := range urls {
		fmt.Fprintf(n.o.Stdout, "open %s\n", u)
	}
	if secret := n.auth.NewOwnerSecret(); secret != "" && len(urls) > 0 {
		return auth.PrintOwner(n.o.Stdout, preferHTTPS(urls), secret, n.o.Terminal)
	}
	return nil
}

func preferHTTPS(urls []string) string {
	for _, u := range urls {
		if strings.HasPrefix(u, "https:") {
			return u
		}
	}
	return urls[0]
}

// errReload ends a node that starts again with another configuration.
var errReload = errors.New("app: configuration changed")

// reload waits for a new configuration. The bit rate is changed while viewers
// go on watching; anything else starts the node anew, and viewers connect
// again by themselves.
func (n *node) reload(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case cfg := <-n.o.Reload:
			if cfg == nil {
				<-ctx.Done()
				return nil
			}
			if err := n.change(n.fleet.over(cfg)); err != nil {
				return err
			}
		case cfg := <-n.fleet.configs():
			if err := n.change(cfg); err != nil {
				return err
			}
		}
	}
}

// change brings a configuration into force, or returns errReload if the node
// must start anew for it.
func (n *node) change(cfg *config.Config) error {
	if reflect.DeepEqual(cfg, n.cfg) {
		return nil
	}
	n.engine.SetVideoBitrate(cfg.Video.BitrateKbps * 1000)
	same := *cfg
	same.Video.BitrateKbps = n.cfg.Video.BitrateKbps
	if !reflect.DeepEqual(cfg.Enhance, n.cfg.Enhance) {
		if err := n.engine.SetEnhance(enhanceConfig(cfg)); err != nil {
			n.log.Error("picture enhancement refused", "error", err)
			return nil
		}
		same.Enhance = n.cfg.Enhance
	}
	if reflect.DeepEqual(&same, n.cfg) {
		n.cfg = cfg
		n.log.Info("configuration changed", "video_kbps", cfg.Video.BitrateKbps)
		return nil
	}
	n.log.Info("configuration changed, starting again")
	n.next = cfg
	return errReload
}

// observer passes what the engine reports on to the metrics, without
// allocation: every series is looked up once.
type observer struct {
	m       *metrics.Metrics
	stages  [engine.NumStages]prometheus.Observer
	dropped [engine.NumDrops]prometheus.Counter
	enhance [enhance.NumSteps]prometheus.Observer
	changed [enhance.NumSteps]prometheus.Counter
}

func newObserver(m *metrics.Metrics) *observer {
	o := &observer{m: m}
	for s := range engine.NumStages {
		o.stages[s] = m.Stage(s.String())
	}
	for s := range enhance.NumSteps {
		o.enhance[s], o.changed[s] = m.Enhance.Step(s.String())
	}
	for d := range engine.NumDrops {
		o.dropped[d] = m.Dropped(d.String())
	}
	return o
}

func (o *observer) StageDone(s engine.Stage, took time.Duration) { o.stages[s].Observe(took.Seconds()) }

func (o *observer) FrameDropped(d engine.Drop, frames int) { o.dropped[d].Add(float64(frames)) }
func (o *observer) FrameSent(bytes int, key bool)          { o.m.FrameSent(bytes, key) }

func (o *observer) EnhanceStep(s enhance.Step, took time.Duration, changed bool) {
	o.enhance[s].Observe(took.Seconds())
	if changed {
		o.changed[s].Inc()
	}
}

func (o *observer) Enhanced(noise enhance.NoiseModel, exposure enhance.Exposure, night bool) {
	o.m.Enhance.Noise.Set(float64(noise.MeanSigmaY))
	o.m.Enhance.Luma.Set(float64(exposure.Mean))
	if night {
		o.m.Enhance.Night.Set(1)
	} else {
		o.m.Enhance.Night.Set(0)
	}
}

func (o *observer) Governed(level int, why governor.Reason) { o.m.Governor.Governed(level, why) }

func (o *observer) VoiceEncoded(took time.Duration) { o.m.Audio.Encode.Observe(took.Seconds()) }

func (o *observer) VoiceCaptured(lost bool) {
	o.m.Audio.BlocksCaptured.Inc()
	if lost {
		o.m.Audio.Overruns.Inc()
	}
}

func (o *observer) VoicePlayed(delay time.Duration) {
	o.m.Audio.BlocksPlayed.Inc()
	o.m.Audio.PlayoutDelay.Set(delay.Seconds())
}

// viewerMetrics lists the viewers for /metrics.
func (n *node) viewerMetrics() []metrics.Viewer {
	infos := n.engine.Sessions().Viewers()
	out := make([]metrics.Viewer, len(infos))
	for i, v := range infos {
		out[i] = metrics.Viewer{
			ID: string(v.ID), Connected: v.State == "connected", RTT: v.RTT, LossFraction: v.Video.LossFraction,
			BytesSent: v.Video.PayloadBytes + v.Audio.PayloadBytes, PacketsSent: v.Video.Packets + v.Audio.Packets,
			FramesSent: v.FramesSent, FramesDropped: v.FramesDropped,
			NACKs: v.NACKs, Retransmitted: v.Resent, PLIs: v.PLIs,
			TalkPackets: v.TalkPackets, TalkLost: v.TalkLost, Overruns: v.Overruns, SendErrors: v.SendErrors,
		}
	}
	return out
}

// playing is the answer to GET /api/sim/speaker: what the simulated speaker
// has played in the last half second.
type playing struct {
	LevelDBFS float64 `json:"level_dbfs"`
	ToneHz    float64 `json:"tone_hz,omitempty"`
	ToneDBFS  float64 `json:"tone_dbfs,omitempty"`
}

const playedWindow = 500 * time.Millisecond

// silenceDBFS stands for silence, whose level JSON cannot express.
const silenceDBFS = -120

func (n *node) played(hz float64) any {
	p := playing{LevelDBFS: max(n.devices.simSound.PlayedLevel(playedWindow), silenceDBFS)}
	if hz > 0 {
		p.ToneHz, p.ToneDBFS = hz, max(n.devices.simSound.PlayedTone(hz, playedWindow), silenceDBFS)
	}
	return p
}

func (n *node) doorOpener() func(context.Context, string) error {
	if !n.hasDoor {
		return nil
	}
	return n.engine.OpenDoor
}

// changedConfig returns the configuration to start again with, nil to stop.
func (n *node) changedConfig(err error) *config.Config {
	if errors.Is(err, errReload) {
		return n.next
	}
	return nil
}
