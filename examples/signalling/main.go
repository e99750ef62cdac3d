// Command signalling is a node with signalling of its own: plain requests of JSON,
// which examples/web/own.html makes. It shows what an application has to bring: a
// camera (here the simulated one), who may do what (here everybody on this machine),
// and a way for an offer and its answer.
//
//	go run ./examples/signalling
//	open http://127.0.0.1:8090/examples/web/own.html
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/edgecam/edgecam/engine"
	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/hal"
	"github.com/edgecam/edgecam/hal/sim"
)

// maxRequest bounds a request: an offer has some kilobytes.
const maxRequest = 128 << 10

func main() {
	listen := flag.String("listen", "127.0.0.1:8090", "address of the page and of /call")
	root := flag.String("root", ".", "the source tree, whose examples/web and web are served")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *listen, *root); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, listen, root string) error {
	camera := sim.NewCameraDriver(sim.CameraOptions{})
	cfg := engine.Defaults()
	cfg.Session.UDPPort, cfg.Session.Loopback = 0, true
	e, err := engine.New(cfg, engine.Devices{Camera: func(ctx context.Context) (hal.Camera, error) {
		return camera.OpenCamera(ctx, sim.CameraID, hal.VideoMode{})
	}}, nil, slog.Default())
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("POST /call", handler{e})
	mux.Handle("/", http.FileServer(http.Dir(root)))
	server := &http.Server{Addr: listen, Handler: mux, ReadTimeout: 10 * time.Second}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	go func() {
		if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
			cancel(err)
		}
	}()
	<-ctx.Done()
	_ = server.Close()
	err = <-done
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}

// request is {"offer": SDP}, or {"bye": ID}.
type request struct {
	Offer string           `json:"offer"`
	Bye   session.ViewerID `json:"bye"`
}

// reply is what an offer is answered with.
type reply struct {
	ID     session.ViewerID `json:"id"`
	Answer string           `json:"answer"`
}

// handler is the signalling.
type handler struct{ engine *engine.Engine }

func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in request
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest)).Decode(&in); err != nil {
		http.Error(w, fmt.Sprintf("the request is not understood: %v", err), http.StatusBadRequest)
		return
	}
	out := reply{}
	switch {
	case in.Bye != "":
		if v := h.engine.Sessions().Viewer(in.Bye); v != nil {
			v.Close("ended by the viewer")
		}
	default:
		h.engine.Prewarm() // the camera starts while the connection is made
		v, answer, err := h.engine.Sessions().Answer(r.Context(), in.Offer, session.Grant{Subject: r.RemoteAddr, View: true})
		if err != nil {
			status := http.StatusServiceUnavailable
			if errors.Is(err, session.ErrBadOffer) {
				status = http.StatusBadRequest
			}
			http.Error(w, err.Error(), status)
			return
		}
		out = reply{v.ID(), answer}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(out)
}
