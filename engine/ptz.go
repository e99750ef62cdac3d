package engine

import (
	"errors"
	"fmt"
	"time"

	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/engine/video/enhance"
)

// View is what part of the configured picture is shown: pan, tilt and zoom of
// an electronic kind. The picture keeps its size.
type View struct {
	// Zoom is 1 (all) to enhance.ZoomMost.
	Zoom float32 `json:"zoom"`
	// X and Y are where the part lies, -1 to 1 from edge to edge, right and down.
	X float32 `json:"x"`
	Y float32 `json:"y"`
}

var wholeView = View{Zoom: 1}

// ErrView is wrapped by PointAt's errors.
var ErrView = errors.New("engine: bad view")

// viewEvery is the least time between changes of the view: each makes tables
// anew and costs the encoder a picture of which little is known.
const viewEvery = 100 * time.Millisecond

// PointAt shows a part of the configured picture to all viewers, until another
// is asked for, the configuration changes or the last viewer leaves. It never
// shows what masks or the configured geometry hide. Of views that come within a
// tenth of a second, the last one counts.
func (e *Engine) PointAt(v View) error {
	if !(v.Zoom >= 1 && v.Zoom <= enhance.ZoomMost) { // NaN is outside
		return fmt.Errorf("%w: zoom is %g, must be 1 to %d", ErrView, v.Zoom, enhance.ZoomMost)
	}
	if !(v.X >= -1 && v.X <= 1 && v.Y >= -1 && v.Y <= 1) {
		return fmt.Errorf("%w: x %g, y %g, must be -1 to 1 each", ErrView, v.X, v.Y)
	}
	h := &e.enhance
	h.mu.Lock()
	changed := v != h.view
	h.view, h.viewWaits = v, h.viewWaits || changed
	h.mu.Unlock()
	if changed {
		e.viewAltered()
		if e.sessions != nil {
			e.sessions.Broadcast(marshal(viewMessage{"ptz", v}))
		}
	}
	return nil
}

// View returns what is shown.
func (e *Engine) View() View {
	e.enhance.mu.Lock()
	defer e.enhance.mu.Unlock()
	return e.enhance.view
}

// point brings the view that waits into force. The lock is held.
func (h *enhancer) point(now time.Time) {
	if !h.viewWaits || now.Sub(h.viewAt) < viewEvery {
		return
	}
	cfg := h.base
	if h.view.Zoom > 1 {
		cfg.Geometry = cfg.Geometry.Within(h.view.Zoom, h.view.X, h.view.Y)
	}
	if err := h.chain.Reconfigure(cfg); err != nil {
		h.log.Error("view refused", "error", err)
	}
	h.viewWaits, h.viewAt = false, now
}

// viewMessage tells viewers what is shown.
type viewMessage struct {
	Type string `json:"type"`
	View
}

// pointRequest handles a viewer's message "ptz".
func (e *Engine) pointRequest(v *session.Viewer, r request) {
	answer := reply{Type: "ptz-reply", ID: r.ID}
	if !v.Grant().Talk {
		answer.Error = "this access does not permit pointing the camera (scope talk)"
	} else if err := e.PointAt(r.View); err != nil {
		answer.Error = err.Error()
	} else {
		answer.OK = true
	}
	e.send(v, marshal(answer))
}
