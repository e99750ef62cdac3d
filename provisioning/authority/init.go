// Package authority is a small certificate authority for fleets without a
// cloud. Its folder holds a root that is needed only at the beginning and may
// be kept elsewhere, an issuing certificate that signs for nodes, the fleet's
// command keys, and one record per node. [Authority] decides; [Serve] answers
// over MQTT.
package authority

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/edgecam/edgecam/internal/durable"
	"github.com/edgecam/edgecam/provisioning/acl"
	"github.com/edgecam/edgecam/provisioning/enrol"
	"github.com/edgecam/edgecam/provisioning/pki"
	"github.com/edgecam/edgecam/provisioning/seal"
	"github.com/edgecam/edgecam/provisioning/wire"
)

// Files in the authority's folder.
const (
	RootCert   = "root.crt"
	RootKey    = "root.key" // keep offline: needed to renew ca.key only
	caCert     = "ca.crt"
	caKey      = "ca.key"
	caChain    = "ca-chain.crt"
	CmdRootKey = "command-root.key" // keep offline: needed to change keys.json only
	CmdKey     = "command.key"      // for who sends commands
	OwnerKey   = "owner.key"        // for who may see pictures
	keySet     = "keys.json"
	SiteFile   = "site.json" // for nodes
	crlFile    = "crl.pem"
	aclFile    = "mosquitto.acl"
	nodesDir   = "nodes"
)

// CommandKeyID names the command key that Init makes.
const CommandKeyID = "k1"

// InitOptions describe a fleet.
type InitOptions struct {
	Broker string   // address that nodes connect to, tls://HOST:PORT
	Hosts  []string // names and addresses in the broker's certificate
	Name   string   // of the fleet
	// PlainPictures lets nodes send pictures as they are; otherwise they are
	// sealed for the owner's key, which Init makes.
	PlainPictures bool
	Now           time.Time
}

// ErrExists refuses to overwrite an authority.
var ErrExists = errors.New("authority: the folder holds an authority already")

