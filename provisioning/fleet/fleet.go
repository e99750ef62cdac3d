// Package fleet is the operator's end: it watches nodes, gives them desired
// configurations and signed commands, and rolls a configuration out in waves.
// It needs nothing but the broker.
package fleet

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/edgecam/edgecam/provisioning/client"
	"github.com/edgecam/edgecam/provisioning/wire"
)

// Options make an Operator.
type Options struct {
	Endpoint client.Endpoint // broker and certificate; ID and filters are filled in
	ClientID string          // must begin with the certificate's common name
	KeyID    string          // of Key, as the fleet's key set has it
	Key      ed25519.PrivateKey
	// OnEvent is called with every event; it must not block.
	OnEvent func(node string, e wire.Event)
	// OnBlob is called with what a node sends beside an answer, such as a
	// picture; it must not block.
	OnBlob  func(node, command string, data []byte)
	Backoff client.Backoff
	Log     *slog.Logger
}

// NodeState is what is known of a node.
type NodeState struct {
	ID     string      `json:"id"`
	Online bool        `json:"online"`
	Seen   time.Time   `json:"seen"` // when something came last, this program's clock
	Status wire.Status `json:"status"`
	Birth  wire.Birth  `json:"birth"`
	Report wire.Report `json:"report"`
}

// Operator is such an end. Its methods may be called from any goroutine.
type Operator struct {
	opt    Options
	client *client.Client
	up     chan struct{}
	once   sync.Once

	mu      sync.Mutex
	nodes   map[string]*NodeState
	desired map[string]wire.Desired // by topic
	acks    map[string]chan wire.Ack
	changed chan struct{} // closed and replaced at every change
	seen    map[string]bool
	order   []string // of seen, oldest first
}

// New makes an operator's end; Run connects it.
func New(opt Options) *Operator {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	o := &Operator{
		opt: opt, up: make(chan struct{}), nodes: map[string]*NodeState{}, desired: map[string]wire.Desired{},
		acks: map[string]chan wire.Ack{}, changed: make(chan struct{}), seen: map[string]bool{},
	}
	e := opt.Endpoint
	e.ClientID = opt.ClientID
	// One filter: retained messages of a fleet come once, not once for each.
	e.Filters = []string{"ec1/d/+/up/#", "ec1/d/+/dn/des", "ec1/g/+/dn/des"}
	o.client = client.New(client.Options{
		Endpoint: func(context.Context) (client.Endpoint, error) { return e, nil },
		Handle:   o.handle,
		Up:       func(context.Context, client.Endpoint) error { o.once.Do(func() { close(o.up) }); return nil },
		Inbox:    4096, Wait: true, // a whole fleet's retained messages come at once
		Backoff: opt.Backoff, Log: opt.Log,
	})
	return o
}

// Run keeps the connection until ctx is done.
func (o *Operator) Run(ctx context.Context) { o.client.Run(ctx) }

// Connected reports whether the broker is reached.
func (o *Operator) Connected() bool { return o.client.Connected() }

