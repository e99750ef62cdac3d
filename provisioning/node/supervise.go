package node

import (
	"context"
	"time"

	"github.com/edgecam/edgecam/provisioning/client"
	"github.com/edgecam/edgecam/provisioning/enrol"
	"github.com/edgecam/edgecam/provisioning/queue"
	"github.com/edgecam/edgecam/provisioning/twin"
	"github.com/edgecam/edgecam/provisioning/wire"
)

// desired takes a desired document and, if it changes something, applies it.
func (n *Node) desired(s twin.Scope, payload []byte) {
	out, err := n.twin.Desired(s, payload)
	if err != nil {
		n.log.Error("desired configuration not recorded", "error", err)
		return
	}
	if !out.Changed {
		return
	}
	r := n.twin.Report()
	n.log.Info("desired configuration", "rev", r.Revision, "group_rev", r.GroupRevision, "state", r.State, "hash", r.Hash)
	if out.Apply {
		n.applyConfig(out.Config)
	}
	if out.Group != nil && *out.Group != n.identity.Group() {
		n.move(*out.Group)
	}
	n.reportSoon()
}

func (n *Node) applyConfig(cfg []byte) {
	if n.opt.Apply != nil {
		n.opt.Apply(cfg)
	}
	select {
	case n.apply <- struct{}{}:
	default:
	}
}

// move makes the node another group's member.
func (n *Node) move(group string) {
	if err := n.identity.SetGroup(group); err != nil {
		n.log.Error("group not recorded", "error", err)
		return
	}
	out, err := n.twin.LeaveGroup()
	if err != nil {
		n.log.Error("desired configuration not recorded", "error", err)
	}
	if out.Apply {
		n.applyConfig(out.Config)
	}
	n.client.Reconnect() // subscribes to the new group
}

// reportSoon has the report published if there is a connection; otherwise the
// next birth brings it.
func (n *Node) reportSoon() {
	n.mu.Lock()
	n.report = true
	n.mu.Unlock()
	n.wake()
}

// wake makes the sender look whether there is something to send.
func (n *Node) wake() {
	select {
	case n.online <- struct{}{}:
	default:
	}
}

// supervise waits for the moments at which something is due.
func (n *Node) supervise(ctx context.Context) {
	probation, retry, rotate := stopped(), stopped(), time.NewTimer(min(time.Minute, n.opt.RotationCheck))
	defer probation.Stop()
	defer retry.Stop()
	defer rotate.Stop()
	if n.twin.OnProbation() {
		probation.Reset(n.opt.Probation)
	}
	telemetry := stopped()
	defer telemetry.Stop()
	if n.opt.Telemetry != nil && n.opt.TelemetryEvery > 0 {
		telemetry.Reset(n.opt.TelemetryEvery)
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.apply:
			probation.Reset(n.opt.Probation)
		case <-probation.C:
			n.judge()
		case d := <-n.retry:
			retry.Stop()
			if d >= 0 {
				retry.Reset(d)
			}
		case <-retry.C:
			if n.identity.Phase() != enrol.Active || !n.client.Connected() {
				n.client.Reconnect()
			}
		case <-rotate.C:
			n.rotateIfDue(ctx)
			rotate.Reset(n.opt.RotationCheck)
		case <-telemetry.C:
			n.telemetry(ctx)
			telemetry.Reset(n.opt.TelemetryEvery)
		}
	}
}

func stopped() *time.Timer {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return t
}

