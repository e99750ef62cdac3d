package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/auth"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/doctor"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/httpd"
	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
)

type result struct {
	code     int
	out, err string
}

func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "edgecam.yaml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func edgecam(t *testing.T, c Commands, args ...string) result {
	t.Helper()
	var out, errw bytes.Buffer
	env := []string{"EDGECAM_CONFIG=" + file(t, "")}
	if slices.Contains(args, "--config") {
		env = nil
	}
	code := Main(t.Context(), args, c, Streams{In: strings.NewReader(""), Out: &out, Err: &errw, Environ: env})
	return result{code, out.String(), errw.String()}
}

var inventory = doctor.Inventory{
	Cameras: []hal.CameraInfo{{ID: "usb-1", Name: "HD Webcam", Driver: "uvcvideo", Path: "/dev/video0", Modes: []hal.VideoMode{
		{Format: media.FormatYUYV, Width: 640, Height: 480, FrameInterval: time.Second / 30},
		{Format: media.FormatYUYV, Width: 640, Height: 480, FrameInterval: time.Second / 15},
	}}, {ID: "csi", Driver: "unicam", Problem: "raw Bayer"}},
	Cards: []hal.CardInfo{{ID: "Device", Name: "USB Audio", Capture: true, Playback: true}},
	Chips: []hal.ChipInfo{{Label: "pinctrl-rp1", Path: "/dev/gpiochip0", Lines: make([]string, 54)}},
}

func failing(err error) Commands {
	return Commands{
		Run:     func(context.Context, RunOptions) error { return err },
		Devices: func(context.Context, *config.Config, *slog.Logger) (doctor.Inventory, error) { return inventory, err },
		Snapshot: func(_ context.Context, _ *config.Config, _ *slog.Logger, w io.Writer) error {
			w.Write([]byte("half"))
			return err
		},
	}
}

