package authority

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/edgecam/edgecam/internal/durable"
	"github.com/edgecam/edgecam/provisioning/acl"
	"github.com/edgecam/edgecam/provisioning/pki"
)

// brokerCert is the broker's certificate.
const brokerCert = "broker.crt"

// Upkeep does every day what must not be forgotten, until ctx is done: it writes
// crl.pem anew, and renews the certificates of broker, authority and operators.
func (a *Authority) Upkeep(ctx context.Context) {
	t := time.NewTicker(24 * time.Hour)
	defer t.Stop()
	for {
		if err := a.WriteCRL(); err != nil {
			a.opt.Log.Error("revocation list not written", "error", err)
		}
		names, err := a.Renew()
		for _, name := range names {
			a.opt.Log.Warn("certificate renewed; a broker reads its own when it is told to, and copies elsewhere are the old one", "file", name)
		}
		if err != nil {
			a.opt.Log.Error("certificates not renewed", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// Renew gives the broker, the authority and the operators certificates with a
// new life once two thirds of the present one are over, and returns the files.
// Their keys stay, so that a certificate goes with its key at every moment. The
// claim certificate is in the site file of every node and lives for as long as
// the issuer.
func (a *Authority) Renew() (renewed []string, err error) {
	defer a.lock()()
	names, err := a.fsys.Names()
	if err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	for _, name := range names {
		cn, isCert := strings.CutSuffix(name, ".crt")
		if !isCert || name != brokerCert && cn != acl.Authority && cn != acl.Operator && !strings.HasPrefix(cn, acl.Operator+"-") {
			continue
		}
		done, rerr := a.renew(name)
		if done {
			renewed = append(renewed, name)
		}
		err = errors.Join(err, rerr)
	}
	return renewed, err
}

func (a *Authority) renew(name string) (bool, error) {
	text, err := a.fsys.ReadFile(name)
	if err != nil {
		return false, fmt.Errorf("authority: %w", err)
	}
	certs, err := pki.ParseCerts(string(text))
	if err != nil {
		return false, fmt.Errorf("authority: %s: %w", name, err)
	}
	old, now := certs[0], a.now()
	if now.Before(old.NotBefore.Add(old.NotAfter.Sub(old.NotBefore) / 3 * 2)) {
		return false, nil
	}
	cert, err := a.ca.Again(old, now)
	if err != nil {
		return false, fmt.Errorf("authority: %s: %w", name, err)
	}
	if err := durable.Replace(a.fsys, name, []byte(pki.EncodeCert(cert, a.ca.Cert))); err != nil {
		return false, fmt.Errorf("authority: %w", err)
	}
	return true, nil
}
