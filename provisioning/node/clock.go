package node

import (
	"time"

	"golang.org/x/sys/unix"
)

// Clock tells the time and whether to trust it.
type Clock interface {
	// Now returns the time; without a clock that was set, at least a time that
	// is not before the program was built.
	Now() (t time.Time, synced bool)
}

// SystemClock is the kernel's clock. Boards without a battery start in 1970
// and are right only after they have reached a time server.
type SystemClock struct {
	// Least is a time that is past for certain: that of the build, or one that
	// was stored.
	Least time.Time
}

// sane is the first year in which this program can run.
var sane = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

// Now implements Clock.
func (c SystemClock) Now() (time.Time, bool) {
	now := time.Now()
	least := c.Least
	if least.Before(sane) {
		least = sane
	}
	if now.Before(least) {
		return least, false
	}
	return now, kernelSynced()
}

// kernelSynced asks the kernel whether a time service has set the clock. Where
// it cannot be asked, as in some containers, the clock is taken for right.
func kernelSynced() bool {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	if err != nil {
		return true
	}
	const timeError, staUnsync = 5, 0x40
	return state != timeError || t.Status&staUnsync == 0
}
