// Package update brings a new edgecam onto a node: a signed manifest says what
// there is, the program that fits is downloaded over HTTPS, resumed where it
// was cut off, compared with the manifest, and put on trial in the slot that
// does not run (package slot). Whatever goes wrong or loses its power on the
// way, the program that ran before runs again.
package update

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/edgecam/edgecam/provisioning/wire"
)

// Op is the name of the command, and what a key of a fleet's key set must be
// allowed in order to sign manifests.
const (
	Op         = "update"
	OpManifest = "update-manifest"
)

// Limits of a manifest.
const (
	MaxManifest = wire.MaxMessage
	MaxProgram  = 256 << 20 // bytes
	MaxBundle   = 8 << 30   // bytes
	maxPrograms = 32
)

// Manifest describes one version of the program.
type Manifest struct {
	Format  int    `json:"v"` // 1
	Version string `json:"version"`
	// Index is the rollback index. A node takes none below its own, which
	// rises to this one when the program has proved itself.
	Index uint64 `json:"rollback_index"`
	// Expires is when the manifest ends to be valid, in Unix seconds.
	Expires  int64     `json:"expires"`
	Programs []Program `json:"programs"`
	Notes    string    `json:"notes,omitempty"` // one line for people
}

// Kinds of a version's files.
const (
	KindProgram = ""     // the program, for boards where the launcher starts it
	KindRauc    = "rauc" // a bundle with the whole system, for boards that have RAUC
)

// Program is one file of a version.
type Program struct {
	Kind string `json:"kind,omitempty"`
	Arch string `json:"arch"` // as Go names it: amd64, arm64
	// Boards are prefixes of the board's model as the device tree has it; none:
	// every board of the architecture.
	Boards []string `json:"boards,omitempty"`
	URL    string   `json:"url"` // https; relative: beside the manifest
	Size   int64    `json:"size"`
	SHA256 string   `json:"sha256"` // hex
}

// Code says why an update did not happen; part of the protocol.
type Code string

// The codes.
const (
	CodeFormat    Code = "format"
	CodeSignature Code = "signature"
	CodeIndex     Code = "rollback-index"
	CodeExpired   Code = "expired"
	CodeBoard     Code = "board"
	CodeSame      Code = "same"    // runs already, or is on trial
	CodeFailed    Code = "refused" // was tried before and rolled back
	CodeSpace     Code = "space"
	CodeDownload  Code = "download"
	CodeHash      Code = "hash"
	CodeBusy      Code = "busy"
	CodeState     Code = "state"
	CodeSystem    Code = "system" // RAUC did not take the bundle
)

// Error is an update that did not happen.
type Error struct {
	Code Code
	Err  error
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("update: %s: %v", e.Code, e.Err) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

func fail(c Code, format string, args ...any) error { return &Error{c, fmt.Errorf(format, args...)} }

// CodeOf returns an error's code, "" if it has none.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// Trust checks the signature of a manifest and returns what was signed. A zero
// now leaves the expiry of keys out.
type Trust func(e wire.Envelope, now time.Time) ([]byte, error)

// KeyID returns the name of a public key in envelopes.
func KeyID(pub ed25519.PublicKey) string {
	sum := sha256.Sum256(pub)
	return hex.EncodeToString(sum[:4])
}

// TrustKeys trusts public keys, each given in base64.
func TrustKeys(keys ...string) (Trust, error) {
	known := map[string]ed25519.PublicKey{}
	for _, k := range keys {
		pub, err := base64.StdEncoding.DecodeString(strings.TrimSpace(k))
		if err != nil || len(pub) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("update: %q is no ed25519 public key; 'edgecam update keygen' prints one", k)
		}
		known[KeyID(pub)] = pub
	}
	return func(e wire.Envelope, _ time.Time) ([]byte, error) {
		pub, ok := known[e.KeyID]
		if !ok {
			return nil, fmt.Errorf("%w: %q", wire.ErrUnknownKey, e.KeyID)
		}
		return e.Verify(wire.ContextUpdate, pub)
	}, nil
}

// TrustSet trusts the keys of a fleet that may sign manifests by name: a key
// for all commands is none.
func TrustSet(keys func() wire.KeySet) Trust {
	return func(e wire.Envelope, now time.Time) ([]byte, error) {
		ks := keys()
		ks.Keys = slices.DeleteFunc(slices.Clone(ks.Keys), func(k wire.Key) bool { return !slices.Contains(k.Ops, OpManifest) })
		return ks.Verify(wire.ContextUpdate, e, OpManifest, now)
	}
}

