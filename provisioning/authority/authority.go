package authority

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/edgecam/edgecam/internal/durable"
	"github.com/edgecam/edgecam/provisioning/enrol"
	"github.com/edgecam/edgecam/provisioning/pki"
	"github.com/edgecam/edgecam/provisioning/wire"
)

// Status of a node in the authority's records.
const (
	Expected = "expected" // its owner secret is known, it has not asked yet
	Pending  = "pending"  // has asked, waits for a person
	Signed   = "signed"   // has a certificate, not yet seen with it
	Active   = "active"
	Revoked  = "revoked"
)

// Node is the authority's record of a node.
type Node struct {
	ID       string        `json:"id"`
	Status   string        `json:"status"`
	Serial   string        `json:"serial,omitempty"`
	Model    string        `json:"model,omitempty"`
	Group    string        `json:"group,omitempty"`
	Secret   string        `json:"secret,omitempty"`   // the owner's claim secret
	Asking   string        `json:"asking,omitempty"`   // fingerprint of the key that waits
	Approved string        `json:"approved,omitempty"` // fingerprint of the key that may be signed
	Key      string        `json:"key,omitempty"`      // fingerprint of the key that is signed
	Cert     string        `json:"cert,omitempty"`     // PEM, newest
	Former   string        `json:"former,omitempty"`   // serial number, valid until the newest is seen
	Revoked  []pki.Revoked `json:"revoked,omitempty"`
	Failures int           `json:"failures,omitempty"` // wrong proofs in a row
	Updated  time.Time     `json:"updated"`
}

const (
	lockFile     = "lock"
	crlLife      = 30 * 24 * time.Hour
	maxPending   = 1000 // claims that wait for a person
	maxFailures  = 10   // wrong proofs before a node must be added again
	pendingRetry = 30   // seconds
)

// Options tune an Authority.
type Options struct {
	NodeLife time.Duration // of a node's certificate, default pki.NodeLife
	Now      func() time.Time
	Log      *slog.Logger
}

// Authority signs for nodes. Its methods may be called from any goroutine.
type Authority struct {
	dir    string
	fsys   durable.FS
	nodes  durable.FS
	ca     pki.Signer
	root   string // PEM
	keys   []byte
	broker string
	opt    Options
	now    func() time.Time

	mu   sync.Mutex
	file *os.File // the lock between programs, nil where the folder cannot be written
}

// Errors of the authority's commands.
var (
	ErrNoNode    = errors.New("authority: no such node")
	ErrNoPending = errors.New("authority: the node does not ask for a certificate with such a key")
)

// Open reads the authority in the folder dir.
func Open(dir string, opt Options) (*Authority, error) {
	fsys, err := durable.OpenDir(dir)
	if err != nil {
		return nil, err
	}
	nodes, err := durable.OpenDir(filepath.Join(dir, nodesDir))
	if err != nil {
		return nil, err
	}
	a, err := open(dir, fsys, nodes, opt)
	if err != nil {
		return nil, err
	}
	a.file, err = os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, syscall.EROFS) {
		return nil, fmt.Errorf("authority: %w", err)
	}
	return a, nil
}

// lock keeps other goroutines and other programs from the records: a person
// approves and revokes while the service answers. A program that ends lets go.
func (a *Authority) lock() (unlock func()) {
	a.mu.Lock()
	if a.file == nil {
		return a.mu.Unlock
	}
	fd := int(a.file.Fd())
	err := syscall.Flock(fd, syscall.LOCK_EX)
	for errors.Is(err, syscall.EINTR) {
		err = syscall.Flock(fd, syscall.LOCK_EX)
	}
	if err != nil {
		a.opt.Log.Warn("records not locked against other programs", "error", err)
		return a.mu.Unlock
	}
	return func() {
		if err := syscall.Flock(fd, syscall.LOCK_UN); err != nil {
			a.opt.Log.Warn("records stay locked", "error", err)
		}
		a.mu.Unlock()
	}
}

func open(dir string, fsys, nodes durable.FS, opt Options) (*Authority, error) {
	a := &Authority{dir: dir, fsys: fsys, nodes: nodes, opt: opt, now: opt.Now}
	if a.now == nil {
		a.now = time.Now
	}
	if a.opt.NodeLife <= 0 {
		a.opt.NodeLife = pki.NodeLife
	}
	if a.opt.Log == nil {
		a.opt.Log = slog.New(slog.DiscardHandler)
	}
	var err error
	read := func(name string) []byte {
		data, rerr := fsys.ReadFile(name)
		if errors.Is(rerr, fs.ErrNotExist) {
			rerr = fmt.Errorf("authority: %s is missing in %s; 'edgecam authority init' makes an authority", name, dir)
		}
		err = errors.Join(err, rerr)
		return data
	}
	certText, keyText, siteText := read(caCert), read(caKey), read(SiteFile)
	a.root, a.keys = string(read(RootCert)), read(keySet)
	if err != nil {
		return nil, err
	}
	certs, err := pki.ParseCerts(string(certText))
	if err != nil {
		return nil, fmt.Errorf("authority: %s: %w", caCert, err)
	}
	key, err := pki.ParseKey(keyText)
	if err != nil {
		return nil, fmt.Errorf("authority: %s: %w", caKey, err)
	}
	a.ca = pki.Signer{Cert: certs[0], Key: key}
	site, err := enrol.ParseSite(siteText)
	if err != nil {
		return nil, err
	}
	if _, err := wire.ParseKeySet(a.keys, ed25519.PublicKey(site.CommandRoot)); err != nil {
		return nil, fmt.Errorf("authority: %s: %w", keySet, err)
	}
	a.broker = site.Broker
	return a, nil
}

