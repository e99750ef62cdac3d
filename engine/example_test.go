package engine_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"time"

	"github.com/edgecam/edgecam/engine"
	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/hal"
)

// bars is a camera of one's own: grey bars that move, 20 pictures a second.
type bars struct {
	tick *time.Ticker
	n    int
}

// openBars is what the engine calls when somebody wants to see.
func openBars(context.Context) (hal.Camera, error) {
	return &bars{tick: time.NewTicker(50 * time.Millisecond)}, nil
}

func (b *bars) Mode() hal.VideoMode {
	return hal.VideoMode{Format: media.FormatI420, Width: 320, Height: 240, FrameInterval: 50 * time.Millisecond}
}

func (b *bars) Read(ctx context.Context) (*media.Frame, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-b.tick.C:
	}
	mode := b.Mode()
	data := make([]byte, mode.Format.FrameSize(mode.Width, mode.Height))
	for y := range mode.Height {
		for x := range mode.Width {
			data[y*mode.Width+x] = byte((x + 4*b.n) &^ 31)
		}
	}
	for i := mode.Width * mode.Height; i < len(data); i++ {
		data[i] = 128 // no colour
	}
	b.n++
	f := &media.Frame{Format: mode.Format, Width: mode.Width, Height: mode.Height, Data: data, CapturedAt: time.Now(), Sequence: uint32(b.n)}
	f.InitFrame(nil)
	return f, nil
}

func (b *bars) Close() error {
	b.tick.Stop()
	return nil
}

// A camera of one's own, and signalling of one's own: here the offer and the answer
// go by two channels; in an application by whatever connects it with its viewers.
func Example() {
	cfg := engine.Defaults()
	cfg.Session.UDPPort, cfg.Session.Loopback, cfg.Session.ICETCP = 0, true, false
	e, err := engine.New(cfg, engine.Devices{Camera: openBars}, nil, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := context.WithTimeout(context.Background(), 20*time.Second)
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()

	offers, answers := make(chan string), make(chan string)
	go func() { // the node's end: who asks is known to it, and what they may do
		for offer := range offers {
			_, answer, err := e.Sessions().Answer(ctx, offer, session.Grant{Subject: "anna", View: true})
			if err != nil {
				log.Fatal(err)
			}
			answers <- answer
		}
	}()

	// A viewer; in a browser it is edgecam.js with a signalling object of the page's.
	seen := make(chan int, 1)
	call, err := session.NewCall(session.CallConfig{Video: true, Loopback: true}, session.CallHooks{
		Video: func(p session.VideoPacket) {
			select {
			case seen <- len(p.Payload):
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
	offers <- offer
	if err := call.Accept(<-answers); err != nil {
		log.Fatal(err)
	}
	select {
	case n := <-seen:
		fmt.Println("the picture flows:", n > 0)
	case <-ctx.Done():
		fmt.Println("no picture")
	}
	fmt.Println("camera:", e.Camera().Mode)

	close(offers)
	call.Close()
	stop()
	if err := <-done; err != nil {
		log.Fatal(err)
	}
	// Output:
	// the picture flows: true
	// camera: I420 320x240 20 fps
}