// Ready waits for the first connection and a moment for what is retained.
func (o *Operator) Ready(ctx context.Context, settle time.Duration) error {
	select {
	case <-o.up:
	case <-ctx.Done():
		return fmt.Errorf("fleet: the broker was not reached: %w", ctx.Err())
	}
	t := time.NewTimer(settle)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Nodes returns all known nodes by id.
func (o *Operator) Nodes() []NodeState {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := make([]NodeState, 0, len(o.nodes))
	for _, n := range o.nodes {
		out = append(out, *n)
	}
	slices.SortFunc(out, func(a, b NodeState) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// Node returns one node.
func (o *Operator) Node(id string) (NodeState, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, ok := o.nodes[id]
	if !ok {
		return NodeState{}, false
	}
	return *n, true
}

// Wait waits until cond holds for node id.
func (o *Operator) Wait(ctx context.Context, id string, cond func(NodeState) bool) (NodeState, error) {
	for {
		o.mu.Lock()
		changed := o.changed
		var s NodeState
		n, ok := o.nodes[id]
		if ok {
			s = *n
		}
		o.mu.Unlock()
		if ok && cond(s) {
			return s, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return s, fmt.Errorf("fleet: node %s: %w", id, ctx.Err())
		}
	}
}

// Changed returns a channel that is closed at the next change.
func (o *Operator) Changed() <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.changed
}

// handle takes one message; what is not understood is passed over.
func (o *Operator) handle(m client.Received) {
	t, err := wire.ParseTopic(m.Topic)
	if err != nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if t.Kind == wire.DnDesired && t.Dir == "dn" {
		var d wire.Desired
		if len(m.Payload) == 0 {
			delete(o.desired, m.Topic)
		} else if wire.DecodeLoose(m.Payload, wire.MaxDesired, &d) == nil {
			o.desired[m.Topic] = d
		}
	} else if t.Scope == "d" && t.Dir == "up" {
		o.fromNode(t, m)
	}
	close(o.changed)
	o.changed = make(chan struct{})
}

// fromNode takes what a node says.
func (o *Operator) fromNode(t wire.Topic, m client.Received) {
	n := o.nodes[t.Name]
	if n == nil {
		if len(m.Payload) == 0 {
			return
		}
		n = &NodeState{ID: t.Name}
		// A node is known by what it leaves at the broker: an event or an answer
		// that comes late must not bring one back that has taken its leave.
		if t.Kind == wire.UpStatus || t.Kind == wire.UpBirth || t.Kind == wire.UpReport {
			o.nodes[t.Name] = n
		}
	}
	n.Seen = time.Now()
	if len(m.Payload) == 0 {
		if t.Kind == wire.UpStatus {
			delete(o.nodes, t.Name) // gone for good
		}
		return
	}
	var err error
	switch t.Kind {
	case wire.UpStatus:
		var s wire.Status
		if err = wire.DecodeLoose(m.Payload, wire.MaxMessage, &s); err == nil && s.Session >= n.Status.Session {
			// A late will of an older connection tells nothing of this one.
			n.Status, n.Online = s, s.State == wire.Online
		}
	case wire.UpBirth:
		var b wire.Birth
		if err = wire.DecodeLoose(m.Payload, wire.MaxMessage, &b); err == nil && b.Session >= n.Birth.Session {
			n.Birth = b
		}
	case wire.UpReport:
		var r wire.Report
		if err = wire.DecodeLoose(m.Payload, wire.MaxMessage, &r); err == nil {
			n.Report = r
		}
	case wire.UpAck:
		var a wire.Ack
		if err = wire.DecodeLoose(m.Payload, wire.MaxMessage, &a); err == nil {
			if c := o.acks[a.ID]; c != nil {
				select {
				case c <- a:
				default:
				}
			}
		}
	case wire.UpEvent:
		var e wire.Event
		if err = wire.DecodeLoose(m.Payload, wire.MaxMessage, &e); err == nil && o.isNew(e.ID) && o.opt.OnEvent != nil {
			o.opt.OnEvent(t.Name, e)
		}
	case wire.UpBlob:
		if o.opt.OnBlob != nil {
			o.opt.OnBlob(t.Name, t.Sub, m.Payload)
		}
	}
	if err != nil {
		o.opt.Log.Debug("message not understood", "node", t.Name, "kind", t.Kind, "error", err)
	}
}

// maxSeen bounds the memory of event ids.
const maxSeen = 4096

func (o *Operator) isNew(id string) bool {
	if o.seen[id] {
		return false
	}
	o.seen[id] = true
	if o.order = append(o.order, id); len(o.order) > maxSeen {
		delete(o.seen, o.order[0])
		o.order = o.order[1:]
	}
	return true
}

// Errors of commands.
var (
	ErrNotKnown = errors.New("fleet: no such node; 'edgecam fleet list' lists them")
	ErrRefused  = errors.New("fleet: the node has refused the command")
	ErrFailed   = errors.New("fleet: the command has failed on the node")
)

// Command sends a command and waits for its last answer. It is signed if the
// operator has a key. Without an answer it is sent again with the same id,
// which the node knows: nothing happens twice.
func (o *Operator) Command(ctx context.Context, id, op string, args any, ttl time.Duration) (wire.Ack, error) {
	n, ok := o.Node(id)
	if !ok {
		return wire.Ack{}, fmt.Errorf("%w: %s", ErrNotKnown, id)
	}
	c := wire.Command{ID: wire.NewULID(time.Now()), Node: id, Op: op, Issued: time.Now().Unix(), TTL: int64(ttl / time.Second)}
	if args != nil {
		raw, err := json.Marshal(args)
		if err != nil {
			return wire.Ack{}, fmt.Errorf("fleet: arguments: %w", err)
		}
		c.Args = raw
	}
	if n.Birth.Clock == wire.ClockUnsynced {
		c.Session, c.Nonce = n.Birth.Session, n.Birth.Nonce
	}
	e := wire.Unsigned(wire.Encode(c))
	if o.opt.Key != nil {
		e = wire.Sign(wire.ContextCommand, o.opt.KeyID, o.opt.Key, wire.Encode(c))
	}
	return o.send(ctx, c, wire.Encode(e))
}

// resendAfter is when a command without any answer is sent again.
const resendAfter = 5 * time.Second

func (o *Operator) send(ctx context.Context, c wire.Command, payload []byte) (wire.Ack, error) {
	answers := make(chan wire.Ack, 8)
	o.mu.Lock()
	o.acks[c.ID] = answers
	o.mu.Unlock()
	defer func() {
		o.mu.Lock()
		delete(o.acks, c.ID)
		o.mu.Unlock()
	}()
	resend := time.NewTicker(resendAfter)
	defer resend.Stop()
	var last wire.Ack
	for {
		if last.State == "" {
			err := o.client.Publish(ctx, client.Message{Topic: wire.Down(c.Node, wire.DnCommand), Payload: payload, QoS: 1})
			if err != nil && !errors.Is(err, client.ErrOffline) {
				return last, err
			}
		}
		select {
		case last = <-answers:
			switch last.State {
			case wire.AckDone:
				return last, nil
			case wire.AckDuplicate:
				// Of our own repetition: the answer proper was lost.
				if last.Code == wire.AckDone {
					return last, nil
				}
			case wire.AckFailed:
				return last, fmt.Errorf("%w: %s: %s", ErrFailed, last.Code, last.Text)
			case wire.AckRejected, wire.AckExpired:
				return last, fmt.Errorf("%w: %s: %s", ErrRefused, last.Code, last.Text)
			}
		case <-resend.C:
		case <-ctx.Done():
			return last, fmt.Errorf("fleet: no answer to the command: %w", ctx.Err())
		}
	}
}

// GroupPrefix marks a group's name where a node's id could stand.
const GroupPrefix = "group:"

// ErrTarget refuses what is neither a node nor a group.
var ErrTarget = errors.New("fleet: give a node id such as ec-10000000abcdef01, or group:NAME")

// DesiredTopic returns the topic of a target's desired configuration.
func DesiredTopic(target string) (string, error) {
	if g, ok := strings.CutPrefix(target, GroupPrefix); ok && wire.ValidGroup(g) {
		return wire.GroupDesired(g), nil
	}
	if wire.ValidID(target) {
		return wire.Down(target, wire.DnDesired), nil
	}
	return "", fmt.Errorf("%w: %q", ErrTarget, target)
}

// Desired returns the desired configuration of a target, the zero one if none
// is set.
func (o *Operator) Desired(target string) (wire.Desired, error) {
	topic, err := DesiredTopic(target)
	if err != nil {
		return wire.Desired{}, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.desired[topic], nil
}

// SetDesired makes d's configuration a target's desired one, with the revision
// after the last that the broker or the node has, and returns that.
func (o *Operator) SetDesired(ctx context.Context, target string, d wire.Desired) (uint64, error) {
	topic, err := DesiredTopic(target)
	if err != nil {
		return 0, err
	}
	o.mu.Lock()
	d.Revision = o.desired[topic].Revision + 1
	if n := o.nodes[target]; n != nil {
		d.Revision = max(d.Revision, n.Report.Revision+1)
	}
	for _, n := range o.nodes {
		if GroupPrefix+n.Birth.Group == target {
			d.Revision = max(d.Revision, n.Report.GroupRevision+1)
		}
	}
	o.mu.Unlock()
	payload := wire.Encode(d)
	if len(payload) > wire.MaxDesired {
		return 0, fmt.Errorf("fleet: the configuration is %d bytes long, the limit is %d", len(payload), wire.MaxDesired)
	}
	if err := o.client.Publish(ctx, client.Message{Topic: topic, Payload: payload, QoS: 1, Retain: true}); err != nil {
		return 0, err
	}
	o.mu.Lock()
	o.desired[topic] = d
	o.mu.Unlock()
	return d.Revision, nil
}

// Settled reports whether a node has done with a revision, one way or another.
func Settled(n NodeState, revision uint64) bool {
	return n.Report.Revision >= revision && n.Report.State != wire.ReportPending
}