// AnyOf trusts what one of several does.
func AnyOf(all ...Trust) Trust {
	return func(e wire.Envelope, now time.Time) (payload []byte, err error) {
		err = wire.ErrUnknownKey
		for _, t := range all {
			var terr error
			if payload, terr = t(e, now); terr == nil {
				return payload, nil
			} else if !errors.Is(terr, wire.ErrUnknownKey) {
				err = terr
			}
		}
		return nil, err
	}
}

// Sign checks a manifest and signs it.
func Sign(m Manifest, key ed25519.PrivateKey) ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	pub, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("update: not an ed25519 key")
	}
	out := wire.Encode(wire.Sign(wire.ContextUpdate, KeyID(pub), key, wire.Encode(m)))
	if len(out) > MaxManifest {
		return nil, fail(CodeFormat, "the manifest has %d bytes, at most %d are taken", len(out), MaxManifest)
	}
	return out, nil
}

// Parse checks a signed manifest: form, signature, content and, with a clock,
// expiry.
func Parse(data []byte, trust Trust, now time.Time, synced bool) (Manifest, error) {
	var e wire.Envelope
	var m Manifest
	if err := wire.Decode(data, MaxManifest, &e); err != nil {
		return m, &Error{CodeFormat, err}
	}
	at := now
	if !synced {
		at = time.Time{}
	}
	payload, err := trust(e, at)
	if err != nil {
		return m, &Error{CodeSignature, err}
	}
	if err := wire.Decode(payload, MaxManifest, &m); err != nil {
		return m, &Error{CodeFormat, err}
	}
	if err := m.check(); err != nil {
		return m, err
	}
	// Without a clock now is a lower bound of the time: what has expired by it
	// has expired in truth.
	if now.Unix() > m.Expires {
		return m, fail(CodeExpired, "the manifest was valid until %s", time.Unix(m.Expires, 0).UTC().Format(time.DateTime))
	}
	return m, nil
}

// validVersion keeps versions fit for logs, events and file names.
func validVersion(s string) bool {
	return s != "" && len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(".-+~_", r))
	})
}

func (m Manifest) check() error {
	switch {
	case m.Format != 1:
		return fail(CodeFormat, "manifest of format %d, this program knows 1", m.Format)
	case !validVersion(m.Version):
		return fail(CodeFormat, "%q is no version", m.Version)
	case m.Expires <= 0:
		return fail(CodeFormat, "expires is missing")
	case len(m.Programs) == 0 || len(m.Programs) > maxPrograms:
		return fail(CodeFormat, "%d programs; 1 to %d are taken", len(m.Programs), maxPrograms)
	}
	for i, p := range m.Programs {
		most := int64(MaxProgram)
		if p.Kind == KindRauc {
			most = MaxBundle
		}
		sum, err := hex.DecodeString(p.SHA256)
		u, uerr := url.Parse(p.URL)
		switch {
		case p.Arch == "":
			return fail(CodeFormat, "programs[%d].arch is missing", i)
		case p.Kind != KindProgram && p.Kind != KindRauc:
			return fail(CodeFormat, "programs[%d].kind is %q, must be absent or %q", i, p.Kind, KindRauc)
		case p.Size <= 0 || p.Size > most:
			return fail(CodeFormat, "programs[%d].size is %d, must be 1 to %d", i, p.Size, most)
		case err != nil || len(sum) != sha256.Size || strings.ToLower(p.SHA256) != p.SHA256:
			return fail(CodeFormat, "programs[%d].sha256 is not 64 hex digits in lower case", i)
		case uerr != nil || p.URL == "" || u.Scheme != "" && u.Scheme != "https" || u.User != nil:
			return fail(CodeFormat, "programs[%d].url %q must be https or beside the manifest", i, p.URL)
		case slices.Contains(p.Boards, ""):
			return fail(CodeFormat, "programs[%d].boards holds an empty name", i)
		}
	}
	return nil
}

// For returns the file of a kind for a board. One that names the board comes
// before one that is for all.
func (m Manifest) For(kind, arch, board string) (Program, error) {
	best := -1
	for i, p := range m.Programs {
		if p.Arch != arch || p.Kind != kind {
			continue
		}
		if slices.ContainsFunc(p.Boards, func(b string) bool { return strings.HasPrefix(board, b) }) {
			return p, nil
		}
		if len(p.Boards) == 0 {
			best = i
		}
	}
	if best < 0 {
		what := "program"
		if kind == KindRauc {
			what = "bundle"
		}
		return Program{}, fail(CodeBoard, "version %s has no %s for %s on %q", m.Version, what, arch, board)
	}
	return m.Programs[best], nil
}
