package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "edgecam.yaml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDefaultsAreValid(t *testing.T) {
	if p := Defaults().Validate(); len(p) != 0 {
		t.Fatal(p)
	}
	l, err := Load(Sources{Path: write(t, "")})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(l.Config, Defaults()) {
		t.Errorf("an empty file changed something: %+v", l.Config)
	}
}

// TestProblems pins key, line and column of what is reported for bad files.
func TestProblems(t *testing.T) {
	tests := []struct {
		name, yaml string
		want       []string // "line:column key message…" with message a part
	}{
		{"unknown section", "node:\n  name: door\nvidoe:\n  speed: 3\n", []string{"3:1 vidoe is not a known key; did you mean video?"}},
		{"unknown key", "video:\n  speed: 3\n  bitrate_kbp: 900\n", []string{"3:3 video.bitrate_kbp is not a known key; did you mean bitrate_kbps?"}},
		{"key in wrong section", "udp_port: 9000\n", []string{"1:1 udp_port is not a known key; did you mean webrtc.udp_port?"}},
		{"nothing near", "zzzzzzzzzzzz: 1\n", []string{"1:1 zzzzzzzzzzzz is not a known key"}},
		{"wrong type", "video:\n  speed: fast\n", []string{"2:10 video.speed is \"fast\", must be a whole number"}},
		{"fraction", "camera:\n  fps: 29.97\n", []string{"2:8 camera.fps is \"29.97\", must be a whole number"}},
		{"huge number", "camera:\n  fps: 99999999999999999999\n", []string{"2:8 camera.fps"}},
		{"bool as word", "microphone:\n  enabled: yes\n", []string{"2:12 microphone.enabled is \"yes\", must be true or false"}},
		{"voice codec", "webrtc:\n  voice_codecs: [opus, g727, opus]\n", []string{"webrtc.voice_codecs[1] is \"g727\"", "webrtc.voice_codecs[2] names \"opus\" twice"}},
		{"out of range", "webrtc:\n  udp_port: 70000\n", []string{"2:13 webrtc.udp_port is 70000, must be 0 to 65535"}},
		{"not one of", "log:\n  level: warning\n", []string{"2:10 log.level is \"warning\", must be one of debug, info, warn, error; did you mean warn?"}},
		{"map for scalar", "node:\n  name:\n    first: x\n", []string{"node.name must be text"}},
		{"scalar for map", "camera: auto\n", []string{"1:9 camera must be a mapping"}},
		{"scalar for list", "webrtc:\n  public_ips: 1.2.3.4\n", []string{"2:15 webrtc.public_ips must be a list"}},
		{"no value", "camera:\n  fps:\n", []string{"2:3 camera.fps has no value"}},
		{"list at top", "- a\n- b\n", []string{"1:1  must be a mapping"}},
		{"twice", "node:\n  name: a\n  name: b\n", []string{"3:3 "}},
		{"syntax", "video:\n  speed: [1\n", []string{"2:10  YAML syntax"}},
		{"tab", "video:\n\tspeed: 1\n", []string{"2:1  YAML syntax"}},
		{"alias", "node: &n\n  name: x\n", []string{"1:7 node uses a YAML anchor"}},
		{"second document", "node: {name: a}\n---\nnode: {name: b}\n", []string{"3:1  a second YAML document"}},
		{"not text", "node:\n  name: \"\xff\xfe\"\n", []string{"2:10  is not UTF-8"}},
		{"processing rate", "audio:\n  rate_khz: 44\n", []string{"2:13 audio.rate_khz is 44, must be 16, 32 or 48"}},
		{"high-pass", "audio:\n  high_pass_hz: 7\n", []string{"2:17 audio.high_pass_hz is 7, must be 0 (none) or 20 to 400"}},
		{"noise", "audio:\n  noise_reduction: medium\n", []string{"2:20 audio.noise_reduction is \"medium\", must be one of off, low, mid, high"}},
		{"enhance", "enhance:\n  rotate: 45\n  tone: loud\n  crop: 10,20\n  masks: ['1,2 3,4', '0,0 50,0 900,50']\n", []string{
			"2:11 enhance.rotate is 45, must be 0, 90, 180 or 270",
			`3:9 enhance.tone is "loud", must be one of auto, off`,
			`4:9 enhance.crop is "10,20", must be X,Y,WIDTH,HEIGHT in hundredths of the picture`,
			`enhance.masks[0] is "1,2 3,4", must be 3 to 64 corners X,Y in hundredths of the picture`,
			`enhance.masks[1] has corner "900,50", must be X,Y with numbers from -100 to 200`,
		}},
		{"relay held", "lines:\n  relay_pulse_ms: 60000\n", []string{"2:19 lines.relay_pulse_ms is 60000, must be 50 to 5000"}},
		{"line half named", "lines:\n  button:\n    offset: 17\n", []string{"3:13 lines.button.offset is given without chip"}},
		{"same line twice", "lines:\n  button: {name: GPIO17}\n  relay: {name: GPIO17}\n", []string{"3:3 lines.relay is the same line as button"}},
		{"ice server", "webrtc:\n  ice_servers:\n    - urls: [\"http://x\"]\n", []string{"3:14 webrtc.ice_servers[0].urls[0] is \"http://x\", must begin with stun:"}},
		{"turn without user", "webrtc:\n  ice_servers:\n    - urls: [\"turn:t.example\"]\n", []string{"webrtc.ice_servers[0].username and credential are needed"}},
		{"unknown in list", "webrtc:\n  ice_servers:\n    - url: x\n", []string{"3:7 webrtc.ice_servers[0].url is not a known key; did you mean urls?"}},
		{"bad source", "camera:\n  source: v4l:0\n", []string{"2:11 camera.source is \"v4l:0\", must be auto, sim, v4l2:ID or file:PATH; did you mean v4l2?"}},
		{"sound card as camera", "camera:\n  source: alsa:x\n", []string{"2:11 camera.source is \"alsa:x\", but a device here is v4l2:ID"}},
		{"origin with path", "http:\n  frame_ancestors: [\"https://a/b\"]\n", []string{"2:21 http.frame_ancestors[0] is \"https://a/b\""}},
		{"all at once", "vidoe: 1\nlog:\n  level: loud\ncamera:\n  fps: 0\n", []string{"1:1 vidoe", "3:10 log.level", "5:8 camera.fps"}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			path := write(t, tc.yaml)
			_, err := Load(Sources{Path: path})
			var ps Problems
			if !errors.As(err, &ps) {
				t.Fatalf("error is %v, want Problems", err)
			}
			if len(ps) != len(tc.want) {
				t.Errorf("%d problems, want %d", len(ps), len(tc.want))
			}
			for i, p := range ps {
				got := strings.TrimPrefix(p.String(), path+":")
				got = strings.Replace(got, ": ", " ", 1)
				if p.Key == "" {
					got = strings.Replace(got, " ", "  ", 1)
				}
				if i < len(tc.want) && !strings.Contains(got, tc.want[i]) {
					t.Errorf("problem %d: got  %s\nwant %s", i, got, tc.want[i])
				}
			}
		})
	}
}

