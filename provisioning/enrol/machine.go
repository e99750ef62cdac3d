// Package enrol is a node's identity: from a sealed box with a claim
// certificate, over a key that is made on the node and never leaves it, to a
// certificate of its own, its rotation, its recovery after expiry, and its end.
//
//	unprovisioned → claiming → claimed → active ⇄ suspended
//	      ↑                                 │
//	      └──────── resetting ←─────────────┘→ decommissioned
//
// [Machine] decides and keeps the state on disk; it has no connection. Every
// step can be repeated, and a power cut in it leaves the state before or the
// state after.
package enrol

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/edgecam/edgecam/internal/durable"
	"github.com/edgecam/edgecam/provisioning/pki"
	"github.com/edgecam/edgecam/provisioning/wire"
)

// Options make a Machine.
type Options struct {
	Site   Site
	ID     string // node id
	Serial string
	Model  string
	// OwnerSecret proves that the owner wants this node in the fleet; without
	// it a person approves the claim at the authority.
	OwnerSecret string
	// Now returns the time, and false if the clock was never set.
	Now func() (time.Time, bool)
	// Wipe are called by a reset, before keys are erased; each must be able to
	// run twice.
	Wipe []func() error
	Log  *slog.Logger
}

// Which certificate a connection is made with.
const (
	ByClaim  = "claim"
	ByDevice = "device"
	ByNext   = "next" // one that no broker has seen yet
)

// Machine is a node's identity. Its methods may be called from any goroutine.
type Machine struct {
	fsys durable.FS
	opt  Options

	mu       sync.Mutex
	state    state
	keys     wire.KeySet
	run      uint64
	conns    uint64
	next     string // nonce of the request under way
	refused  int    // times in a row that a broker refused our certificate
	skipNext bool
}

// refusedLimit is how often brokers may refuse the certificate before the
// authority is asked for another.
const refusedLimit = 3

// Open reads the identity in fsys, finishes a reset that was cut short, and
// counts the start.
func Open(fsys durable.FS, opt Options) (*Machine, error) {
	if err := opt.Site.check(); err != nil {
		return nil, err
	}
	if !wire.ValidID(opt.ID) {
		return nil, fmt.Errorf("enrol: %q is no node id", opt.ID)
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	m := &Machine{fsys: fsys, opt: opt}
	if err := m.load(); err != nil {
		return nil, err
	}
	var err error
	if m.run, err = m.nextRun(); err != nil {
		return nil, err
	}
	if len(m.state.Keys) > 0 {
		if m.keys, err = wire.ParseKeySet(m.state.Keys, ed25519.PublicKey(opt.Site.CommandRoot)); err != nil {
			// The site has another command root than when this was stored: no
			// signed command is taken until a new set comes.
			m.opt.Log.Warn("stored key set not trusted", "error", err)
			m.keys = wire.KeySet{}
		}
	}
	return m, nil
}

// ID returns the node's id.
func (m *Machine) ID() string { return m.opt.ID }

// Phase returns where in its life the node is.
func (m *Machine) Phase() Phase {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state.Phase
}

// Group returns the node's group, "" for none.
func (m *Machine) Group() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state.Group
}

// SetGroup moves the node to another group.
func (m *Machine) SetGroup(g string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if g != "" && !wire.ValidGroup(g) {
		return fmt.Errorf("enrol: %q is no group", g)
	}
	s := m.state
	if s.Group = g; g == m.state.Group {
		return nil
	}
	return m.save(s)
}

// Keys returns the keys that may sign commands.
func (m *Machine) Keys() wire.KeySet {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.keys
}

// SetKeys takes a signed key set with a higher serial.
func (m *Machine) SetKeys(signed []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.state
	changed, ks, err := m.withKeys(&s, signed)
	if err != nil || !changed {
		return err
	}
	if err := m.save(s); err != nil {
		return err
	}
	m.keys = ks
	return nil
}

func (m *Machine) withKeys(s *state, signed []byte) (bool, wire.KeySet, error) {
	ks, err := wire.ParseKeySet(signed, ed25519.PublicKey(m.opt.Site.CommandRoot))
	if err != nil {
		return false, m.keys, fmt.Errorf("enrol: %w", err)
	}
	if ks.Serial <= m.keys.Serial {
		return false, m.keys, nil
	}
	s.Keys = signed
	return true, ks, nil
}

// Fingerprint returns that of the key a certificate is asked for, for a person
// who approves the claim to compare; "" if none is.
func (m *Machine) Fingerprint() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.state.NextKey == "" {
		return ""
	}
	return m.state.NextKey[len(keyPrefix):]
}

// NextSession returns the session number of a connection about to be made.
// They rise over restarts and resets.
func (m *Machine) NextSession() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.conns++
	return m.run<<20 | m.conns
}

