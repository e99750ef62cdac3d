package authority

import (
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/edgecam/edgecam/provisioning/enrol"
	"github.com/edgecam/edgecam/provisioning/pki"
	"github.com/edgecam/edgecam/provisioning/wire"
)

// Answer decides a request for a certificate. The record is on disk before the
// answer is given; asking again with the same key gives the same certificate,
// so an answer that was lost costs nothing.
func (a *Authority) Answer(r wire.CertRequest) wire.CertResponse {
	defer a.lock()()
	res := wire.CertResponse{Version: 1, Nonce: r.Nonce, ID: r.ID}
	n, refusal, err := a.decide(r)
	switch {
	case err != nil:
		a.opt.Log.Error("certificate request failed", "node", r.ID, "error", err)
		res.State, res.Code, res.RetrySeconds = wire.CertRejected, wire.CodeBusy, 60
	case refusal.State != "":
		refusal.Version, refusal.Nonce, refusal.ID = 1, r.Nonce, r.ID
		res = refusal
	default:
		res.State, res.Cert, res.Chain = wire.CertSigned, n.Cert, pki.EncodeCert(a.ca.Cert)
		res.Broker, res.Group, res.Keys = a.broker, n.Group, a.keys
	}
	a.opt.Log.Info("certificate request", "node", r.ID, "state", res.State, "code", res.Code, "renewal", r.Renew != nil)
	return res
}

func refuse(code, text string) wire.CertResponse {
	return wire.CertResponse{State: wire.CertRejected, Code: code, Text: text, RetrySeconds: 600}
}

// decide returns the record with the certificate, or a refusal.
func (a *Authority) decide(r wire.CertRequest) (Node, wire.CertResponse, error) {
	var none wire.CertResponse
	if r.Version != 1 || !wire.ValidID(r.ID) || !wire.ValidNonce(r.Nonce) {
		return Node{}, refuse(wire.CodeBadCSR, "not a request of version 1"), nil
	}
	csr, err := pki.ParseCSR(r.CSR, r.ID)
	if err != nil {
		return Node{}, refuse(wire.CodeBadCSR, err.Error()), nil
	}
	n, err := a.node(r.ID)
	known := err == nil
	if err != nil && !errors.Is(err, ErrNoNode) {
		return n, none, err
	}
	n.ID = r.ID
	key := pki.Fingerprint(csr.PublicKey)
	if n.Status == Revoked {
		return n, refuse(wire.CodeRevoked, "the node was revoked"), nil
	}
	refusal, err := a.mayHave(&n, r, key, known)
	if err != nil || refusal.State != "" {
		return n, refusal, err
	}
	now := a.now()
	if n.Key == key && n.Cert != "" {
		if certs, err := pki.ParseCerts(n.Cert); err == nil && now.Before(certs[0].NotAfter) {
			return n, none, nil
		}
	}
	cert, err := a.ca.SignNode(csr, r.ID, now, a.opt.NodeLife)
	if err != nil {
		return n, none, err
	}
	if n.Cert != "" {
		// The newest that was seen stays valid until the next is seen.
		if old, err := pki.ParseCerts(n.Cert); err == nil && n.Status == Active {
			a.revokeFormer(&n)
			n.Former = pki.SerialHex(old[0])
		} else if err == nil {
			n.Revoked = append(n.Revoked, pki.Revoked{Serial: pki.SerialHex(old[0]), At: now})
		}
	}
	n.Status, n.Cert, n.Key, n.Serial, n.Model = Signed, pki.EncodeCert(cert), key, clip(r.Serial), clip(r.Model)
	n.Asking, n.Approved, n.Failures = "", "", 0
	return n, none, a.save(n)
}

func clip(s string) string { return s[:min(len(s), 128)] }

// mayHave checks the proof: that of an old key, of the owner's secret, or a
// person's approval.
func (a *Authority) mayHave(n *Node, r wire.CertRequest, key string, known bool) (wire.CertResponse, error) {
	var none wire.CertResponse
	switch {
	case r.Renew != nil:
		old := a.issued(r)
		if old == nil || !enrol.CheckRenewal(r, old) {
			return refuse(wire.CodeBadProof, "the renewal is not signed by the old key"), nil
		}
		serial := pki.SerialHex(old)
		current := ""
		if certs, err := pki.ParseCerts(n.Cert); err == nil {
			current = pki.SerialHex(certs[0])
		}
		if serial != current && serial != n.Former {
			return refuse(wire.CodeBadProof, "the renewal is for a certificate that is not the node's latest"), nil
		}
		return none, nil
	case key == n.Approved || key == n.Key && n.Cert != "":
		return none, nil
	case n.Failures >= maxFailures:
		return refuse(wire.CodeBadProof, fmt.Sprintf("too many wrong proofs; register the node again with 'edgecam authority expect %s'", n.ID)), nil
	case n.Secret != "" && r.Proof != "":
		if wire.CheckOwnerProof(n.Secret, r.Nonce, r.CSR, r.Proof) {
			return none, nil
		}
		n.Failures++
		return refuse(wire.CodeBadProof, "the owner's secret is another one"), a.save(*n)
	}
	wait := wire.CertResponse{State: wire.CertPending, RetrySeconds: pendingRetry}
	if n.Asking == key {
		return wait, nil
	}
	if !known {
		nodes, err := a.list()
		if err != nil {
			return none, err
		}
		waiting := 0
		for _, x := range nodes {
			if x.Status == Pending {
				waiting++
			}
		}
		if waiting >= maxPending {
			return wire.CertResponse{State: wire.CertRejected, Code: wire.CodeBusy, RetrySeconds: 3600}, nil
		}
	}
	n.Asking = key
	if n.Status == "" {
		n.Status, n.Serial, n.Model = Pending, clip(r.Serial), clip(r.Model)
	}
	return wait, a.save(*n)
}

// issued returns the certificate that a renewal is for if it was issued here to
// this node, expired or not, else nil.
func (a *Authority) issued(r wire.CertRequest) *x509.Certificate {
	old, err := pki.VerifyNode(r.Renew.Cert+pki.EncodeCert(a.ca.Cert), a.root, r.ID, nil, time.Time{})
	if err != nil {
		return nil
	}
	return old
}

// Seen tells that a node was born with a certificate. The one before it is
// revoked: nobody needs it any more.
func (a *Authority) Seen(id, serialHex string) error {
	defer a.lock()()
	n, err := a.node(id)
	if err != nil || n.Status == Revoked || n.Cert == "" {
		return err
	}
	certs, err := pki.ParseCerts(n.Cert)
	if err != nil || pki.SerialHex(certs[0]) != serialHex {
		return err
	}
	if n.Status == Active && n.Former == "" {
		return nil
	}
	rotated := n.Former != ""
	n.Status = Active
	a.revokeFormer(&n)
	if err := a.save(n); err != nil {
		return err
	}
	if rotated {
		return a.writeCRL()
	}
	return nil
}
