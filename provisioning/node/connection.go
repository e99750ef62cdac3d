package node

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/edgecam/edgecam/provisioning/acl"
	"github.com/edgecam/edgecam/provisioning/client"
	"github.com/edgecam/edgecam/provisioning/enrol"
	"github.com/edgecam/edgecam/provisioning/pki"
	"github.com/edgecam/edgecam/provisioning/twin"
	"github.com/edgecam/edgecam/provisioning/wire"
)

// endpoint decides as whom the next connection is made.
func (n *Node) endpoint(context.Context) (client.Endpoint, error) {
	i, err := n.identity.Identity()
	if err != nil {
		return client.Endpoint{}, err
	}
	e := client.Endpoint{Broker: i.Broker, TLS: i.TLS, Tag: i.By}
	id := n.ID()
	if i.By == enrol.ByClaim {
		// A new request, with a new nonce, for every connection.
		r, err := n.identity.Request(n.opt.Software)
		if err != nil {
			return e, err
		}
		n.mu.Lock()
		n.claim = wire.Encode(r)
		n.mu.Unlock()
		e.ClientID = acl.Claim + "-" + r.Nonce
		e.Filters = []string{wire.ProvResponse(r.Nonce)}
		return e, nil
	}
	session, nonce := n.identity.NextSession(), wire.NewNonce()
	n.mu.Lock()
	n.session, n.nonce = session, nonce
	n.mu.Unlock()
	e.ClientID = id
	e.Filters = []string{wire.Down(id, "#")}
	if g := n.identity.Group(); g != "" {
		e.Filters = append(e.Filters, wire.GroupDesired(g))
	}
	e.Will = &client.Message{
		Topic: wire.Up(id, wire.UpStatus), QoS: 1, Retain: true,
		Payload: wire.Encode(wire.Status{State: wire.Offline, Session: session}),
	}
	return e, nil
}

// Endpoint returns broker and certificate of an active node, for a second
// connection of its own.
func (n *Node) Endpoint() (client.Endpoint, error) {
	i, err := n.identity.Identity()
	if err != nil {
		return client.Endpoint{}, err
	}
	if i.By != enrol.ByDevice {
		return client.Endpoint{}, errNotActive
	}
	return client.Endpoint{Broker: i.Broker, TLS: i.TLS}, nil
}

// noAnswer is how long, at least, an authority has to answer before it is asked
// again; it may have been away when the request came.
const noAnswer = 10 * time.Second

// up is called when the subscriptions stand.
func (n *Node) up(ctx context.Context, e client.Endpoint) error {
	if e.Tag == enrol.ByClaim {
		n.mu.Lock()
		request := n.claim
		n.mu.Unlock()
		nonce := e.ClientID[len(acl.Claim)+1:]
		n.log.Info("asking for a certificate", "node", n.ID(), "key_fingerprint", n.identity.Fingerprint())
		n.askAgain(noAnswer + rand.N(noAnswer))
		return n.client.Publish(ctx, client.Message{Topic: wire.ProvRequest(nonce), Payload: request, QoS: 1})
	}
	b := n.birth(e)
	if err := n.publish(ctx, wire.UpStatus, wire.Status{State: wire.Online, Session: b.Session, Software: n.opt.Software}, true); err != nil {
		return err
	}
	if err := n.publish(ctx, wire.UpBirth, b, true); err != nil {
		return err
	}
	// The broker has taken the birth: the certificate is good.
	if err := n.identity.Born(e.Tag); err != nil {
		return err
	}
	n.born.Store(true)
	if n.opt.Birth != nil {
		n.opt.Birth()
	}
	n.log.Info("broker connected", "broker", e.Broker, "session", b.Session, "certificate", e.Tag)
	if err := n.publish(ctx, wire.UpReport, n.twin.Report(), true); err != nil {
		return err
	}
	if err := n.commands.Interrupted(); err != nil {
		return err
	}
	n.flush(ctx)
	n.wake()
	return nil
}

func (n *Node) birth(e client.Endpoint) wire.Birth {
	session, nonce := n.Session()
	b := wire.Birth{
		Version: 1, Session: session, Nonce: nonce, Clock: wire.ClockUnsynced, BootID: n.opt.BootID, Board: n.opt.Board, Serial: n.opt.Serial,
		Software: n.opt.Software, Slot: n.opt.Slot, Group: n.identity.Group(), Ops: n.commands.Ops(), Revision: n.twin.Report().Revision, KeySerial: n.identity.Keys().Serial,
	}
	if _, synced := n.opt.Clock.Now(); synced {
		b.Clock = wire.ClockSynced
	}
	if e.TLS != nil && len(e.TLS.Certificates) > 0 && e.TLS.Certificates[0].Leaf != nil {
		leaf := e.TLS.Certificates[0].Leaf
		b.CertExpiry, b.CertSerial = leaf.NotAfter.Unix(), pki.SerialHex(leaf)
	}
	return b
}

