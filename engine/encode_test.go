package engine

import (
	"testing"
	"time"
)

// TestMediaTime: a stream's times rise, and one that begins with a picture that was
// there before has a time of now.
func TestMediaTime(t *testing.T) {
	at := time.Unix(1000, 0)
	for _, c := range []struct {
		captured, last time.Time
		again          bool
		want           time.Time
	}{
		{at, time.Time{}, false, at},
		{at, time.Time{}, true, at.Add(repeatStep)},
		{at, at.Add(-time.Second), true, at.Add(repeatStep)},
		{at, at, true, at.Add(repeatStep)},
		{at, at.Add(repeatStep), false, at.Add(2 * repeatStep)},
		{at, at.Add(-time.Second), false, at},
	} {
		if got := mediaTime(c.captured, c.last, c.again); !got.Equal(c.want) {
			t.Errorf("captured %v, last %v, again %v: %v", c.captured, c.last, c.again, got)
		}
	}
}
