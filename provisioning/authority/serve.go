package authority

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"github.com/edgecam/edgecam/provisioning/acl"
	"github.com/edgecam/edgecam/provisioning/client"
	"github.com/edgecam/edgecam/provisioning/pki"
	"github.com/edgecam/edgecam/provisioning/wire"
)

// Serve answers claims and rotations over the fleet's broker until ctx is done.
func (a *Authority) Serve(ctx context.Context, backoff client.Backoff) error {
	// Its certificate is renewed while it serves.
	endpoint := func(context.Context) (client.Endpoint, error) {
		e, err := ServiceEndpoint(a.dir, acl.Authority, a.root, a.broker)
		e.ClientID = acl.Authority
		e.Filters = []string{"ec1/prov/+/req", "ec1/d/+/up/crt", "ec1/d/+/up/birth"}
		return e, err
	}
	if _, err := endpoint(ctx); err != nil {
		return err
	}
	var c *client.Client
	// Answers wait for the broker side by side, so that one that is slow does
	// not hold up the next request.
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, maxAnswers)
	answer := func(topic string, r wire.CertResponse) {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := c.Publish(ctx, client.Message{Topic: topic, Payload: wire.Encode(r), QoS: 1}); err != nil {
				// The node asks again.
				a.opt.Log.Warn("answer not sent", "node", r.ID, "error", err)
			}
		})
	}
	c = client.New(client.Options{
		Endpoint: endpoint,
		Handle:   func(m client.Received) { a.message(m, answer) },
		Up:       func(context.Context, client.Endpoint) error { a.opt.Log.Info("authority listens"); return nil },
		Inbox:    4096, Backoff: backoff, Log: a.opt.Log,
	})
	c.Run(ctx)
	return nil
}

// maxAnswers bounds the answers under way.
const maxAnswers = 64

// message handles one message; none from outside may stop the service.
func (a *Authority) message(m client.Received, answer func(topic string, r wire.CertResponse)) {
	t, err := wire.ParseTopic(m.Topic)
	if err != nil || m.Retained && t.Kind != wire.UpBirth || len(m.Payload) == 0 {
		return
	}
	switch {
	case t.Kind == wire.UpBirth:
		var b wire.Birth
		if err := wire.DecodeLoose(m.Payload, wire.MaxMessage, &b); err != nil {
			a.opt.Log.Warn("birth not understood", "node", t.Name, "error", err)
			return
		}
		if err := a.Seen(t.Name, b.CertSerial); err != nil && !errors.Is(err, ErrNoNode) {
			a.opt.Log.Error("birth not recorded", "node", t.Name, "error", err)
		}
	case t.Scope == "prov" && t.Dir == "req", t.Kind == wire.UpCert:
		var r wire.CertRequest
		if err := wire.Decode(m.Payload, wire.MaxMessage, &r); err != nil {
			a.opt.Log.Warn("certificate request not understood", "error", err)
			return
		}
		if t.Scope == "prov" {
			if r.Nonce == t.Name {
				answer(wire.ProvResponse(r.Nonce), a.Answer(r))
			}
			return
		}
		// The broker vouches for the sender's name.
		if r.ID == t.Name && r.Renew != nil {
			answer(wire.Down(r.ID, wire.DnCert), a.Answer(r))
		}
	}
}

// ServiceEndpoint returns how a service or operator connects with the files
// NAME.crt and NAME.key in dir.
func ServiceEndpoint(dir, name, rootPEM, broker string) (client.Endpoint, error) {
	pool, err := pki.Pool(rootPEM)
	if err != nil {
		return client.Endpoint{}, err
	}
	cert, err := tls.LoadX509KeyPair(filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key"))
	if err != nil {
		return client.Endpoint{}, fmt.Errorf("authority: certificate of %s: %w", name, err)
	}
	return client.Endpoint{Broker: broker, TLS: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool, Certificates: []tls.Certificate{cert}}}, nil
}
