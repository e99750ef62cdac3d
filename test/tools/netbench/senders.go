package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// fixedBps is what those send who cannot adapt, mostBps what the others may.
const (
	fixedBps = 1_500_000
	mostBps  = 4_000_000
)

// sender is one that is compared.
type sender struct {
	name string
	// answer starts it for one run, which ends with ctx, and takes the watcher's offer.
	answer func(ctx context.Context, offer string) (string, error)
}

// bench is what all senders share.
type bench struct {
	edgecam, work string
	b             *browsers
	scene         scene
}

// ports returns n that are free for TCP and UDP on loopback.
func ports(n int) (out []int, err error) {
	for range 50 {
		u, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			return nil, err
		}
		defer u.Close()
		port := u.LocalAddr().(*net.UDPAddr).Port
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		defer l.Close()
		if out = append(out, port); len(out) == n {
			return out, nil
		}
	}
	return nil, errors.New("no ports are free for TCP and UDP")
}

// start runs a program until ctx ends, its output in a file of the work folder.
func (be *bench) start(ctx context.Context, name string, args ...string) error {
	log, err := os.Create(filepath.Join(be.work, filepath.Base(name)+".log"))
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		return errors.Join(err, log.Close())
	}
	go func() {
		_ = cmd.Wait()
		_ = log.Close()
	}()
	return nil
}

// eventually tries until it works, 15 s at most.
func eventually(ctx context.Context, f func() error) (err error) {
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end) && ctx.Err() == nil; time.Sleep(100 * time.Millisecond) {
		if err = f(); err == nil {
			return nil
		}
	}
	return errors.Join(err, ctx.Err())
}

func (be *bench) clip() string { return filepath.Join(be.work, "clip.y4m") }

// senders returns those that there are; who is missing is said.
func (be *bench) senders() []sender {
	list := []sender{{"edgecam", be.edgecamAnswer}, {"Chromium", func(_ context.Context, offer string) (string, error) {
		r, err := be.b.do("send", map[string]any{"sdp": offer, "maxBps": mostBps})
		return r.SDP, err
	}}}
	for _, peer := range []struct {
		name, env string
		answer    func(ctx context.Context, program, offer string) (string, error)
	}{{"MediaMTX", "MEDIAMTX", be.mediaMTXAnswer}, {"go2rtc", "GO2RTC", be.go2rtcAnswer}} {
		program := os.Getenv(peer.env)
		if program == "" {
			fmt.Fprintf(os.Stderr, "netbench: %s is left out: %s names no program\n", peer.name, peer.env)
			continue
		}
		list = append(list, sender{peer.name, func(ctx context.Context, offer string) (string, error) { return peer.answer(ctx, program, offer) }})
	}
	return list
}

func (be *bench) edgecamAnswer(ctx context.Context, offer string) (answer string, err error) {
	p, err := ports(2)
	if err != nil {
		return "", err
	}
	web := fmt.Sprintf("127.0.0.1:%d", p[0])
	err = be.start(ctx, be.edgecam, "run", "--dev", "--listen", web, "--camera", "file:"+be.clip(),
		"--set", fmt.Sprintf("webrtc.udp_port=%d", p[1]), "--set", fmt.Sprintf("video.bitrate_kbps=%d", mostBps/1000),
		// The quality is judged against the scene: brightness stays as it is.
		"--set", "enhance.tone=off", "--set", "enhance.deflicker=off", "--set", "state_dir="+filepath.Join(be.work, "state"))
	if err != nil {
		return "", err
	}
	err = eventually(ctx, func() (err error) {
		answer, err = post(ctx, "http://"+web+"/whep", offer)
		return err
	})
	return answer, err
}

// passOn has a server that passes on what it gets send the coded clip.
func (be *bench) passOn(ctx context.Context, whip, clip, whep, offer string) (answer string, err error) {
	err = eventually(ctx, func() error { return publish(ctx, whip, filepath.Join(be.work, clip)) })
	if err != nil {
		return "", err
	}
	time.Sleep(second) // a server may have no tracks for those who come before the first packets
	err = eventually(ctx, func() (err error) {
		answer, err = post(ctx, whep, offer)
		return err
	})
	return answer, err
}

func (be *bench) mediaMTXAnswer(ctx context.Context, program, offer string) (string, error) {
	p, err := ports(2)
	if err != nil {
		return "", err
	}
	config := filepath.Join(be.work, "mediamtx.yml")
	err = os.WriteFile(config, fmt.Appendf(nil, `logLevel: error
rtsp: no
rtmp: no
hls: no
srt: no
webrtcAddress: 127.0.0.1:%d
webrtcLocalUDPAddress: 127.0.0.1:%d
webrtcIPsFromInterfaces: no
webrtcAdditionalHosts: [127.0.0.1]
paths:
  all_others:
`, p[0], p[1]), 0o644)
	if err != nil {
		return "", err
	}
	if err := be.start(ctx, program, config); err != nil {
		return "", err
	}
	base := fmt.Sprintf("http://127.0.0.1:%d/cam/", p[0])
	return be.passOn(ctx, base+"whip", "clip.ivf", base+"whep", offer)
}

func (be *bench) go2rtcAnswer(ctx context.Context, program, offer string) (string, error) {
	p, err := ports(2)
	if err != nil {
		return "", err
	}
	config := filepath.Join(be.work, "go2rtc.yaml")
	err = os.WriteFile(config, fmt.Appendf(nil, `api:
  listen: 127.0.0.1:%d
rtsp:
  listen: ""
webrtc:
  listen: 127.0.0.1:%d
  candidates: [127.0.0.1:%d]
  ice_servers: []
streams:
  cam: ""
`, p[0], p[1], p[1]), 0o644)
	if err != nil {
		return "", err
	}
	if err := be.start(ctx, program, "-config", config); err != nil {
		return "", err
	}
	base := fmt.Sprintf("http://127.0.0.1:%d/api/webrtc", p[0])
	return be.passOn(ctx, base+"?dst=cam", "clip.h264", base+"?src=cam", offer)
}