// Identity is what to connect with.
type Identity struct {
	By     string // ByClaim, ByDevice or ByNext
	Broker string
	TLS    *tls.Config
	Leaf   *x509.Certificate
}

// ErrNoIdentity tells that the node is not to connect at all.
var ErrNoIdentity = errors.New("enrol: the node is decommissioned; reset it to enrol it again")

// Identity returns what the next connection is made with.
func (m *Machine) Identity() (Identity, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now, synced := m.now()
	s := m.state
	by := ByClaim
	switch s.Phase {
	case Claimed:
		by = ByNext
	case Active:
		by = ByDevice
		leaf, err := leafOf(s.Cert)
		if err != nil {
			return Identity{}, err
		}
		switch {
		case s.Next != "" && !m.skipNext:
			by = ByNext
		case synced && now.After(leaf.NotAfter), m.refused >= refusedLimit:
			by = ByClaim // ask for another by the proof that we hold the old key
		}
	case Decommissioned, Resetting:
		return Identity{}, ErrNoIdentity
	case Unprovisioned, Claiming, Suspended:
	}
	id := Identity{By: by, Broker: m.opt.Site.Broker}
	if s.Broker != "" && by != ByClaim {
		id.Broker = s.Broker
	}
	var cert tls.Certificate
	var err error
	switch by {
	case ByClaim:
		cert, err = tls.X509KeyPair([]byte(m.opt.Site.ClaimCert), []byte(m.opt.Site.ClaimKey))
	case ByDevice:
		cert, err = m.pair(s.Cert, s.Key)
	case ByNext:
		cert, err = m.pair(s.Next, s.NextKey)
	}
	if err != nil {
		return Identity{}, fmt.Errorf("enrol: %w", err)
	}
	pool, err := pki.Pool(m.opt.Site.Root)
	if err != nil {
		return Identity{}, err
	}
	id.Leaf = cert.Leaf
	id.TLS = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool, Certificates: []tls.Certificate{cert}, Time: func() time.Time {
		t, _ := m.opt.Now()
		return t
	}}
	return id, nil
}

func (m *Machine) now() (time.Time, bool) { return m.opt.Now() }

func (m *Machine) pair(cert, key string) (tls.Certificate, error) {
	k, err := m.fsys.ReadFile(key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair([]byte(cert), k)
}

func leafOf(chain string) (*x509.Certificate, error) {
	certs, err := pki.ParseCerts(chain)
	if err != nil {
		return nil, err
	}
	return certs[0], nil
}

// Refused tells that a connection failed because the broker did not take the
// certificate.
func (m *Machine) Refused(by string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch by {
	case ByNext:
		// The former certificate still holds: they overlap.
		m.skipNext = !m.skipNext && m.state.Phase == Active
	case ByDevice:
		m.skipNext = false
		m.refused++
	}
}

// Request returns the next request for a certificate and remembers its nonce.
// It makes a key if there is none under way.
func (m *Machine) Request(software string) (wire.CertRequest, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.state
	if s.Phase == Decommissioned || s.Phase == Resetting {
		return wire.CertRequest{}, ErrNoIdentity
	}
	if s.NextKey == "" {
		name, err := m.newKey()
		if err != nil {
			return wire.CertRequest{}, err
		}
		s.NextKey = name
		if s.Phase == Unprovisioned {
			s.Phase = Claiming
		}
		if err := m.save(s); err != nil {
			return wire.CertRequest{}, err
		}
	}
	key, err := m.key(s.NextKey)
	if err != nil {
		return wire.CertRequest{}, fmt.Errorf("enrol: %w", err)
	}
	csr, err := pki.NewCSR(m.opt.ID, key)
	if err != nil {
		return wire.CertRequest{}, err
	}
	r := wire.CertRequest{
		Version: 1, Nonce: wire.NewNonce(), ID: m.opt.ID, CSR: csr,
		Serial: m.opt.Serial, Model: m.opt.Model, Software: software,
	}
	// The certificate of a suspended node proves nothing: it was taken back, and
	// its owner must want the node again.
	if s.Cert != "" && s.Phase != Suspended {
		if r.Renew, err = m.renewal(s, r); err != nil {
			return r, err
		}
	} else if m.opt.OwnerSecret != "" {
		r.Proof = wire.OwnerProof(m.opt.OwnerSecret, r.Nonce, csr)
	}
	m.next = r.Nonce
	return r, nil
}

// renewal proves by the old key that we are who the old certificate says.
func (m *Machine) renewal(s state, r wire.CertRequest) (*wire.Renewal, error) {
	key, err := m.key(s.Key)
	if err != nil {
		return nil, fmt.Errorf("enrol: %w", err)
	}
	sum := sha256.Sum256(wire.ProofInput(r.Nonce, r.CSR))
	sig, err := key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("enrol: %w", err)
	}
	leaf, err := leafOf(s.Cert)
	if err != nil {
		return nil, err
	}
	return &wire.Renewal{Cert: pki.EncodeCert(leaf), Sig: hex.EncodeToString(sig)}, nil
}

