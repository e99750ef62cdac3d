package fleetcmd

import (
	"math"
	"slices"
	"testing"
	"time"
)

func TestComeback(t *testing.T) {
	began := time.Unix(1_800_000_000, 0)
	b := births{}
	at := func(s float64) { b.times = append(b.times, began.Add(time.Duration(s*float64(time.Second)))) }
	for i := range 100 {
		at(float64(i) / 50) // two seconds
	}
	if got := b.perSecond(began); !slices.Equal(got, []int{50, 50}) {
		t.Errorf("%v", got)
	}
	allIn := began.Add(3 * time.Second)
	if b.comeback(time.Time{}, 100) != nil || b.comeback(allIn, 100) != nil {
		t.Error("nobody has come back")
	}
	// Ten seconds of ten each, and thirty more around the fifth second's begin.
	for i := range 100 {
		at(10 + float64(i)/10)
	}
	for i := range 30 {
		at(14.85 + float64(i)/100)
	}
	c := b.comeback(allIn, 100)
	if c == nil || c.Nodes != 130 || c.Most != 40 || math.Abs(c.Seconds-9.8) > 0.2 || math.Abs(c.TimesMean-40/(129/9.8)) > 0.1 {
		t.Errorf("%+v", c)
	}
}
