package node

import (
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine"
)

// TestPointAt: a viewer shows itself and everybody else a part of the picture.
func TestPointAt(t *testing.T) {
	b := start(t, nil)
	v, other := join(t, b.url), join(t, b.url)
	shows := func(zoom float64) func(map[string]any) bool {
		return func(m map[string]any) bool { return m["type"] == "ptz" && m["zoom"] == zoom }
	}
	v.message("the state of things", func(m map[string]any) bool { return m["type"] == "state" })
	other.message("the state of things", func(m map[string]any) bool { return m["type"] == "state" })
	v.tell(`{"type":"ptz","id":"1","zoom":2,"x":1,"y":-0.5}`)
	v.message("answer", func(m map[string]any) bool { return m["type"] == "ptz-reply" && m["id"] == "1" && m["ok"] == true })
	other.message("what is shown", shows(2))
	late := join(t, b.url)
	late.message("what is shown", shows(2))
	v.tell(`{"type":"ptz","id":"2","zoom":20}`)
	v.message("refusal", func(m map[string]any) bool { return m["id"] == "2" && m["ok"] == false && m["error"] != "" })
	if view := b.engine.View(); view != (engine.View{Zoom: 2, X: 1, Y: -0.5}) {
		t.Errorf("%+v is shown", view)
	}
	eventually(t, 20*time.Second, "pictures arrive", func() bool { n, _, _, _ := v.seen(); return n > 10 })
	for _, w := range []*viewer{v, other, late} {
		w.leave()
	}
	eventually(t, 20*time.Second, "the whole picture is shown when nobody is left", func() bool { return b.engine.View() == (engine.View{Zoom: 1}) })
}