func TestPrecedenceAndOrigins(t *testing.T) {
	path := write(t, "node:\n  name: file\ncamera:\n  width: 1280\n  fps: 25\nvideo:\n  speed: 4\n")
	l, err := Load(Sources{
		Board:       Text{"board pi-5", []byte("camera:\n  width: 800\n  height: 600\n")},
		Path:        path,
		Provisioned: Text{"provisioned", []byte("video: {speed: 5}\n")},
		Environ:     []string{"EDGECAM_CAMERA_FPS=15", "EDGECAM_WEBRTC_PUBLIC_IPS=192.0.2.1, 2001:db8::1", "EDGECAM_CPU=generic", "HOME=/x", "EDGECAM_VIDEO_SPEDE=1", "EDGECAM_NODE_NAME="},
		Flags:       map[string]string{"camera.source": "sim", "webrtc.ice_servers": "[{urls: ['stun:s.example:3478']}]"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		key       string
		got, want any
		origin    string
	}{
		{"node.name", l.Node.Name, "file", "file " + path + ":2:9"},
		{"camera.width", l.Camera.Width, 1280, "file " + path + ":4:10"},
		{"camera.height", l.Camera.Height, 600, "board board pi-5:3:11"},
		{"camera.fps", l.Camera.FPS, 15, "environment EDGECAM_CAMERA_FPS"},
		{"camera.source", l.Camera.Source, "sim", "flag --camera"},
		{"video.speed", l.Video.Speed, 5, "provisioned provisioned:1:16"},
		{"video.threads", l.Video.Threads, 0, "default"},
		{"webrtc.public_ips", strings.Join(l.WebRTC.PublicIPs, "|"), "192.0.2.1|2001:db8::1", "environment EDGECAM_WEBRTC_PUBLIC_IPS"},
		{"webrtc.ice_servers", l.WebRTC.ICEServers[0].URLs[0], "stun:s.example:3478", "flag --webrtc-ice-servers"},
	} {
		if tc.got != tc.want {
			t.Errorf("%s = %v, want %v", tc.key, tc.got, tc.want)
		}
		if o := l.Origin(tc.key).String(); o != tc.origin {
			t.Errorf("%s came from %q, want %q", tc.key, o, tc.origin)
		}
	}
	if len(l.Warnings) != 1 || !strings.Contains(l.Warnings[0].String(), "did you mean EDGECAM_VIDEO_SPEED?") {
		t.Errorf("warnings: %v", l.Warnings)
	}
	_, err = Load(Sources{Path: path, Environ: []string{"EDGECAM_CAMERA_FPS=many"}})
	if err == nil || !strings.Contains(err.Error(), `EDGECAM_CAMERA_FPS: camera.fps is "many", must be a whole number`) {
		t.Errorf("bad variable: %v", err)
	}
}

func TestUnknownFlagKeys(t *testing.T) {
	for key, want := range map[string]string{
		"video.sped": "--set: video.sped is not a known key; did you mean video.speed?",
		"fps":        "--set: fps is not a known key; did you mean camera.fps?",
	} {
		_, err := Load(Sources{Path: write(t, ""), Flags: map[string]string{key: "1"}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", key, err)
		}
	}
}

func TestFileErrors(t *testing.T) {
	if _, err := Load(Sources{Path: filepath.Join(t.TempDir(), "absent.yaml")}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
	if _, err := Load(Sources{Path: write(t, strings.Repeat("#", maxFileSize+1))}); err == nil || !strings.Contains(err.Error(), "limit") {
		t.Errorf("oversized: %v", err)
	}
}

func TestShowMasksSecretsAndRoundTrips(t *testing.T) {
	path := write(t, "node: {name: 'yes'}\nwebrtc:\n  ice_servers:\n    - {urls: ['turn:t.example:3478'], username: u, credential: hunter2}\n  public_ips: ['192.0.2.9']\n")
	l, err := Load(Sources{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := l.Show(&out); err != nil {
		t.Fatal(err)
	}
	js, _ := json.Marshal(l.Entries())
	if strings.Contains(out.String(), "hunter2") || bytes.Contains(js, []byte("hunter2")) {
		t.Error("the secret is shown")
	}
	again, err := Load(Sources{Path: write(t, out.String())})
	if err != nil {
		t.Fatalf("what show prints is not a valid file: %v\n%s", err, out.String())
	}
	again.WebRTC.ICEServers[0].Credential = "hunter2"
	if !reflect.DeepEqual(again.Config, l.Config) {
		t.Errorf("show then load differs:\n%+v\n%+v", again.Config, l.Config)
	}
	for _, lf := range leaves(l.Config) {
		if lf.tag.doc == "" || lf.tag.key == "" {
			t.Errorf("%s has no description or no key", lf.path)
		}
	}
}

func TestSchemaKnowsEveryKey(t *testing.T) {
	var root map[string]any
	if err := json.Unmarshal(Schema(), &root); err != nil {
		t.Fatal(err)
	}
	for _, lf := range leaves(Defaults()) {
		node := root
		for part := range strings.SplitSeq(lf.path, ".") {
			props, _ := node["properties"].(map[string]any)
			next, ok := props[part].(map[string]any)
			if !ok {
				t.Fatalf("%s is not in the schema", lf.path)
			}
			node = next
		}
		if node["description"] != lf.tag.doc || node["type"] == nil {
			t.Errorf("%s: %v", lf.path, node)
		}
	}
	if root["additionalProperties"] != false {
		t.Error("unknown keys are allowed")
	}
}

func TestParseSource(t *testing.T) {
	for in, want := range map[string]Source{
		"auto": {"auto", ""}, "sim": {"sim", ""}, "v4l2:usb-046d:0825-index0": {"v4l2", "usb-046d:0825-index0"},
		"/dev/video2": {"v4l2", "/dev/video2"}, "file:a:b.y4m": {"file", "a:b.y4m"}, "clips/o1.y4m": {"file", "clips/o1.y4m"}, "alsa:Device": {"alsa", "Device"},
	} {
		if got, err := ParseSource(in); err != nil || got != want {
			t.Errorf("%q: %v, %v; want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "v4l2:", "none", "rtsp://x/y"} {
		if got, err := ParseSource(in); err == nil {
			t.Errorf("%q was taken as %v", in, got)
		}
	}
}

func TestLinesHAL(t *testing.T) {
	l := Defaults().Lines
	if l.Button.Configured() || l.Relay.Configured() {
		t.Error("a line is configured by default")
	}
	l.Button.Name = "GPIO17"
	if h := l.Button.HAL(); h.Line.Name != "GPIO17" || h.Debounce != 25*time.Millisecond || h.Bias == 0 || !h.ActiveLow {
		t.Errorf("%+v", h)
	}
	l.RelayPulseMS = 3_600_000
	if l.RelayPulse() != MaxRelayPulse {
		t.Error("the pulse is not limited")
	}
}

func TestResolveStateDir(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	c := Defaults()
	c.StateDir = dir
	if got, err := c.ResolveStateDir(); err != nil || got != dir {
		t.Fatal(got, err)
	}
	if info, _ := os.Stat(dir); info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v", info.Mode())
	}
	file := write(t, "")
	c.StateDir = filepath.Join(file, "x")
	if _, err := c.ResolveStateDir(); err == nil {
		t.Error("a file was taken as a folder")
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte("video:\n  speed: 3\n"))
	f.Add([]byte("a: &b [*b, {? x : y}]\n<<: 1"))
	f.Add([]byte("webrtc: {ice_servers: [{urls: [1, ~, {}]}]}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c := Defaults()
		d := document{source: "fuzz"}
		d.apply(c, data)
		for _, p := range d.problems {
			if p.Message == "" || p.Line < 0 {
				t.Errorf("empty problem %+v", p)
			}
		}
		c.Validate()
	})
}
