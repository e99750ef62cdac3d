package engine

import (
	"testing"

	"github.com/edgecam/edgecam/engine/media"
)

func TestMailboxKeepsTheNewest(t *testing.T) {
	var pool media.PicturePool
	box := mailbox{ready: make(chan struct{}, 1)}
	if p, _, _ := box.take(); p != nil {
		t.Fatal("an empty mailbox gave a picture")
	}
	a, b := pool.Get(16, 16), pool.Get(16, 16)
	if box.put(a, 30) {
		t.Error("the first picture replaced something")
	}
	if !box.put(b, 25) {
		t.Error("the second picture did not replace the first, which nobody took")
	}
	if c := pool.Get(16, 16); c != a {
		t.Error("the replaced picture did not go back to its pool")
	}
	p, fps, again := box.take()
	if p != b || fps != 25 || again {
		t.Errorf("take = %p, %v, %v; want the newest, 25, false", p, fps, again)
	}
	p.Release()
	p, _, again = box.take()
	if p != b || !again {
		t.Error("the newest picture is not kept for a key frame")
	}
	p.Release()
	if box.put(pool.Get(16, 16), 30) {
		t.Error("a picture that was taken counts as dropped")
	}
	box.clear()
	if p, _, _ := box.take(); p != nil {
		t.Error("a picture is left after clear")
	}
}
