// Package updatecmd is the commands around updates: on a node, to install one
// and to see the slots; at the maker's, to make keys and to sign.
package updatecmd

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/edgecam/edgecam/internal/durable"
	"github.com/edgecam/edgecam/provisioning/node"
	"github.com/edgecam/edgecam/provisioning/pki"
	"github.com/edgecam/edgecam/provisioning/update"
	"github.com/edgecam/edgecam/provisioning/update/slot"
	"github.com/edgecam/edgecam/provisioning/update/system"
)

// Target is the node that an update is for.
type Target struct {
	StateDir  string
	Keys      []string // public keys that are trusted
	Board     string   // model; "" asks the device tree
	Installed string   // path of the installed program
}

func (t Target) open() (*durable.Dir, error) {
	return durable.OpenDir(filepath.Join(t.StateDir, slot.Folder))
}

// Apply installs the update that a manifest, a file or an https address,
// describes.
func Apply(ctx context.Context, t Target, manifest string, again bool, out io.Writer) error {
	if len(t.Keys) == 0 {
		return errors.New("update: no key is trusted; put the maker's public key into update.keys")
	}
	trust, err := update.TrustKeys(t.Keys...)
	if err != nil {
		return err
	}
	client := update.Client(nil)
	var signed []byte
	var base *url.URL
	if strings.Contains(manifest, "://") {
		if base, err = url.Parse(manifest); err != nil {
			return fmt.Errorf("update: %w", err)
		}
		signed, err = update.Fetch(ctx, client, base)
	} else {
		signed, err = readLimited(manifest, update.MaxManifest)
	}
	if err != nil {
		return err
	}
	dir, err := t.open()
	if err != nil {
		return err
	}
	release, err := update.Lock(dir.Path())
	if err != nil {
		return err
	}
	defer release()
	board := t.Board
	if board == "" {
		if model, err := readLimited("/sys/firmware/devicetree/base/model", 4096); err == nil {
			board = strings.TrimRight(string(model), "\x00\n ")
		}
	}
	var slots system.Installer
	if system.HasRauc() {
		slots = system.Rauc{}
	}
	u := update.New(update.Options{
		System: slots, FS: dir, Trust: trust, Arch: runtime.GOARCH, Board: board, Installed: slot.Fingerprint(t.Installed), Now: node.SystemClock{}.Now, HTTP: client,
	})
	m, err := u.Install(ctx, signed, base, "", again)
	if err != nil {
		return err
	}
	if slots != nil {
		fmt.Fprintf(out, "system %s is written; the next boot tries it, and the former one returns if it does not do well\n", m.Version)
		return nil
	}
	fmt.Fprintf(out, "version %s is ready; 'systemctl restart edgecam' tries it, and the former one returns if it does not do well\n", m.Version)
	return nil
}

// Status prints what the slots hold.
func Status(t Target, asJSON bool, out io.Writer) error {
	dir, err := t.open()
	if err != nil {
		return err
	}
	s, err := slot.Read(dir)
	if err != nil {
		return err
	}
	whole, err := system.Read(dir)
	if err != nil {
		return err
	}
	if asJSON {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(struct {
			slot.State
			System system.State `json:"system"`
		}{s, whole})
	}
	fmt.Fprintf(out, "runs: %s, rollback index %d\n", s.Current, s.Index)
	for _, name := range []string{slot.A, slot.B} {
		p, ok := s.Slots[name]
		if !ok {
			fmt.Fprintf(out, "slot %s: empty\n", name)
			continue
		}
		note := ""
		if name == s.Trial {
			note = fmt.Sprintf(", on trial, started %d of %d times", s.Tries, slot.MaxTries)
		}
		if err := slot.Verify(dir, name, p); err != nil {
			note += ", " + err.Error()
		}
		fmt.Fprintf(out, "slot %s: version %s, index %d, %d bytes%s\n", name, p.Version, p.Index, p.Size, note)
	}
	if l := s.Last; l != nil {
		fmt.Fprintf(out, "last update: version %s %s %s\n", l.Version, l.State, l.Reason)
	}
	if b := whole.Pending; b != nil {
		fmt.Fprintf(out, "system: version %s on trial, index %d\n", b.Version, b.Index)
	}
	if l := whole.Last; l != nil {
		fmt.Fprintf(out, "last system update: version %s %s %s\n", l.Version, l.State, l.Reason)
	}
	return nil
}

// Keygen makes a signing key: the private one into a file, the public one on
// out.
func Keygen(path string, out io.Writer) error {
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("update: %w", err)
	}
	text, err := pki.EncodeKey(key)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("update: %w", err)
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("update: %w", err)
	}
	fmt.Fprintf(out, "%s\n", base64.StdEncoding.EncodeToString(pub))
	return nil
}

// Release is what Sign makes a manifest of.
type Release struct {
	Version string
	Index   uint64
	Valid   time.Duration
	Notes   string
	// Programs are ARCH[:BOARD,BOARD…]=FILE; the file's name is its address
	// beside the manifest. One that ends in .raucb is a bundle for RAUC.
	Programs []string
	BaseURL  string // before the names, "" for beside the manifest
}

// Sign prints a signed manifest.
func Sign(r Release, keyFile string, out io.Writer) error {
	text, err := readLimited(keyFile, 64<<10)
	if err != nil {
		return err
	}
	parsed, err := pki.ParseKey(text)
	if err != nil {
		return err
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return fmt.Errorf("update: %s is no ed25519 key; 'edgecam update keygen' makes one", keyFile)
	}
	m := update.Manifest{Format: 1, Version: r.Version, Index: r.Index, Expires: time.Now().Add(r.Valid).Unix(), Notes: r.Notes}
	for _, arg := range r.Programs {
		what, file, ok := strings.Cut(arg, "=")
		arch, boards, some := strings.Cut(what, ":")
		if !ok || arch == "" || file == "" {
			return fmt.Errorf("update: program %q must be ARCH[:BOARD,BOARD]=FILE", arg)
		}
		kind := update.KindProgram
		if strings.HasSuffix(file, ".raucb") {
			kind = update.KindRauc
		}
		p := update.Program{Kind: kind, Arch: arch, URL: r.BaseURL + url.PathEscape(filepath.Base(file))}
		if some {
			p.Boards = strings.Split(boards, ",")
		}
		if p.Size, p.SHA256, err = digest(file); err != nil {
			return err
		}
		m.Programs = append(m.Programs, p)
	}
	signed, err := update.Sign(m, key)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s\n", signed)
	return err
}

func digest(file string) (int64, string, error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, "", fmt.Errorf("update: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return 0, "", fmt.Errorf("update: %w", err)
	}
	return n, hex.EncodeToString(h.Sum(nil)), nil
}

func readLimited(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("update: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("update: %w", err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("update: %s is longer than %d bytes", path, limit)
	}
	return data, nil
}
