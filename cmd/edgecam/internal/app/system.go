package app

import (
	"context"
	"fmt"
	"time"

	"github.com/edgecam/edgecam/provisioning/update/slot"
	"github.com/edgecam/edgecam/provisioning/update/system"
)

// askRauc is the pause before RAUC is asked once more which system runs: its
// service may start later than this program.
const askRauc = 5 * time.Second

// proveSystem confirms the system that runs once the node in it is well, if it
// is on trial, and leaves it if it is not.
func (u *updates) proveSystem(ctx context.Context) {
	trial, err := system.Started(ctx, u.dir, u.rauc)
	for ; err != nil; trial, err = system.Started(ctx, u.dir, u.rauc) {
		u.app.log.Warn("which system runs is not known yet", "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(askRauc):
		}
	}
	if trial != nil {
		limit := system.Trial
		if trial.Starts > slot.MaxTries {
			limit = 0
			err = fmt.Errorf("app: %d starts did not last", trial.Starts-1)
		}
		confirmed := false
		if limit > 0 {
			confirmed, err = system.Prove(ctx, u.dir, u.rauc, u.well, proveEvery, limit)
		}
		switch {
		case confirmed:
			u.app.log.Info("system confirmed", "version", trial.Version)
		case ctx.Err() != nil:
			return // on trial at the next start again
		default:
			u.app.log.Error("system is not well and is left", "version", trial.Version, "error", err)
			if err := system.Refuse(ctx, u.dir, u.rauc, err.Error()); err != nil {
				u.app.log.Error("system not left", "error", err)
				return
			}
			rebootSoon(u.app.log)
			return
		}
	}
	u.tellSystem()
}

// tellSystem reports the last system update's end, once.
func (u *updates) tellSystem() {
	s, err := system.Read(u.dir)
	if err != nil || s.Last == nil || s.Last.Told {
		return
	}
	l := *s.Last
	if l.State == slot.RolledBack {
		u.app.log.Warn("system update rolled back", "version", l.Version, "reason", l.Reason)
	}
	u.app.fleet.updateEvent(map[string]any{"state": l.State, "version": l.Version, "id": l.ID, "reason": l.Reason, "kind": "system"})
	l.Told = true
	s.Last = &l
	if err := system.Write(u.dir, s); err != nil {
		u.app.log.Warn("system update's result will be told again", "error", err)
	}
}