// CheckRenewal verifies the proof in r with the old certificate's key.
func CheckRenewal(r wire.CertRequest, old *x509.Certificate) bool {
	pub, ok := old.PublicKey.(*ecdsa.PublicKey)
	if !ok || r.Renew == nil {
		return false
	}
	sig, err := hex.DecodeString(r.Renew.Sig)
	if err != nil {
		return false
	}
	sum := sha256.Sum256(wire.ProofInput(r.Nonce, r.CSR))
	return ecdsa.VerifyASN1(pub, sum[:], sig)
}

// Answer errors.
var (
	ErrStale    = errors.New("enrol: the answer is to another request")
	ErrRejected = errors.New("enrol: the authority has rejected the request")
	ErrPending  = errors.New("enrol: the claim waits to be approved")
)

// Answer takes the authority's answer. Nil means that there is a certificate
// to connect with; ErrPending and ErrRejected say when to ask again.
func (m *Machine) Answer(r wire.CertResponse) (retry time.Duration, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.next == "" || r.Nonce != m.next {
		return 0, ErrStale
	}
	retry = min(max(time.Duration(r.RetrySeconds)*time.Second, time.Second), 24*time.Hour)
	switch r.State {
	case wire.CertPending:
		return retry, ErrPending
	case wire.CertRejected:
		if r.Code == wire.CodeRevoked && m.state.Phase == Active {
			s := m.state
			s.Phase = Suspended
			if err := m.save(s); err != nil {
				return retry, err
			}
		}
		return max(retry, time.Minute), fmt.Errorf("%w: %s %s", ErrRejected, r.Code, r.Text)
	case wire.CertSigned:
	default:
		return retry, fmt.Errorf("enrol: answer with state %q", r.State)
	}
	now, synced := m.now()
	if !synced {
		now = time.Time{}
	}
	key, err := m.key(m.state.NextKey)
	if err != nil {
		return retry, fmt.Errorf("enrol: %w", err)
	}
	if _, err := pki.VerifyNode(r.Cert+r.Chain, m.opt.Site.Root, m.opt.ID, key.Public(), now); err != nil {
		return retry, fmt.Errorf("enrol: %w", err)
	}
	s := m.state
	s.Next, s.Broker = r.Cert+r.Chain, r.Broker
	if wire.ValidGroup(r.Group) {
		s.Group = r.Group
	}
	ks := m.keys
	if len(r.Keys) > 0 {
		if _, ks, err = m.withKeys(&s, r.Keys); err != nil {
			return retry, err
		}
	}
	switch s.Phase {
	case Claiming:
		s.Phase = Claimed
	case Suspended:
		s.Phase = Active
	}
	if err := m.save(s); err != nil {
		return retry, err
	}
	m.keys, m.next, m.refused, m.skipNext = ks, "", 0, false
	return 0, nil
}

// Born tells that a birth was acknowledged over a connection with the given
// certificate. A new certificate then takes the old one's place, and the old
// key is erased.
func (m *Machine) Born(by string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refused = 0
	s := m.state
	if by != ByNext || s.Next == "" {
		return nil
	}
	old := s.Key
	s.Phase, s.Cert, s.Key, s.Next, s.NextKey = Active, s.Next, s.NextKey, "", ""
	if err := m.save(s); err != nil {
		return err
	}
	if old != "" {
		return durable.Erase(m.fsys, old)
	}
	return nil
}

// RotateAt returns when to ask for the next certificate: at two thirds of the
// present one's life, give or take a tenth of the life by a share that is the
// node's own, so that a fleet does not ask at once. Zero: nothing to rotate.
func (m *Machine) RotateAt() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.state.Phase != Active || m.state.Next != "" {
		return time.Time{}
	}
	leaf, err := leafOf(m.state.Cert)
	if err != nil {
		return time.Time{}
	}
	life := leaf.NotAfter.Sub(leaf.NotBefore)
	sum := sha256.Sum256(leaf.Raw)
	share := float64(binary.BigEndian.Uint16(sum[:]))/65535*0.2 - 0.1
	return leaf.NotBefore.Add(time.Duration((2.0/3 + share) * float64(life)))
}

// FactoryReset erases identity, keys and everything that Wipe covers. The node
// can then be claimed again.
func (m *Machine) FactoryReset() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keys = wire.KeySet{}
	return m.reset(Unprovisioned)
}

// Decommission is FactoryReset for good: the node does not connect again until
// it is reset on the spot.
func (m *Machine) Decommission() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keys = wire.KeySet{}
	return m.reset(Decommissioned)
}
