package session_test

import (
	"context"
	"fmt"
	"log"
	"sync/atomic"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/session"
)

// hardware stands for an encoder of one's own, such as a board's: it makes VP8 at a
// rate that can be changed, and a key frame when it is told to.
type hardware struct {
	key atomic.Bool
	bps atomic.Int64
}

func (h *hardware) encode() *media.EncodedVideo {
	// Frames of the rate's size, 20 a second; the first bytes are a VP8 header.
	data := make([]byte, max(h.bps.Load()/8/20, 16))
	key := h.key.Swap(false)
	if key {
		copy(data, []byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, 64, 1, 240, 0}) // 320x240
	} else {
		data[0] = 0x11
	}
	return &media.EncodedVideo{Data: data, Key: key, CapturedAt: time.Now()}
}

// An encoder of one's own: it is asked for key frames, is told the rate that the
// viewers' networks carry together, and hands each frame over once for all.
func Example_ownCodec() {
	var enc hardware
	enc.bps.Store(400_000)
	cfg := session.Defaults()
	cfg.UDPPort, cfg.Loopback, cfg.ICETCP = 0, true, false
	m, err := session.New(cfg, session.Hooks{
		KeyFrameNeeded: func(media.Stream, string) { enc.key.Store(true) },
		VideoPlan:      func(p session.VideoPlan) { enc.bps.Store(int64(p.MainBps)) },
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	m.SetVideoCeiling(400_000)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()

	first := make(chan bool, 1)
	call, err := session.NewCall(session.CallConfig{Video: true, Loopback: true}, session.CallHooks{
		Video: func(p session.VideoPacket) {
			// The bit S of the payload descriptor (RFC 7741 section 4.2).
			start := len(p.Payload) > 10 && p.Payload[0]&0x10 != 0
			select {
			case first <- start:
			default:
			}
		},
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	offer, err := call.Offer(ctx)
	if err != nil {
		log.Fatal(err)
	}
	_, answer, err := m.Answer(ctx, offer, session.Grant{Subject: "anna", View: true})
	if err != nil {
		log.Fatal(err)
	}
	if err := call.Accept(answer); err != nil {
		log.Fatal(err)
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for waiting := true; waiting; {
		select {
		case start := <-first:
			fmt.Println("begins at the start of a frame:", start)
			waiting = false
		case <-tick.C:
			m.WriteVideo(enc.encode())
		case <-ctx.Done():
			log.Fatal("no picture")
		}
	}
	call.Close()
	if err := m.Close(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println("key frames asked for and sent:", m.Stats().KeyFrames > 0)
	// Output:
	// begins at the start of a frame: true
	// key frames asked for and sent: true
}