// Dir returns the authority's folder.
func (a *Authority) Dir() string { return a.dir }

// Node returns a node's record.
func (a *Authority) Node(id string) (Node, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.node(id)
}

func (a *Authority) node(id string) (Node, error) {
	var n Node
	if !wire.ValidID(id) {
		return n, fmt.Errorf("%w: %q", ErrNoNode, id)
	}
	err := durable.Load(a.nodes, id, &n)
	if errors.Is(err, fs.ErrNotExist) {
		return n, fmt.Errorf("%w: %s", ErrNoNode, id)
	}
	if err != nil {
		return n, fmt.Errorf("authority: %w", err)
	}
	return n, nil
}

func (a *Authority) save(n Node) error {
	n.Updated = a.now().UTC().Truncate(time.Second)
	if err := durable.Save(a.nodes, n.ID, n); err != nil {
		return fmt.Errorf("authority: %w", err)
	}
	return nil
}

// List returns all records by id.
func (a *Authority) List() ([]Node, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.list()
}

func (a *Authority) list() ([]Node, error) {
	names, err := a.nodes.Names()
	if err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	ids := map[string]bool{}
	for _, name := range names {
		id, _, _ := strings.Cut(name, ".")
		if wire.ValidID(id) {
			ids[id] = true
		}
	}
	var out []Node
	for id := range ids {
		n, err := a.node(id)
		if errors.Is(err, ErrNoNode) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	slices.SortFunc(out, func(x, y Node) int { return strings.Compare(x.ID, y.ID) })
	return out, nil
}

// Expect registers a node before it asks: whoever proves to know the secret
// gets its certificate without a person. It also lets a revoked node come back.
func (a *Authority) Expect(serialOrID, secret, group string) (Node, error) {
	defer a.lock()()
	id := serialOrID
	if !wire.ValidID(id) {
		id = wire.NodeID(serialOrID)
	}
	if group != "" && !wire.ValidGroup(group) {
		return Node{}, fmt.Errorf("authority: %q is no group; use 1 to 24 of A-Z a-z 0-9 _ -", group)
	}
	if len(secret) < 12 {
		return Node{}, errors.New("authority: the secret must have at least 12 characters")
	}
	n, err := a.node(id)
	if err != nil && !errors.Is(err, ErrNoNode) {
		return n, err
	}
	n.ID, n.Secret, n.Group, n.Failures = id, secret, group, 0
	if n.Status == "" || n.Status == Revoked || n.Status == Pending {
		n.Status = Expected
	}
	return n, a.save(n)
}

// Approve lets a waiting node have its certificate. The fingerprint is the one
// the node shows; empty approves whichever key asks.
func (a *Authority) Approve(id, fingerprint, group string) (Node, error) {
	defer a.lock()()
	n, err := a.node(id)
	if err != nil {
		return n, err
	}
	if n.Asking == "" || fingerprint != "" && fingerprint != n.Asking {
		return n, fmt.Errorf("%w (it asks with %q)", ErrNoPending, n.Asking)
	}
	if group != "" {
		if !wire.ValidGroup(group) {
			return n, fmt.Errorf("authority: %q is no group", group)
		}
		n.Group = group
	}
	n.Approved, n.Asking = n.Asking, ""
	if n.Status == Revoked {
		n.Status = Pending
	}
	return n, a.save(n)
}

// Revoke takes back all of a node's certificates and refuses it new ones. The
// broker learns it from crl.pem.
func (a *Authority) Revoke(id string) error {
	defer a.lock()()
	n, err := a.node(id)
	if err != nil {
		return err
	}
	a.revokeFormer(&n)
	if n.Cert != "" {
		certs, err := pki.ParseCerts(n.Cert)
		if err != nil {
			return err
		}
		n.Revoked = append(n.Revoked, pki.Revoked{Serial: pki.SerialHex(certs[0]), At: a.now()})
	}
	n.Status, n.Cert, n.Key, n.Approved, n.Asking, n.Secret = Revoked, "", "", "", "", ""
	if err := a.save(n); err != nil {
		return err
	}
	return a.writeCRL()
}

func (a *Authority) revokeFormer(n *Node) {
	if n.Former != "" {
		n.Revoked = append(n.Revoked, pki.Revoked{Serial: n.Former, At: a.now()})
		n.Former = ""
	}
}

// WriteCRL writes crl.pem anew; it must be done before the old one's 30 days
// are over.
func (a *Authority) WriteCRL() error {
	defer a.lock()()
	return a.writeCRL()
}

func (a *Authority) writeCRL() error {
	nodes, err := a.list()
	if err != nil {
		return err
	}
	var all []pki.Revoked
	for _, n := range nodes {
		all = append(all, n.Revoked...)
	}
	crl, err := a.ca.NewCRL(a.now().UnixNano(), all, a.now(), crlLife)
	if err != nil {
		return err
	}
	return durable.Replace(a.fsys, crlFile, crl)
}

// IsRevoked reports whether a certificate was taken back, for the embedded
// broker.
func (a *Authority) IsRevoked(id, serialHex string) bool {
	n, err := a.Node(id)
	return err == nil && slices.ContainsFunc(n.Revoked, func(r pki.Revoked) bool { return r.Serial == serialHex })
}