// publish sends one of the node's own messages. One that stays at the broker and
// a farewell wait for each other: after it nothing is left there any more.
func (n *Node) publish(ctx context.Context, kind string, v any, retain bool) error {
	if retain {
		select {
		case n.keeping <- struct{}{}:
			defer func() { <-n.keeping }()
		case <-ctx.Done():
			return ctx.Err()
		}
		if n.gone.Load() {
			return errGone
		}
	}
	return n.client.Publish(ctx, client.Message{Topic: wire.Up(n.ID(), kind), Payload: wire.Encode(v), QoS: 1, Retain: retain})
}

func (n *Node) down(client.Endpoint, error) {}

// stays takes a farewell back: what was to follow it has failed. The next
// connection tells everything anew.
func (n *Node) stays() {
	n.gone.Store(false)
	n.client.Reconnect()
}

// leaving says goodbye, since a broker sends no will after a proper end.
func (n *Node) leaving(ctx context.Context, e client.Endpoint) {
	if e.Tag == enrol.ByClaim || n.identity.Phase() != enrol.Active {
		return
	}
	session, _ := n.Session()
	if err := n.publish(ctx, wire.UpStatus, wire.Status{State: wire.Offline, Session: session}, true); err != nil {
		n.log.Debug("no farewell", "error", err)
	}
}

// errGone keeps back what would stay at a broker that the node has left for good.
var errGone = errors.New("node: has taken its leave")

// farewell takes leave for good: nothing retained stays, and nothing is from now
// on. Who watches learns of it from the status, which goes last.
func (n *Node) farewell(ctx context.Context) {
	n.gone.Store(true)
	select {
	case n.keeping <- struct{}{}:
		defer func() { <-n.keeping }()
	case <-ctx.Done(): // what is under way is not acknowledged: the broker is not reached
		n.log.Warn("farewell not sent", "error", ctx.Err())
		return
	}
	session, _ := n.Session()
	err := n.publish(ctx, wire.UpStatus, wire.Status{State: wire.Gone, Session: session}, false)
	for _, kind := range []string{wire.UpBirth, wire.UpReport, wire.UpStatus} {
		err = errors.Join(err, n.client.Publish(ctx, client.Message{Topic: wire.Up(n.ID(), kind), QoS: 1, Retain: true}))
	}
	if err != nil {
		n.log.Warn("farewell not sent", "error", err)
	}
}

// failed learns from attempts that came to nothing.
func (n *Node) failed(e client.Endpoint, err error) {
	if client.KindOf(err) == client.KindOwnCert {
		n.identity.Refused(e.Tag)
	}
}

// handle takes one message from the broker.
func (n *Node) handle(m client.Received) {
	t, err := wire.ParseTopic(m.Topic)
	if err != nil {
		n.log.Warn("message on a strange topic", "error", err)
		return
	}
	id := n.ID()
	switch {
	case t.Scope == "prov" && t.Dir == "res", t.Name == id && t.Kind == wire.DnCert && !m.Retained:
		n.certificate(m.Payload)
	case t.Scope == "d" && t.Name == id && t.Kind == wire.DnCommand:
		n.commands.Handle(m.Payload, m.Retained)
	case t.Scope == "d" && t.Name == id && t.Kind == wire.DnRTC:
		if n.opt.Signal != nil {
			n.opt.Signal(m.Payload, m.Retained)
		}
	case t.Scope == "d" && t.Name == id && t.Kind == wire.DnDesired && len(m.Payload) > 0:
		n.desired(twin.Node, m.Payload)
	case t.Scope == "g" && t.Name == n.identity.Group() && len(m.Payload) > 0:
		n.desired(twin.Group, m.Payload)
	}
}

// certificate takes the authority's answer.
func (n *Node) certificate(payload []byte) {
	var r wire.CertResponse
	if err := wire.DecodeLoose(payload, wire.MaxMessage, &r); err != nil {
		n.log.Warn("answer of the authority not understood", "error", err)
		return
	}
	retry, err := n.identity.Answer(r)
	switch {
	case err == nil:
		n.log.Info("certificate received", "phase", string(n.identity.Phase()))
		n.askAgain(-1)
		n.client.Reconnect()
	case errors.Is(err, enrol.ErrStale):
	case errors.Is(err, enrol.ErrPending):
		n.log.Info("waiting for approval", "node", n.ID(), "key_fingerprint", n.identity.Fingerprint(), "retry_ms", retry.Milliseconds())
		n.askAgain(retry)
	default:
		n.log.Warn("no certificate", "retry_ms", retry.Milliseconds(), "error", err)
		n.askAgain(max(retry, time.Minute))
	}
}

// askAgain sets when to ask for a certificate again; negative: not at all.
func (n *Node) askAgain(after time.Duration) {
	for {
		select {
		case n.retry <- after:
			return
		default:
		}
		select {
		case <-n.retry:
		default:
		}
	}
}

// rotate asks for the next certificate over the present connection.
func (n *Node) rotate(ctx context.Context) error {
	if n.identity.Phase() != enrol.Active {
		return errNotActive
	}
	r, err := n.identity.Request(n.opt.Software)
	if err != nil {
		return err
	}
	if err := n.publish(ctx, wire.UpCert, r, false); err != nil {
		return fmt.Errorf("node: rotation: %w", err)
	}
	return nil
}