func TestExitCodesAndMessages(t *testing.T) {
	state := t.TempDir()
	bad := file(t, "video:\n  sped: 3\nlog: {level: loud}\n")
	gone := &hal.Error{Op: "open", Path: "/dev/video9", Kind: hal.Gone, Err: errors.New("no such file")}
	busy := &hal.Error{Op: "open", Path: "/dev/video0", Kind: hal.Busy}
	port := &httpd.AddressError{Addr: ":8080", Setting: "http.listen", Err: syscall.EADDRINUSE}
	tests := []struct {
		args string
		fail error
		code int
		want []string // parts of standard error, in order one per line
	}{
		{"version", nil, ExitOK, nil},
		{"--version", nil, ExitOK, nil},
		{"help exit-codes", nil, ExitOK, nil},
		{"completion bash", nil, ExitOK, nil},
		{"frobnicate", nil, ExitUsage, []string{`unknown command "frobnicate"`}},
		{"run --nonsense", nil, ExitUsage, []string{"unknown flag: --nonsense; 'edgecam --help'"}},
		{"run extra", nil, ExitUsage, []string{"extra"}},
		{"config", nil, ExitUsage, []string{"needs a command"}},
		{"config chek", nil, ExitUsage, []string{`unknown command "chek"`}},
		{"snapshot", nil, ExitUsage, []string{"1 arg"}},
		{"vp8 encode in.y4m out.ivf", nil, ExitUsage, []string{"bitrate"}},
		{"vp8 encode --bitrate 0 in.y4m out.ivf", nil, ExitUsage, []string{"--bitrate must be"}},
		{"vp8 encode --bitrate 500 /nonexistent/in.y4m out.ivf", nil, ExitFailure, []string{"/nonexistent/in.y4m"}},
		{"vp8 decode in.ivf", nil, ExitUsage, []string{"OUT.y4m"}},
		{"voice encode --codec nope in.wav out.bin", nil, ExitUsage, []string{`--codec "nope", must be one of ilbc20`}},
		{"voice encode in.wav out.bin", nil, ExitUsage, []string{"codec"}},
		{"voice ns " + bad + " out.wav", nil, ExitUsage, []string{"not a RIFF/WAVE file"}},
		{"voice aec --far a.wav --near b.wav", nil, ExitUsage, []string{"out"}},
		{"config check --config " + bad, nil, ExitUsage, []string{
			bad + ":2:3: video.sped is not a known key; did you mean speed?", bad + ":3:14: log.level is \"loud\"",
		}},
		{"config check --config /nonexistent/e.yaml", nil, ExitUsage, []string{"/nonexistent/e.yaml: no such file"}},
		{"run --config " + bad, nil, ExitUsage, []string{":2:3:", ":3:14:"}},
		{"config show --set vido.speed=3", nil, ExitUsage, []string{"vido.speed is not a known key; did you mean video.speed?"}},
		{"config show --set speed", nil, ExitUsage, []string{"give KEY=VALUE"}},
		{"run --log-level loud", nil, ExitUsage, []string{`--log-level: log.level is "loud"`}},
		{"run --dev --https-listen :1", nil, ExitUsage, []string{"https-listen"}},
		{"run --dev", gone, ExitDevice, []string{"/dev/video9", "edgecam devices"}},
		{"devices", busy, ExitDevice, []string{"edgecam doctor"}},
		{"run --dev", fmt.Errorf("app: %w", port), ExitAddress, []string{"address :8080 is in use by another program; stop that, or set http.listen (--listen, EDGECAM_HTTP_LISTEN)"}},
		{"run --dev", errors.New("first\nsecond"), ExitFailure, []string{"edgecam: first second"}},
		{"token create x --scopes root --set state_dir=" + state, nil, ExitUsage, []string{`unknown scope "root"`}},
		{"token create x --expires soon --set state_dir=" + state, nil, ExitUsage, []string{`--expires "soon"`}},
		{"token revoke NOPE0000 --set state_dir=" + state, nil, ExitUsage, []string{"no token has this ID"}},
	}
	for _, tc := range tests {
		t.Run(tc.args, func(t *testing.T) {
			r := edgecam(t, failing(tc.fail), strings.Fields(tc.args)...)
			if r.code != tc.code {
				t.Errorf("exit code %d, want %d; %s", r.code, tc.code, r.err)
			}
			rest := r.err
			for _, want := range tc.want {
				i := strings.Index(rest, want)
				if i < 0 {
					t.Errorf("standard error lacks %q:\n%s", want, r.err)
					continue
				}
				rest = rest[i+len(want):]
			}
			for line := range strings.Lines(r.err) {
				if tc.code != ExitOK && !strings.HasPrefix(line, "edgecam: ") && !strings.HasPrefix(line, "\n") && !strings.Contains(tc.args, "revoke") {
					t.Errorf("a line without the program's name: %q", line)
				}
			}
		})
	}
}

func TestDevices(t *testing.T) {
	r := edgecam(t, failing(nil), "devices")
	for _, want := range []string{"usb-1", "YUYV 640x480 at 30, 15 fps", "! raw Bayer", "microphone, speaker", "pinctrl-rp1", "54"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("lacks %q:\n%s", want, r.out)
		}
	}
	r = edgecam(t, failing(nil), "devices", "--json")
	var got struct {
		Cameras []struct {
			ID    string
			Modes []struct {
				Format string
				FPS    float64
			}
		}
	}
	if err := json.Unmarshal([]byte(r.out), &got); err != nil || got.Cameras[0].Modes[0].Format != "YUYV" || got.Cameras[0].Modes[1].FPS != 15 {
		t.Errorf("%v %s", err, r.out)
	}
	r = edgecam(t, Commands{}, "devices")
	if r.code != ExitUsage {
		t.Error("a command without a function exists")
	}
}

func TestSnapshot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.jpg")
	if r := edgecam(t, failing(nil), "snapshot", path); r.code != 0 {
		t.Fatal(r)
	}
	if data, _ := os.ReadFile(path); string(data) != "half" {
		t.Errorf("%q", data)
	}
	os.Remove(path)
	if r := edgecam(t, failing(&hal.Error{Op: "open", Kind: hal.Permission}), "snapshot", path); r.code != ExitDevice {
		t.Error(r)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("half a picture was written")
	}
	if r := edgecam(t, failing(nil), "snapshot", "-"); r.out != "half" {
		t.Error(r)
	}
}

