package engine

import (
	"testing"
	"time"
)

func TestFloor(t *testing.T) {
	now := time.Unix(1000, 0)
	var f floor
	f.init(HalfDuplex)
	f.speaks("anna", now)
	f.speaks("ben", now)
	if f.holder != "anna" || !f.admits("anna") || f.admits("ben") || !f.half() {
		t.Fatalf("anna spoke first, but %q has the floor", f.holder)
	}
	// Words of the one who waits do not keep the floor from falling free.
	f.speaks("ben", now.Add(floorHold))
	f.expire(now.Add(floorHold + time.Millisecond))
	if f.holder != "" {
		t.Fatalf("%q keeps the floor in silence", f.holder)
	}
	f.speaks("ben", now.Add(time.Second))
	f.release("anna")
	if f.holder != "ben" {
		t.Fatal("somebody else's release took the floor")
	}
	f.release("ben")
	f.speaks("anna", now.Add(time.Second))
	if f.holder != "anna" {
		t.Fatal("the floor is not free after its release")
	}
	// One call in full duplex is refused while the floor is held, heard otherwise.
	if !f.choose("ben", FullDuplex) || f.choose("ben", "simplex") {
		t.Fatal("modes are not told apart")
	}
	if f.admits("ben") {
		t.Error("a full-duplex call breaks into a half-duplex one")
	}
	f.leave("anna")
	if f.holder != "" || !f.admits("ben") || f.half() {
		t.Error("the floor outlives its holder")
	}
	f.speaks("ben", now)
	if f.half() {
		t.Error("ben's call is half duplex, but chose full")
	}
	f.choose("ben", "")
	if !f.half() {
		t.Error("ben's call is not as the node is set")
	}
	f.init(FullDuplex)
	f.holder = ""
	f.speaks("anna", now)
	if !f.admits("ben") || f.half() {
		t.Error("a node in full duplex hears one at a time")
	}
}
