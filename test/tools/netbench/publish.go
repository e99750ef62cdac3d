package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"
	"github.com/pion/webrtc/v4/pkg/media/h264reader"
	"github.com/pion/webrtc/v4/pkg/media/ivfreader"
)

// readFrames reads a coded clip: VP8 in IVF, or H.264 (Annex B).
func readFrames(path string) (frames [][]byte, mime string, err error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, "", err
	}
	if filepath.Ext(path) == ".ivf" {
		r, _, err := ivfreader.NewWith(bytes.NewReader(b))
		for err == nil {
			var f []byte
			if f, _, err = r.ParseNextFrame(); err == nil {
				frames = append(frames, f)
			}
		}
		if !errors.Is(err, io.EOF) {
			return nil, "", err
		}
		return frames, webrtc.MimeTypeVP8, nil
	}
	r, err := h264reader.NewReader(bytes.NewReader(b))
	var access []byte // an access unit; slices after its first have first_mb_in_slice above 0
	for err == nil {
		var n *h264reader.NAL
		if n, err = r.NextNAL(); err != nil {
			break
		}
		access = append(append(access, 0, 0, 0, 1), n.Data...)
		if n.UnitType == h264reader.NalUnitTypeCodedSliceIdr || n.UnitType == h264reader.NalUnitTypeCodedSliceNonIdr {
			frames, access = append(frames, access), nil
		}
	}
	if !errors.Is(err, io.EOF) {
		return nil, "", err
	}
	return frames, webrtc.MimeTypeH264, nil
}

// publish sends a coded clip to a WHIP endpoint until ctx ends; it returns when it
// is connected.
func publish(ctx context.Context, url, path string) error {
	frames, mime, err := readFrames(path)
	if err != nil {
		return err
	}
	var settings webrtc.SettingEngine
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetInterfaceFilter(func(name string) bool { return name == "lo" })
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(settings)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return err
	}
	track, err := webrtc.NewTrackLocalStaticSample(webrtc.RTPCodecCapability{MimeType: mime, ClockRate: 90000}, "video", "netbench")
	if err != nil {
		return errors.Join(err, pc.Close())
	}
	transceiver, err := pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		return errors.Join(err, pc.Close())
	}
	connected := make(chan struct{}, 1)
	pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateConnected {
			select {
			case connected <- struct{}{}:
			default:
			}
		}
	})
	if err := negotiate(ctx, pc, url); err != nil {
		return errors.Join(err, pc.Close())
	}
	select {
	case <-connected:
	case <-time.After(15 * time.Second):
		return errors.Join(errors.New("the server does not connect"), pc.Close())
	}
	go func() {
		for buf := make([]byte, 1500); ; {
			if _, _, err := transceiver.Sender().Read(buf); err != nil {
				return
			}
		}
	}()
	go func() {
		defer pc.Close()
		ticker := time.NewTicker(time.Second / clipFPS)
		defer ticker.Stop()
		for n := 0; ; n++ {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				_ = track.WriteSample(media.Sample{Data: frames[n%len(frames)], Duration: time.Second / clipFPS})
			}
		}
	}()
	return nil
}

func negotiate(ctx context.Context, pc *webrtc.PeerConnection, url string) error {
	offer, err := pc.CreateOffer(nil)
	if err != nil {
		return err
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(offer); err != nil {
		return err
	}
	<-gathered
	answer, err := post(ctx, url, pc.LocalDescription().SDP)
	if err != nil {
		return err
	}
	return pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer})
}

// post sends an offer and returns the answer.
func post(ctx context.Context, url, offer string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader([]byte(offer)))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/sdp")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return "", err
	}
	if resp.StatusCode/100 != 2 {
		return "", fmt.Errorf("POST %s: %s: %.200s", url, resp.Status, b)
	}
	return string(b), nil
}