func TestConfigCommands(t *testing.T) {
	path := file(t, "video: {speed: 4}\nwebrtc: {ice_servers: [{urls: ['turn:a'], username: u, credential: hunter2}]}\n")
	r := edgecam(t, Commands{}, "config", "show", "--config", path, "--set", "camera.fps=15")
	if r.code != 0 || strings.Contains(r.out, "hunter2") || !strings.Contains(r.out, "# file "+path+":1:16") || !strings.Contains(r.out, "# flag --camera-fps") {
		t.Error(r)
	}
	r = edgecam(t, Commands{}, "config", "show", "--json", "--config", path)
	var entries []config.Entry
	if err := json.Unmarshal([]byte(r.out), &entries); err != nil || len(entries) < 40 {
		t.Error(err, len(entries))
	}
	if r := edgecam(t, Commands{}, "config", "check", path); r.code != 0 || !strings.Contains(r.out, "ok: "+path) {
		t.Error(r)
	}
	if r := edgecam(t, Commands{}, "config", "schema"); r.code != 0 || !json.Valid([]byte(r.out)) {
		t.Error(r)
	}
}

func TestTokenCommands(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	at := "state_dir=" + dir
	r := edgecam(t, Commands{}, "token", "create", "hub", "--scopes", "view,talk", "--expires", "30d", "--set", at)
	text := strings.TrimSpace(r.out)
	if r.code != 0 || !strings.HasPrefix(text, "ec_") || !strings.Contains(r.err, "Owner secret") {
		t.Fatal(r)
	}
	id := text[3:11]
	if r := edgecam(t, Commands{}, "token", "list", "--set", at); !strings.Contains(r.out, id) || !strings.Contains(r.out, "view,talk") || strings.Contains(r.out, text[12:]) {
		t.Error(r)
	}
	if r := edgecam(t, Commands{}, "token", "revoke", id, "--set", at); r.code != 0 {
		t.Error(r)
	}
	r = edgecam(t, Commands{}, "token", "list", "--json", "--set", at)
	if strings.TrimSpace(r.out) != "[]" {
		t.Error(r)
	}
	r = edgecam(t, Commands{}, "token", "reset-owner", "--set", at)
	if r.code != 0 || !strings.Contains(r.out, "https://localhost:8443/#secret=") {
		t.Error(r)
	}
	if s, err := auth.Open(dir, auth.Options{}); err != nil || s.NewOwnerSecret() != "" {
		t.Error("the owner was not kept", err)
	}
}

func TestDoctor(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	r := edgecam(t, failing(nil), "doctor", "--json", "--set", "state_dir="+dir)
	var report struct {
		Status string
		Checks []struct{ Name, Status string }
	}
	if err := json.Unmarshal([]byte(r.out), &report); err != nil || len(report.Checks) < 8 {
		t.Fatal(err, r)
	}
	if want := map[string]int{"ok": 0, "note": 0, "warning": ExitWarnings, "failure": ExitFailure}[report.Status]; r.code != want {
		t.Errorf("status %s with exit code %d", report.Status, r.code)
	}
	r = edgecam(t, failing(nil), "doctor", "--config", file(t, "vidoe: 1\n"))
	if r.code != ExitFailure || !strings.Contains(r.out, "did you mean video?") {
		t.Error(r)
	}
}

