package rtsp

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestFFmpeg records with ffmpeg over both transports and looks at what it wrote:
// every picture decodes, and key frames come as often as they are to.
func TestFFmpeg(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		if os.Getenv("EDGECAM_CI") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	if testing.Short() {
		t.Skip("short")
	}
	for _, transport := range []string{"tcp", "udp"} {
		t.Run(transport, func(t *testing.T) {
			s := newSource(t, true)
			srv := newServer(t, s, func(o *Options) { o.UDPPort, o.KeyFrameEvery = freePair(t), time.Second })
			file := filepath.Join(t.TempDir(), "record.mkv")
			out, err := exec.Command("ffmpeg", "-nostdin", "-v", "warning", "-rtsp_transport", transport,
				"-i", at(srv, user+":"+pass+"@"), "-t", "4", "-c", "copy", file).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if strings.Contains(string(out), "missed") || strings.Contains(string(out), "Keyframe") {
				t.Errorf("ffmpeg complains: %s", out)
			}
			raw, err := exec.Command("ffprobe", "-v", "error", "-show_packets", "-of", "json", file).Output()
			if err != nil {
				t.Fatal(err)
			}
			var list struct {
				Packets []struct {
					Type  string `json:"codec_type"`
					PTS   string `json:"pts_time"`
					Flags string `json:"flags"`
				} `json:"packets"`
			}
			if err := json.Unmarshal(raw, &list); err != nil {
				t.Fatal(err)
			}
			count, keys, last := map[string]int{}, 0, map[string]float64{}
			first := map[string]float64{}
			for _, p := range list.Packets {
				at, _ := strconv.ParseFloat(p.PTS, 64)
				if count[p.Type]++; count[p.Type] == 1 {
					first[p.Type] = at
					if p.Type == "video" && !strings.HasPrefix(p.Flags, "K") {
						t.Error("the recording does not begin with a key frame")
					}
				} else if p.Type == "video" && at-last["video"] > 0.1 {
					t.Errorf("no picture between %.3f and %.3f s", last["video"], at)
				}
				if p.Type == "video" && strings.HasPrefix(p.Flags, "K") {
					keys++
				}
				last[p.Type] = at
			}
			t.Logf("%d pictures, %d of them key frames, %.2f to %.2f s; %d packets of sound, %.2f to %.2f s",
				count["video"], keys, first["video"], last["video"], count["audio"], first["audio"], last["audio"])
			if count["video"] < 90 || count["audio"] < 150 || keys < 3 || keys > 6 {
				t.Errorf("%d pictures, %d packets of sound, %d key frames in 4 s", count["video"], count["audio"], keys)
			}
			decoded, err := exec.Command("ffmpeg", "-nostdin", "-v", "error", "-xerror", "-i", file, "-f", "null", "-").CombinedOutput()
			if err != nil || len(decoded) > 0 {
				t.Errorf("the recording does not decode: %v %s", err, decoded)
			}
		})
	}
}
