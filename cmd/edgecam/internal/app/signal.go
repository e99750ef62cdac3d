package app

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/edgecam/edgecam/engine"
	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/engine/session/whep"
	"github.com/edgecam/edgecam/internal/durable"
	"github.com/edgecam/edgecam/provisioning/command"
	fleetnode "github.com/edgecam/edgecam/provisioning/node"
	"github.com/edgecam/edgecam/provisioning/signal"
)

// signalKeyFile is the node's signalling key in the fleet's folder. Grants name
// it, so it stays until the node is reset, longer than certificates do.
const signalKeyFile = "signal.key"

// openSignal makes the node's end of signalling over the broker.
func openSignal(f *fleet, fsys durable.FS) (*signal.Server, error) {
	key, err := signalKey(fsys)
	if err != nil {
		return nil, err
	}
	f.signalKey = key
	clock := fleetnode.SystemClock{}
	return signal.New(signal.Options{
		Node: f.node.ID(), Key: key, Keys: f.node.Keys, Now: clock.Now,
		Birth:    func() string { _, nonce := f.node.Session(); return nonce },
		Sessions: answerer{f}, Publish: f.node.SignalTo, Log: f.app.log,
	}), nil
}

func signalKey(fsys durable.FS) (*ecdsa.PrivateKey, error) {
	der, err := fsys.ReadFile(signalKeyFile)
	switch {
	case err == nil:
		k, err := x509.ParseECPrivateKey(der)
		if err != nil {
			return nil, fmt.Errorf("app: %s is damaged, remove it (grants for this node are void then): %w", signalKeyFile, err)
		}
		return k, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("app: %w", err)
	}
	k, err := signal.NewKey()
	if err != nil {
		return nil, err
	}
	if der, err = x509.MarshalECPrivateKey(k); err != nil {
		return nil, fmt.Errorf("app: %w", err)
	}
	return k, durable.Replace(fsys, signalKeyFile, der)
}

// signalled takes a viewer's message.
func (f *fleet) signalled(message []byte, retained bool) {
	if f.signal != nil {
		f.signal.Handle(message, retained)
	}
}

// attest answers with the signalling key, as the node's certificate attests it.
func (f *fleet) attest(context.Context, command.Call) (any, error) {
	e, err := f.node.Endpoint()
	if err != nil {
		return nil, err
	}
	if len(e.TLS.Certificates) == 0 {
		return nil, errors.New("app: the node has no certificate yet")
	}
	return signal.Attest(f.node.ID(), &f.signalKey.PublicKey, e.TLS.Certificates[0])
}

// answerer makes sessions of the engine that runs.
type answerer struct{ f *fleet }

// Answer implements signal.Answerer.
func (a answerer) Answer(ctx context.Context, offer string, g signal.Grant) (signal.Session, string, []signal.ICEServer, error) {
	var e *engine.Engine
	if e = a.f.engine.Load(); e == nil {
		return nil, "", nil, errNotRunning
	}
	has := func(scope string) bool { return slices.Contains(g.Scopes, scope) }
	grant := session.Grant{
		Subject: g.Subject, View: has(signal.ScopeView), Talk: has(signal.ScopeTalk), Open: has(signal.ScopeOpen), Expires: time.Unix(g.Expires, 0),
	}
	if now := time.Now(); !now.Before(grant.Expires) {
		grant.Expires = now.Add(time.Hour) // the clock was never set; the grant's time was not looked at
	}
	e.Prewarm()
	v, answer, err := e.Sessions().Answer(ctx, offer, grant)
	if err != nil {
		return nil, "", nil, err
	}
	var servers []signal.ICEServer
	for _, s := range e.Sessions().ICEServers(grant) {
		servers = append(servers, signal.ICEServer{URLs: s.URLs, Username: s.Username, Credential: s.Credential})
	}
	return overBroker{v}, answer, servers, nil
}

// overBroker is a session whose signalling goes over the broker.
type overBroker struct{ *session.Viewer }

// Candidates implements signal.Session.
func (o overBroker) Candidates(fragment string) error { return whep.AddFragment(o.Viewer, fragment) }

// Restart implements signal.Session.
func (o overBroker) Restart(ctx context.Context, fragment string) (string, error) {
	return whep.RestartWith(ctx, o.Viewer, fragment)
}
