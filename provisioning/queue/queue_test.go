package queue

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edgecam/edgecam/internal/durable"
	"github.com/edgecam/edgecam/internal/durable/powercut"
)

func open(t *testing.T, fsys durable.FS, opt Options) *Queue {
	t.Helper()
	q, err := Open(fsys, "queue", opt)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func drain(t *testing.T, q *Queue) (out []string) {
	t.Helper()
	for {
		e, ok := q.First()
		if !ok {
			return out
		}
		out = append(out, string(e.Data))
		if err := q.Sent(e.Seq); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOrderAndRestart(t *testing.T) {
	d := powercut.New()
	q := open(t, d, Options{})
	for i := range 5 {
		if err := q.Put(Normal, []byte(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	e, _ := q.First()
	q.Sent(e.Seq)
	q = open(t, d.After(powercut.KeepAll), Options{})
	if e, _ := q.First(); !e.Earlier {
		t.Error("an entry of an earlier program is not marked")
	}
	if got := drain(t, q); !slices.Equal(got, []string{"1", "2", "3", "4"}) {
		t.Error(got)
	}
	select {
	case <-q.Ready():
	default:
		t.Error("not ready")
	}
}

func TestDropPolicy(t *testing.T) {
	q := open(t, powercut.New(), Options{MaxEntries: 3})
	put := func(c Class, s string) error { return q.Put(c, []byte(s)) }
	put(Telemetry, "t1")
	put(Ring, "r1")
	put(Normal, "n1")
	if err := put(Ring, "r2"); err != nil { // t1 goes
		t.Fatal(err)
	}
	if err := put(Telemetry, "t2"); !errors.Is(err, ErrFull) {
		t.Errorf("telemetry displaced something dearer: %v", err)
	}
	put(Normal, "n2") // n1 goes
	put(Ring, "r3")   // n2 goes
	put(Ring, "r4")   // r1 goes
	if got := drain(t, q); !slices.Equal(got, []string{"r2", "r3", "r4"}) {
		t.Error(got)
	}
	if s := q.Stats(); s.Dropped != 5 || s.Waiting != 0 || s.Bytes != 0 {
		t.Errorf("%+v", s)
	}
	if err := q.Put(Ring, make([]byte, maxData+1)); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
	small := open(t, powercut.New(), Options{MaxBytes: 10})
	small.Put(Normal, []byte("123456"))
	small.Put(Normal, []byte("abcdef"))
	if got := drain(t, small); !slices.Equal(got, []string{"abcdef"}) {
		t.Error(got)
	}
}

func TestAge(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	d := powercut.New()
	opt := Options{Now: func() time.Time { return now }}
	q := open(t, d, opt)
	q.Put(Ring, []byte("old"))
	now = now.Add(6 * 24 * time.Hour)
	q.Put(Ring, []byte("young"))
	e, _ := q.First()
	if age, ok := e.Age(now, false); !ok || age != 6*24*time.Hour {
		t.Errorf("age %v %v", age, ok)
	}
	q = open(t, d.After(powercut.LoseAll), opt)
	e, _ = q.First()
	if _, ok := e.Age(now, false); ok {
		t.Error("age of an earlier entry is known without a clock")
	}
	now = now.Add(2 * 24 * time.Hour)
	if got := drain(t, q); !slices.Equal(got, []string{"young"}) {
		t.Error(got)
	}
}

// TestPowerCuts puts and sends with the power cut at every operation: nothing
// that Put acknowledged is lost, unless it was sent.
func TestPowerCuts(t *testing.T) {
	var stored, sent []string
	opt := Options{MaxEntries: 4}
	f := powercut.Enumerate(t, func(d *powercut.Disk) {
		q := open(t, d, opt)
		q.Put(Ring, []byte("before"))
	}, func(d *powercut.Disk) {
		stored, sent = []string{"before"}, nil
		q, err := Open(d, "queue", opt)
		if err != nil {
			return
		}
		put := func(c Class, s string) {
			if q.Put(c, []byte(s)) == nil {
				stored = append(stored, s)
			}
		}
		put(Ring, "a")
		put(Telemetry, strings.Repeat("x", 100))
		e, _ := q.First()
		sent = append(sent, string(e.Data))
		q.Sent(e.Seq)
		put(Ring, "b")
		put(Ring, "c")
		put(Ring, "d") // drops the telemetry
		q.compact()
		put(Normal, "e") // refused
	}, func(d *powercut.Disk, _ int, loss powercut.Loss) {
		q, err := Open(d, "queue", opt)
		if err != nil {
			t.Errorf("%s: %v", loss, err)
			return
		}
		got := drain(t, q)
		for _, s := range stored {
			if len(s) < 100 && !slices.Contains(sent, s) && !slices.Contains(got, s) {
				t.Errorf("%s: %q was acknowledged and is lost; left %q", loss, s, got)
			}
		}
		if len(got) > opt.MaxEntries {
			t.Errorf("%d entries", len(got))
		}
		if err := q.Put(Ring, []byte("after")); err != nil {
			t.Errorf("%s: the queue takes nothing any more: %v", loss, err)
		}
	})
	t.Logf("%+v", f)
}

func TestFullDiskAndDamage(t *testing.T) {
	d := powercut.New()
	q := open(t, d, Options{})
	q.Put(Ring, []byte("first"))
	d.FullAt(1)
	if err := q.Put(Ring, []byte("second")); !errors.Is(err, ErrNotDurable) || !errors.Is(err, powercut.ErrFull) {
		t.Fatal(err)
	}
	// The disk has room again: the next entry brings the former along.
	if err := q.Put(Ring, []byte("third")); err != nil {
		t.Fatal(err)
	}
	q = open(t, d.After(powercut.LoseAll), Options{})
	if got := drain(t, q); !slices.Equal(got, []string{"first", "second", "third"}) {
		t.Error(got)
	}
	// A damaged record in the middle costs itself alone.
	q.Put(Ring, []byte("one"))
	q.Put(Ring, []byte("two"))
	q.Put(Ring, []byte("three"))
	q.Close()
	raw, _ := q.fsys.ReadFile("queue")
	d2 := powercut.New()
	i := strings.Index(string(raw), "two")
	raw[i] ^= 1
	durable.Replace(d2, "queue", raw)
	q = open(t, d2, Options{})
	if got := drain(t, q); !slices.Equal(got, []string{"one", "three"}) || q.Stats().Damaged != 1 {
		t.Errorf("%q %+v", got, q.Stats())
	}
}

func TestFileStaysSmall(t *testing.T) {
	d := powercut.New()
	q := open(t, d, Options{MaxEntries: 8})
	for range 2000 {
		if err := q.Put(Normal, make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
	}
	if raw, _ := d.ReadFile("queue"); len(raw) > 8*(1000+headerSize)+slack+2000 {
		t.Errorf("the file has %d bytes", len(raw))
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(encode(record{kindPut, Ring, 7, 1, []byte("x")}))
	f.Add([]byte(magic + magic))
	f.Fuzz(func(t *testing.T, data []byte) {
		d := powercut.New()
		durable.Replace(d, "queue", data)
		q, err := Open(d, "queue", Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := q.Put(Ring, []byte("new")); err != nil && !errors.Is(err, ErrFull) {
			t.Fatal(err)
		}
	})
}
