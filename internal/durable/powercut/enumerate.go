package powercut

import "testing"

// Figures are what an enumeration went through.
type Figures struct {
	Points int // operations at which the power was cut
	States int // states of the medium that were checked
}

// Enumerate runs work on copies of the disk that prepare fills, once whole and
// then with the power cut at every operation, and calls check with the disk as
// it is found afterwards, for every way of losing. Work's error is its own
// business: once the power is gone, everything fails. cut counts from 1; 0 is
// the whole run. check must use the disk as a restarted program would.
func Enumerate(t testing.TB, prepare func(*Disk), work func(*Disk), check func(d *Disk, cut int, loss Loss)) Figures {
	t.Helper()
	fresh := func() *Disk {
		d := New()
		if prepare != nil {
			prepare(d)
			d = d.After(KeepAll)
		}
		return d
	}
	whole := fresh()
	whole.CutAt(0)
	work(whole)
	points := whole.Ops()
	if points == 0 {
		t.Fatal("powercut: the work changed nothing on the disk")
	}
	f := Figures{Points: points}
	for cut := 0; cut <= points; cut++ {
		d := fresh()
		d.CutAt(cut)
		work(d)
		if cut > 0 && !d.Dead() {
			t.Fatalf("powercut: the work had %d operations the first time and fewer than %d now: it is not deterministic", points, cut)
		}
		for _, loss := range Losses() {
			f.States++
			check(d.After(loss), cut, loss)
			if t.Failed() {
				t.Fatalf("powercut: cut at operation %d of %d, %s", cut, points, loss)
			}
		}
	}
	return f
}
