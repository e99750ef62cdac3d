package fleet

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/edgecam/edgecam/provisioning/client"
	"github.com/edgecam/edgecam/provisioning/wire"
)

const id = "ec-10000000abcdef01"

func say(o *Operator, kind string, v any) {
	o.handle(client.Received{Topic: wire.Up(id, kind), Payload: wire.Encode(v)})
}

func TestStatus(t *testing.T) {
	o := New(Options{})
	say(o, wire.UpStatus, wire.Status{State: wire.Online, Session: 5})
	say(o, wire.UpStatus, wire.Status{State: wire.Offline, Session: 4}) // the will of an older connection
	if n, ok := o.Node(id); !ok || !n.Online {
		t.Fatalf("%+v", n)
	}
	say(o, wire.UpStatus, wire.Status{State: wire.Offline, Session: 5})
	if n, _ := o.Node(id); n.Online {
		t.Fatal("still online")
	}
	o.handle(client.Received{Topic: wire.Up(id, wire.UpStatus)})
	if _, ok := o.Node(id); ok {
		t.Fatal("gone nodes are kept")
	}
	say(o, wire.UpEvent, wire.Event{ID: "00000001", Type: "ring"})
	say(o, wire.UpAck, wire.Ack{ID: "00000002", State: wire.AckDone})
	if _, ok := o.Node(id); ok {
		t.Fatal("a late event brings a gone node back")
	}
}

func TestEventsOnce(t *testing.T) {
	var got []string
	o := New(Options{OnEvent: func(_ string, e wire.Event) { got = append(got, e.ID) }})
	for range 3 {
		say(o, wire.UpEvent, wire.Event{ID: "00000001", Type: "ring"})
	}
	say(o, wire.UpEvent, wire.Event{ID: "00000002", Type: "ring"})
	if len(got) != 2 {
		t.Errorf("%v", got)
	}
}

func TestRolloutPlan(t *testing.T) {
	for _, r := range []Rollout{
		{Waves: []int{100}},
		{Nodes: []string{id}, Waves: []int{1, 50}},
		{Nodes: []string{id}, Waves: []int{50, 10, 100}},
		{Nodes: []string{id}, Waves: []int{0, 100}},
		{Nodes: []string{id}, Waves: []int{100}, MaxFail: 101},
	} {
		if r.Check() == nil {
			t.Errorf("%+v passes", r)
		}
	}
}

func TestTargets(t *testing.T) {
	for target, want := range map[string]string{id: "ec1/d/" + id + "/dn/des", "group:lobby": "ec1/g/lobby/dn/des", "group:": "", "x": "", "group:a/b": ""} {
		got, err := DesiredTopic(target)
		if got != want || (err != nil) != (want == "") || err != nil && !errors.Is(err, ErrTarget) {
			t.Errorf("%s: %q, %v", target, got, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := New(Options{}).Command(ctx, id, "reboot", nil, time.Minute); !errors.Is(err, ErrNotKnown) {
		t.Error(err)
	}
}

func FuzzHandle(f *testing.F) {
	f.Add(wire.UpStatus, []byte(`{"s":"online","sess":1}`))
	f.Add(wire.UpAck, []byte(`{"id":"00000001","st":"done"}`))
	f.Fuzz(func(_ *testing.T, kind string, payload []byte) {
		o := New(Options{OnEvent: func(string, wire.Event) {}, OnBlob: func(string, string, []byte) {}})
		o.handle(client.Received{Topic: wire.Up(id, kind), Payload: payload})
		o.handle(client.Received{Topic: wire.Down(id, kind), Payload: payload})
		o.Nodes()
	})
}
