package cli

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/engine/session/codec"
	"github.com/edgecam/edgecam/engine/session/whep"
	"github.com/edgecam/edgecam/engine/station"
)

// tokenVariable holds the token of the node that is called; it is not on the
// command line, which other users of the machine can read.
const tokenVariable = "EDGECAM_CALL_TOKEN"

// CallOptions is what the indoor station starts with.
type CallOptions struct {
	Config  *config.Config // for the sound card
	Station station.Config
	// Display is "none", "auto" or a driver's: "drm:/dev/dri/card0", "fb:/dev/fb0".
	Display string
	// Sound says whether the speaker is used, Microphone whether the microphone
	// may be.
	Sound, Microphone bool
	Log               *slog.Logger
	// Started receives the station before it runs.
	Started func(*station.Station)
}

type callFlags struct {
	tokenFile, ca, fingerprint string
	record, display            string
	codecs                     []string
	duration, delay            time.Duration
	statsEvery                 time.Duration
	stats, asJSON              bool
	noVideo, noSound, dtx      bool
	wait, autoAnswer           bool
	openDoor, once, loopback   bool
}

func (a *app) viewCommand() *cobra.Command {
	return a.stationCommand("view", "Watch and hear a node (or any WHEP server)", false)
}

func (a *app) callCommand() *cobra.Command {
	return a.stationCommand("call", "Watch, hear and talk to a node: an indoor station", true)
}

func (a *app) stationCommand(name, short string, talk bool) *cobra.Command {
	var o callFlags
	cmd := &cobra.Command{
		Use:   name + " URL",
		Short: short,
		Long: short + ".\n\nURL is the node's address (https://door.local:8443) or a WHEP endpoint. The node's token is read from\n" +
			"--token-file or the environment variable " + tokenVariable + ".\n\n" +
			"Keys: o opens the door, t switches the microphone, a answers, 0 to 9, * and # are sent to the node, s prints\n" +
			"statistics, q hangs up. Without a terminal, the same letters as lines on standard input.",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("%s needs the address of one node, such as edgecam %s https://door.local:8443", name, name)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			keys := map[string]string{"microphone": "microphone.source", "speaker": "speaker.source"}
			set := map[string]string{}
			for flag, key := range keys {
				if f := cmd.Flags().Lookup(flag); f != nil && f.Changed {
					set[key] = f.Value.String()
				}
			}
			return a.call(cmd.Context(), args[0], talk, &o, set)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.tokenFile, "token-file", "", "file with the node's token")
	f.StringVar(&o.ca, "ca", "", "PEM file with the certificate that signs the node's")
	f.StringVar(&o.fingerprint, "fingerprint", "", "SHA-256 of the node's own certificate, as the node prints it")
	f.StringVar(&o.record, "record", "", "record to this WebM file")
	f.StringVar(&o.display, "display", "auto", "none, auto, drm:DEVICE[:CONNECTOR] or fb:DEVICE")
	f.StringSliceVar(&o.codecs, "codec", nil, "voice codecs to offer, the preferred first (default all)")
	f.BoolVar(&o.dtx, "dtx", false, "ask the node to leave silence out (Opus, G.711, iLBC)")
	f.DurationVar(&o.duration, "duration", 0, "hang up after this time; 0: not")
	f.DurationVar(&o.delay, "delay", 0, "least playout delay of the picture; 0: as the node asks")
	f.BoolVar(&o.stats, "stats", false, "print statistics, at the end too")
	f.DurationVar(&o.statsEvery, "stats-interval", 5*time.Second, "how often statistics are printed")
	f.BoolVar(&o.asJSON, "json", false, "print events and statistics as JSON lines")
	f.BoolVar(&o.noVideo, "no-video", false, "sound only")
	f.BoolVar(&o.noSound, "no-sound", false, "picture only")
	f.BoolVar(&o.once, "once", false, "do not call again when the call ends")
	f.BoolVar(&o.openDoor, "open", false, "open the door, then hang up")
	f.BoolVar(&o.loopback, "loopback", false, "use this machine's loopback addresses only")
	f.String("speaker", "", "auto, sim, alsa:CARD")
	if talk {
		f.String("microphone", "", "auto, sim, alsa:CARD or file:PATH")
		f.BoolVar(&o.wait, "wait", false, "keep the microphone off until t or a is pressed")
		f.BoolVar(&o.autoAnswer, "auto-answer", false, "with --wait: switch the microphone on when the bell rings")
	}
	return cmd
}