// judge ends a probation: the node must be well and reach its broker.
func (n *Node) judge() {
	if !n.twin.OnProbation() {
		return
	}
	code, text := "", ""
	if n.opt.Healthy != nil {
		if err := n.opt.Healthy(); err != nil {
			code, text = "unhealthy", err.Error()
		}
	}
	if code == "" && !n.client.Connected() {
		code, text = "offline", "the broker was not reached with it"
	}
	if code == "" {
		if err := n.twin.Confirm(); err != nil {
			n.log.Error("configuration not confirmed", "error", err)
		}
		n.log.Info("provisioned configuration confirmed")
	} else {
		cfg, err := n.twin.RollBack(code, text)
		if err != nil {
			n.log.Error("roll-back not recorded", "error", err)
		}
		n.log.Warn("provisioned configuration rolled back", "code", code, "reason", text)
		if n.opt.Apply != nil {
			n.opt.Apply(cfg)
		}
	}
	n.reportSoon()
}

func (n *Node) rotateIfDue(ctx context.Context) {
	at := n.identity.RotateAt()
	now, synced := n.opt.Clock.Now()
	if at.IsZero() || !synced || now.Before(at) {
		return
	}
	if err := n.rotate(ctx); err != nil {
		n.log.Warn("rotation not asked for", "error", err)
	}
}

func (n *Node) telemetry(ctx context.Context) {
	m := n.opt.Telemetry()
	if m == nil || !n.client.Connected() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := n.client.Publish(ctx, client.Message{Topic: wire.Up(n.ID(), wire.UpTel), Payload: wire.Encode(m)}); err != nil {
		n.log.Debug("telemetry not sent", "error", err)
	}
}

// maxAcks bounds the answers that wait for a connection.
const maxAcks = 64

// ack answers a command now or, without a connection, later.
func (n *Node) ack(a wire.Ack) {
	n.mu.Lock()
	n.acks = append(n.acks, a)
	n.acks = n.acks[max(0, len(n.acks)-maxAcks):]
	n.mu.Unlock()
	n.wake()
}

// flush sends the report, if it has changed, and the answers that wait, in
// order.
func (n *Node) flush(ctx context.Context) {
	n.mu.Lock()
	report := n.report
	n.report = false
	n.mu.Unlock()
	if report {
		if err := n.publish(ctx, wire.UpReport, n.twin.Report(), true); err != nil {
			n.log.Debug("report not sent", "error", err)
		}
	}
	for ctx.Err() == nil {
		n.mu.Lock()
		if len(n.acks) == 0 {
			n.mu.Unlock()
			return
		}
		a := n.acks[0]
		n.acks = n.acks[1:]
		n.mu.Unlock()
		if err := n.publish(ctx, wire.UpAck, a, false); err != nil {
			n.mu.Lock()
			n.acks = append([]wire.Ack{a}, n.acks...)
			n.mu.Unlock()
			return
		}
	}
}

// sendEvents empties the queue whenever there is a connection. An event leaves
// it when the broker has acknowledged it, so that each is sent at least once.
func (n *Node) sendEvents(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.online:
		case <-n.events.Ready():
		}
		ready := func() bool { return ctx.Err() == nil && n.client.Connected() && n.identity.Phase() == enrol.Active }
		if ready() {
			n.flush(ctx)
		}
		for ready() {
			e, ok := n.events.First()
			if !ok {
				break
			}
			if err := n.client.Publish(ctx, client.Message{Topic: wire.Up(n.ID(), wire.UpEvent), Payload: n.stamped(e), QoS: 1}); err != nil {
				n.log.Debug("event not sent", "error", err)
				break
			}
			if err := n.events.Sent(e.Seq); err != nil {
				n.log.Warn("event sent, but not struck off", "error", err)
			}
		}
	}
}

// stamped returns an event as it is sent: old rings are marked late, so that
// no phone rings for them.
func (n *Node) stamped(e queue.Entry) []byte {
	if e.Class != queue.Ring {
		return e.Data
	}
	now, synced := n.opt.Clock.Now()
	if age, known := e.Age(now, synced); known && age <= lateAfter {
		return e.Data
	}
	var ev wire.Event
	if err := wire.DecodeLoose(e.Data, wire.MaxMessage, &ev); err != nil {
		return e.Data
	}
	ev.Late = true
	return wire.Encode(ev)
}
