package update

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/edgecam/edgecam/internal/durable"
	"github.com/edgecam/edgecam/provisioning/update/slot"
	"github.com/edgecam/edgecam/provisioning/update/system"
)

// Options make an Updater.
type Options struct {
	FS    durable.Large // the folder that the launcher reads
	Trust Trust
	Arch  string
	Board string // model, as the device tree has it
	// Installed is the launcher's name of the installed program.
	Installed string
	// System, if set, installs bundles: this node is updated as a whole, and
	// programs alone are not taken.
	System system.Installer
	// Now returns the time, and false if the clock was never set.
	Now func() (time.Time, bool)
	// HTTP downloads; default is Client(nil).
	HTTP *http.Client
	// Stall ends a download that brings nothing for so long; default 30 s.
	Stall time.Duration
	// Attempts bounds how often a download is resumed; default 8.
	Attempts int
	// Pause is the first wait before a download is resumed; default 2 s.
	Pause time.Duration
	Log   *slog.Logger
}

// Updater installs updates, one at a time.
type Updater struct {
	opt Options
	mu  sync.Mutex
}

// New makes an updater.
func New(opt Options) *Updater {
	if opt.HTTP == nil {
		opt.HTTP = Client(nil)
	}
	if opt.Stall <= 0 {
		opt.Stall = 30 * time.Second
	}
	if opt.Attempts <= 0 {
		opt.Attempts = 8
	}
	if opt.Pause <= 0 {
		opt.Pause = 2 * time.Second
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	return &Updater{opt: opt}
}

// State returns the slots' state.
func (u *Updater) State() (slot.State, error) { return slot.Read(u.opt.FS) }

// Check decides whether a signed manifest would be installed, and what of it.
// again takes a version that was rolled back before.
func (u *Updater) Check(signed []byte, again bool) (Manifest, Program, error) {
	now, synced := u.opt.Now()
	m, err := Parse(signed, u.opt.Trust, now, synced)
	if err != nil {
		return m, Program{}, err
	}
	s, err := slot.Read(u.opt.FS)
	if err != nil {
		return m, Program{}, &Error{CodeState, err}
	}
	if u.opt.System != nil {
		p, err := u.checkSystem(m, s, again)
		return m, p, err
	}
	if m.Index < s.Index {
		return m, Program{}, tooOld(m, s.Index)
	}
	p, err := m.For(KindProgram, u.opt.Arch, u.opt.Board)
	switch {
	case err != nil:
		return m, p, err
	case s.Current != slot.Installed && s.Slots[s.Current].SHA256 == p.SHA256:
		return m, p, fail(CodeSame, "version %s runs already", m.Version)
	case s.Trial != "":
		return m, p, fail(CodeBusy, "version %s is on trial", s.Slots[s.Trial].Version)
	case s.Last != nil && s.Last.State == slot.RolledBack && s.Last.SHA256 == p.SHA256 && !again:
		return m, p, fail(CodeFailed, "version %s was tried and rolled back: %s", m.Version, s.Last.Reason)
	}
	return m, p, nil
}

// Install downloads the program of a signed manifest and puts it on trial; the
// launcher starts it when this program ends. base is where the manifest came
// from, for relative addresses; nil if it came by another way. id is told again
// with the result.
func (u *Updater) Install(ctx context.Context, signed []byte, base *url.URL, id string, again bool) (Manifest, error) {
	if !u.mu.TryLock() {
		return Manifest{}, fail(CodeBusy, "another update is under way")
	}
	defer u.mu.Unlock()
	m, p, err := u.Check(signed, again)
	if err != nil {
		return m, err
	}
	from, err := source(p.URL, base)
	if err != nil {
		return m, err
	}
	if p.Kind == KindRauc {
		return m, u.installSystem(ctx, m, p, from, id)
	}
	s, err := slot.Read(u.opt.FS)
	if err != nil {
		return m, &Error{CodeState, err}
	}
	name := s.Spare()
	// The slot is forgotten before its file is touched: a cut in between must
	// not leave a name for what is not there.
	if _, held := s.Slots[name]; held {
		s = s.Without(name)
		if err := slot.Write(u.opt.FS, s); err != nil {
			return m, storage(err)
		}
	}
	if err := u.discard(slot.File(name)); err != nil {
		return m, err
	}
	part, err := u.download(ctx, from, p)
	if err != nil {
		return m, err
	}
	file := slot.File(name)
	if err := u.opt.FS.Rename(part, file); err != nil {
		return m, storage(err)
	}
	if x, ok := u.opt.FS.(interface{ MakeExecutable(string) error }); ok {
		if err := x.MakeExecutable(file); err != nil {
			return m, storage(err)
		}
	}
	if err := u.opt.FS.SyncDir(); err != nil {
		return m, storage(err)
	}
	held := slot.Program{Version: m.Version, Index: m.Index, Size: p.Size, SHA256: p.SHA256}
	// What is on the medium is what was signed, not only what came by.
	if err := slot.Verify(u.opt.FS, name, held); err != nil {
		return m, errors.Join(&Error{CodeHash, err}, u.discard(file))
	}
	if err := slot.Write(u.opt.FS, s.Begin(name, held, id, u.opt.Installed)); err != nil {
		return m, storage(err)
	}
	u.opt.Log.Info("update ready, to be tried at the next start", "version", m.Version, "slot", name, "bytes", p.Size)
	return m, nil
}

func storage(err error) error {
	if isFull(err) {
		return &Error{CodeSpace, err}
	}
	return &Error{CodeState, err}
}

func (u *Updater) discard(name string) error {
	if err := u.opt.FS.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return storage(err)
	}
	return nil
}

func source(ref string, base *url.URL) (*url.URL, error) {
	to, err := url.Parse(ref)
	if err != nil {
		return nil, fail(CodeFormat, "url %q: %w", ref, err)
	}
	if base != nil {
		to = base.ResolveReference(to)
	}
	if to.Scheme != "https" || to.Host == "" {
		return nil, fail(CodeFormat, "url %q: the manifest came without an address, or not over https", ref)
	}
	return to, nil
}

// partPrefix begins the names of downloads that are not complete.
const partPrefix = "part-"

// resumed returns the part of a former download, and removes others.
func (u *Updater) resumed(p Program) (name string, have int64, err error) {
	name = partPrefix + p.SHA256[:16]
	names, err := u.opt.FS.Names()
	if err != nil {
		return name, 0, storage(err)
	}
	for _, n := range names {
		if strings.HasPrefix(n, partPrefix) && n != name {
			if err := u.discard(n); err != nil {
				return name, 0, err
			}
		}
	}
	f, have, err := u.opt.FS.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return name, 0, nil
	}
	if err != nil {
		return name, 0, storage(err)
	}
	if err := f.Close(); err != nil {
		return name, 0, storage(err)
	}
	if have > p.Size {
		return name, 0, u.discard(name)
	}
	return name, have, nil
}

// hashed returns a file's checksum.
func (u *Updater) hashed(name string) (string, error) {
	f, _, err := u.opt.FS.Open(name)
	if err != nil {
		return "", storage(err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", storage(err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