func TestRunOptions(t *testing.T) {
	var got RunOptions
	c := Commands{Run: func(_ context.Context, o RunOptions) error { got = o; return nil }}
	if r := edgecam(t, c, "run", "--dev", "--camera", "sim", "--log-level", "debug"); r.code != 0 {
		t.Fatal(r)
	}
	if !got.Dev || got.Config.HTTP.Listen != devListen || got.Config.HTTP.HTTPSListen != "" || got.Config.Camera.Source != "sim" || got.Config.StateDir != "" {
		t.Errorf("%+v", got.Config)
	}
	if !got.Log.Enabled(t.Context(), slog.LevelDebug) {
		t.Error("--log-level has no effect")
	}
	edgecam(t, c, "run", "--dev", "--listen", "127.0.0.1:9999")
	if got.Config.HTTP.Listen != "127.0.0.1:9999" {
		t.Error(got.Config.HTTP.Listen)
	}
	dir := filepath.Join(t.TempDir(), "s")
	edgecam(t, c, "run", "--set", "state_dir="+dir)
	if got.Dev || got.Config.StateDir != dir || got.Config.HTTP.Listen != ":8080" || got.Config.HTTP.HTTPSListen != ":8443" {
		t.Errorf("%+v", got.Config)
	}
}

// TestSignals runs this test program as edgecam: SIGHUP and a changed file
// give a new configuration, SIGTERM stops, and a second one kills.
func TestSignals(t *testing.T) {
	path := file(t, "node: {name: one}\n")
	start := func(mode string) (*exec.Cmd, func(string)) {
		cmd := exec.Command(os.Args[0], "-test.run=^TestNothing$")
		cmd.Env = append(os.Environ(), "CLI_TEST_RUN="+mode, "CLI_TEST_CONFIG="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
		lines := make(chan string, 16)
		go func() {
			b := make([]byte, 256)
			for {
				n, err := out.Read(b)
				for line := range strings.Lines(string(b[:n])) {
					lines <- strings.TrimSpace(line)
				}
				if err != nil {
					return
				}
			}
		}()
		return cmd, func(want string) {
			t.Helper()
			select {
			case got := <-lines:
				if got != want {
					t.Fatalf("the node says %q, want %q", got, want)
				}
			case <-time.After(10 * time.Second):
				t.Fatalf("the node does not say %q", want)
			}
		}
	}
	cmd, expect := start("clean")
	expect("running one")
	time.Sleep(50 * time.Millisecond)
	cmd.Process.Signal(syscall.SIGHUP)
	expect("reload one")
	os.WriteFile(path, []byte("node: {name: two}\n"), 0o600)
	expect("reload two")
	cmd.Process.Signal(syscall.SIGTERM)
	expect("stopping")
	if err := cmd.Wait(); err != nil {
		t.Errorf("a clean stop ends with %v", err)
	}

	cmd, expect = start("stuck")
	expect("running two")
	cmd.Process.Signal(syscall.SIGTERM)
	expect("stopping")
	time.Sleep(50 * time.Millisecond)
	cmd.Process.Signal(syscall.SIGTERM)
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		if err == nil {
			t.Error("killed, and success all the same")
		}
	case <-time.After(10 * time.Second):
		t.Error("a second SIGTERM does not kill")
	}
}

func TestMain(m *testing.M) {
	mode := os.Getenv("CLI_TEST_RUN")
	if mode == "" {
		os.Exit(m.Run())
	}
	run := func(ctx context.Context, o RunOptions) error {
		fmt.Println("running", o.Config.Node.Name)
		for {
			select {
			case c := <-o.Reload:
				fmt.Println("reload", c.Node.Name)
			case <-ctx.Done():
				fmt.Println("stopping")
				if mode == "stuck" {
					time.Sleep(time.Minute)
				}
				return nil
			}
		}
	}
	os.Exit(Main(context.Background(), []string{"run", "--dev", "--config", os.Getenv("CLI_TEST_CONFIG"), "--log-level", "error"},
		Commands{Run: run}, Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}

func TestParseAge(t *testing.T) {
	for in, want := range map[string]time.Duration{"": 0, "never": -1, "30d": 720 * time.Hour, "90m": 90 * time.Minute} {
		if got, err := parseAge(in); err != nil || got != want {
			t.Errorf("%q: %v %v", in, got, err)
		}
	}
	for _, in := range []string{"0d", "-1h", "x", "99999999d", "1000000h", "d"} {
		if got, err := parseAge(in); err == nil {
			t.Errorf("%q was taken as %v", in, got)
		}
	}
}