// Init makes an authority in the folder dir: root, issuer, certificates for
// broker, services and claims, command keys, site file.
func Init(dir string, o InitOptions) error {
	d, err := durable.OpenDir(dir)
	if err != nil {
		return err
	}
	if names, err := d.Names(); err != nil || len(names) > 0 {
		return errors.Join(fmt.Errorf("%w: %s is not empty", ErrExists, dir), err)
	}
	root, err := pki.NewRoot(o.Name+" root", o.Now)
	if err != nil {
		return err
	}
	ca, err := root.NewIssuer(o.Name+" issuer", o.Now)
	if err != nil {
		return err
	}
	f := files{d, ca.Cert, nil}
	f.certAndKey(RootCert, RootKey, root, false)
	f.certAndKey(caCert, caKey, ca, false)
	f.put(caChain, []byte(pki.EncodeCert(ca.Cert, root.Cert)))
	server, err := ca.NewServer(o.Hosts, o.Now)
	if err != nil {
		return err
	}
	f.certAndKey("broker.crt", "broker.key", server, true)
	var claim pki.Signer
	for _, name := range []string{acl.Claim, acl.Authority, acl.Operator} {
		life := pki.ServiceLife
		if name == acl.Claim {
			life = pki.IssuerLife // it lies in boxes for years
		}
		s, err := ca.NewClient(name, o.Now, life)
		if err != nil {
			return err
		}
		if name == acl.Claim {
			claim = s
		}
		f.certAndKey(name+".crt", name+".key", s, true)
	}
	rootPub, err := f.commandKeys()
	if err != nil {
		return err
	}
	var owner []byte
	if !o.PlainPictures {
		if owner, err = f.ownerKey(); err != nil {
			return err
		}
	}
	claimKey, err := pki.EncodeKey(claim.Key)
	if err != nil {
		return err
	}
	site, err := json.MarshalIndent(enrol.Site{
		Version: 1, Broker: o.Broker, Root: pki.EncodeCert(root.Cert), CommandRoot: rootPub,
		ClaimCert: pki.EncodeCert(claim.Cert, ca.Cert), ClaimKey: string(claimKey),
		OwnerKey: owner, PlainPictures: o.PlainPictures,
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("authority: %w", err)
	}
	if _, err := enrol.ParseSite(site); err != nil {
		return err
	}
	f.put(SiteFile, append(site, '\n'))
	crl, err := ca.NewCRL(o.Now.Unix(), nil, o.Now, crlLife)
	if err != nil {
		return err
	}
	f.put(crlFile, crl)
	f.put(aclFile, []byte(acl.Mosquitto()))
	return f.err
}

// files writes files until one cannot be written.
type files struct {
	fsys   durable.FS
	issuer *x509.Certificate
	err    error
}

// certAndKey writes a certificate and its key; chain adds the issuer's
// certificate, for those who present it.
func (f *files) certAndKey(cert, key string, s pki.Signer, chain bool) {
	k, err := pki.EncodeKey(s.Key)
	if err != nil && f.err == nil {
		f.err = err
	}
	certs := []*x509.Certificate{s.Cert}
	if chain {
		certs = append(certs, f.issuer)
	}
	f.put(key, k)
	f.put(cert, []byte(pki.EncodeCert(certs...)))
}

func (f *files) put(name string, data []byte) {
	if f.err == nil {
		f.err = durable.Replace(f.fsys, name, data)
	}
}

// NewOperator makes a certificate for an operator in the authority's folder
// and returns the files' names.
func (a *Authority) NewOperator(name string) (cert, key string, err error) {
	cn := acl.Operator + "-" + name
	if !wire.Word(name) || len(name) > 32 {
		return "", "", fmt.Errorf("authority: %q must be 1 to 32 of A-Z a-z 0-9 _ -", name)
	}
	s, err := a.ca.NewClient(cn, a.now(), pki.ServiceLife)
	if err != nil {
		return "", "", err
	}
	k, err := pki.EncodeKey(s.Key)
	if err != nil {
		return "", "", err
	}
	cert, key = filepath.Join(a.dir, cn+".crt"), filepath.Join(a.dir, cn+".key")
	return cert, key, errors.Join(
		durable.Replace(a.fsys, cn+".key", k),
		durable.Replace(a.fsys, cn+".crt", []byte(pki.EncodeCert(s.Cert, a.ca.Cert))),
	)
}

// commandKeys makes the offline key, the online key, and the key set by which
// the former vouches for the latter.
func (f *files) commandKeys() (ed25519.PublicKey, error) {
	rootPub, rootKey, err := pki.NewSigningKey()
	if err != nil {
		return nil, err
	}
	pub, key, err := pki.NewSigningKey()
	if err != nil {
		return nil, err
	}
	f.put(keySet, wire.Encode(SignKeySet(rootKey, wire.KeySet{Serial: 1, Keys: []wire.Key{{ID: CommandKeyID, Public: pub}}})))
	for name, k := range map[string]ed25519.PrivateKey{CmdRootKey: rootKey, CmdKey: key} {
		text, err := pki.EncodeKey(k)
		if err != nil {
			return nil, err
		}
		f.put(name, text)
	}
	return rootPub, nil
}

// ownerKey makes the key that opens pictures, and returns its public half.
func (f *files) ownerKey() ([]byte, error) {
	key, err := seal.NewPrivate()
	if err != nil {
		return nil, err
	}
	text, err := key.Encode()
	if err != nil {
		return nil, err
	}
	f.put(OwnerKey, text)
	return key.Public().Bytes(), nil
}

// SignKeySet signs a key set by the offline key.
func SignKeySet(root ed25519.PrivateKey, ks wire.KeySet) wire.Envelope {
	return wire.Sign(wire.ContextKeys, wire.RootKeyID, root, wire.Encode(ks))
}