func (a *app) call(parent context.Context, target string, talk bool, o *callFlags, set map[string]string) (err error) {
	dial, err := o.dial(target, a.streams.Environ)
	if err != nil {
		return usageError{err}
	}
	if kind, device, _ := strings.Cut(o.display, ":"); o.display != "none" && o.display != "auto" && (kind != "drm" && kind != "fb" || device == "") {
		return usageError{fmt.Errorf("--display %q, must be none, auto, drm:DEVICE such as drm:/dev/dri/card0, or fb:DEVICE such as fb:/dev/fb0", o.display)}
	}
	if o.openDoor {
		o.once = true
	}
	l, log, _, _, err := a.load(set)
	if err != nil {
		return err
	}
	names, err := codec.ParseNames(o.codecs)
	if err != nil {
		return usageError{err}
	}
	dial.Call = session.CallConfig{
		Video: !o.noVideo && !o.openDoor, Listen: !o.noSound && !o.openDoor, Talk: talk && !o.openDoor,
		VoiceCodecs: names, DTX: o.dtx, Loopback: o.loopback,
	}
	ctx, stop := signal.NotifyContext(parent, os.Interrupt, syscall.SIGTERM)
	defer stop()
	defer context.AfterFunc(ctx, stop)()
	if o.duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.duration)
		defer cancel()
	}
	p := &phone{a: a, o: o, hangUp: stop, answered: make(chan error, 1), talk: talk}
	cfg := station.Config{
		Dial: dial, Talking: talk && !o.wait, Once: o.once, OnEvent: p.event, MinDelay: o.delay,
	}
	if o.record != "" {
		f, ferr := os.Create(o.record)
		if ferr != nil {
			return usageError{fmt.Errorf("--record: %w", ferr)}
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		cfg.Record = f
	}
	started := func(s *station.Station) { p.run(ctx, s) }
	err = a.commands.Call(ctx, CallOptions{
		Config: l.Config, Station: cfg, Display: o.display, Sound: dial.Call.Listen, Microphone: dial.Call.Talk,
		Log: log, Started: started,
	})
	p.end()
	if hint := explain(err); hint != "" {
		err = fmt.Errorf("%w: %s", err, hint)
	}
	if o.openDoor && err == nil {
		select {
		case err = <-p.answered:
		default:
			err = errors.New("the door was not opened: no connection came about")
		}
	}
	return err
}

// dial reads what is needed to reach the node.
func (o *callFlags) dial(target string, environ []string) (whep.DialOptions, error) {
	var d whep.DialOptions
	if !strings.Contains(target, "://") {
		target = "https://" + target
	}
	u, err := url.Parse(target)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return d, fmt.Errorf("%q is not an address such as https://door.local:8443", target)
	}
	if u.User != nil {
		return d, errors.New("no secrets in the address: give the token with --token-file or " + tokenVariable)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/whep"
	}
	d.URL = u.String()
	token := lookup(environ, tokenVariable)
	if o.tokenFile != "" {
		b, err := os.ReadFile(o.tokenFile)
		if err != nil {
			return d, fmt.Errorf("--token-file: %w", err)
		}
		if token = strings.TrimSpace(string(b)); token == "" {
			return d, fmt.Errorf("--token-file: %s is empty", o.tokenFile)
		}
	}
	if strings.ContainsAny(token, "\r\n \t") {
		return d, errors.New("the token contains spaces or line ends: give the token alone")
	}
	if token != "" {
		d.Authorization = "Bearer " + token
	}
	if token != "" && u.Scheme == "http" && !loopbackHost(u.Hostname()) {
		return d, fmt.Errorf("a token would cross the network in the clear: use https://%s", u.Host)
	}
	tlsConfig, err := o.tls()
	if err != nil {
		return d, err
	}
	// No request takes long; the answer may wait for the camera.
	d.HTTP = &http.Client{
		Timeout:   20 * time.Second,
		Transport: &http.Transport{TLSClientConfig: tlsConfig, Proxy: http.ProxyFromEnvironment, IdleConnTimeout: 30 * time.Second},
	}
	return d, nil
}

func loopbackHost(h string) bool {
	return h == "localhost" || h == "::1" || strings.HasPrefix(h, "127.")
}

func (o *callFlags) tls() (*tls.Config, error) {
	switch {
	case o.fingerprint != "" && o.ca != "":
		return nil, errors.New("--ca and --fingerprint exclude each other")
	case o.fingerprint != "":
		return whep.PinnedTLS(o.fingerprint)
	case o.ca != "":
		pem, err := os.ReadFile(o.ca)
		if err != nil {
			return nil, fmt.Errorf("--ca: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--ca: %s holds no PEM certificate", o.ca)
		}
		return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
	}
	return nil, nil
}

// keys reads letters: at once from a terminal, line by line otherwise.
func keys(ctx context.Context, in io.Reader, key func(byte)) (restore func()) {
	restore = func() {}
	if f, ok := in.(*os.File); ok && IsTerminal(f) {
		fd := int(f.Fd())
		if old, err := unix.IoctlGetTermios(fd, unix.TCGETS); err == nil {
			raw := *old
			raw.Lflag &^= unix.ICANON | unix.ECHO // signals stay
			if unix.IoctlSetTermios(fd, unix.TCSETS, &raw) == nil {
				restore = func() { _ = unix.IoctlSetTermios(fd, unix.TCSETS, old) }
			}
		}
	}
	if in == nil {
		return restore
	}
	// A read of standard input cannot be interrupted: the goroutine ends with
	// the input, or with the process.
	go func() {
		r := bufio.NewReader(in)
		for {
			b, err := r.ReadByte()
			if err != nil || ctx.Err() != nil {
				return
			}
			if b > ' ' {
				key(b)
			}
		}
	}()
	return restore
}
