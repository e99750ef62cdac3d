package update

import (
	"context"
	"errors"
	"net/url"

	"github.com/edgecam/edgecam/provisioning/update/slot"
	"github.com/edgecam/edgecam/provisioning/update/system"
)

// bundleFile is a bundle that is being installed.
const bundleFile = "bundle.raucb"

func tooOld(m Manifest, at uint64) error {
	return fail(CodeIndex, "version %s has rollback index %d, this node is at %d", m.Version, m.Index, at)
}

// checkSystem decides whether a version's bundle would be installed. The
// rollback index is the higher of the system's and the programs': a system must
// not bring back a program that an update has replaced for good.
func (u *Updater) checkSystem(m Manifest, programs slot.State, again bool) (Program, error) {
	s, err := system.Read(u.opt.FS)
	if err != nil {
		return Program{}, &Error{CodeState, err}
	}
	if at := max(s.Index, programs.Index); m.Index < at {
		return Program{}, tooOld(m, at)
	}
	p, err := m.For(KindRauc, u.opt.Arch, u.opt.Board)
	switch last := s.Last; {
	case err != nil:
		return p, err
	case s.Pending != nil:
		return p, fail(CodeBusy, "version %s is on trial", s.Pending.Version)
	case last == nil || last.SHA256 != p.SHA256:
		return p, nil
	case last.State == slot.Confirmed:
		return p, fail(CodeSame, "version %s runs already", m.Version)
	case last.State == slot.RolledBack && !again:
		return p, fail(CodeFailed, "version %s was tried and rolled back: %s", m.Version, last.Reason)
	}
	return p, nil
}

// installSystem downloads a bundle and has it written into the system slot that
// does not run.
func (u *Updater) installSystem(ctx context.Context, m Manifest, p Program, from *url.URL, id string) error {
	dir, ok := u.opt.FS.(interface{ File(name string) string })
	if !ok {
		return fail(CodeState, "bundles need a folder on disk")
	}
	if err := u.discard(bundleFile); err != nil {
		return err
	}
	part, err := u.download(ctx, from, p)
	if err != nil {
		return err
	}
	if err := u.opt.FS.Rename(part, bundleFile); err != nil {
		return storage(err)
	}
	// What is on the medium is what was signed, not only what came by.
	sum, err := u.hashed(bundleFile)
	if err == nil && sum != p.SHA256 {
		err = fail(CodeHash, "the bundle on the medium is not what was signed")
	}
	if err == nil {
		b := system.Bundle{Version: m.Version, Index: m.Index, SHA256: p.SHA256, ID: id}
		if ierr := system.Install(ctx, u.opt.FS, u.opt.System, b, dir.File(bundleFile)); ierr != nil {
			err = &Error{CodeSystem, ierr}
		}
	}
	if err := errors.Join(err, u.discard(bundleFile)); err != nil {
		return err
	}
	u.opt.Log.Info("system update written, to be tried at the next boot", "version", m.Version, "bytes", p.Size)
	return nil
}
