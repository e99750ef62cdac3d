package guest

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/edgecam/edgecam/hal"
	"github.com/edgecam/edgecam/v4l2"
)

// TestCameraUnplug pulls the camera out in mid-stream and plugs it in again,
// CYCLES times, and compares what the process holds after a third of the cycles
// with what it holds at the end.
func TestCameraUnplug(t *testing.T) {
	cycles, err := strconv.Atoi(os.Getenv("CYCLES"))
	if err != nil {
		t.Fatal(err)
	}
	if cycles > 100 {
		runtime.MemProfileRate = 1 // name who holds what is left behind
		defer func() { runtime.MemProfileRate = 512 << 10 }()
	}
	driver := v4l2.New(nil)
	var most time.Duration
	var before usage
	for i := range cycles {
		if i > 0 && i%100 == 0 {
			t.Logf("after %d cycles %+v", i, used(t))
		}
		if i == max(cycles/3, 2) { // what is made once is there by now
			before = used(t)
			t.Logf("after %d cycles %+v", i, before)
		}
		took, err := pullOutAndIn(t.Context(), driver)
		if err != nil {
			t.Fatalf("cycle %d: %v", i, err)
		}
		most = max(most, took)
	}
	after := used(t)
	t.Logf("after %d cycles %+v; noticed within %v", cycles, after, most)
	if after.files > before.files || after.goroutines > before.goroutines || after.mappings > before.mappings+8 ||
		after.heapKB > before.heapKB+64 || after.residentKB > before.residentKB+4096 {
		t.Errorf("something is left behind by the cycles: before %+v, after %+v; on the heap\n%s", before, after, holders())
	}
}

// pullOutAndIn is one cycle. It returns how long the driver took to notice.
func pullOutAndIn(ctx context.Context, driver *v4l2.Driver) (time.Duration, error) {
	cam, err := driver.OpenCamera(ctx, camera, smallMode)
	if err != nil {
		return 0, err
	}
	defer cam.Close()
	held, err := cam.Read(ctx)
	if err != nil {
		return 0, err
	}
	got := make(chan error, 1)
	go func() {
		for {
			f, err := cam.Read(ctx)
			if err != nil {
				got <- err
				return
			}
			f.Release()
		}
	}()
	begin := time.Now()
	plug := pullOut("vivid", "vivid.0")
	select {
	case err := <-got:
		if hal.KindOf(err) != hal.Gone {
			return 0, fmt.Errorf("Read = %w, want kind gone", err)
		}
	case <-time.After(5 * time.Second):
		return 0, fmt.Errorf("the unplug is not noticed")
	}
	took := time.Since(begin)
	if err := cam.Close(); err != nil {
		return 0, fmt.Errorf("Close: %w", err)
	}
	if _, err := driver.OpenCamera(ctx, camera, smallMode); hal.KindOf(err) != hal.Gone {
		return 0, fmt.Errorf("open while unplugged: %w", err)
	}
	held.Release()
	if err := plug(); err != nil {
		return 0, err
	}
	again, err := driver.OpenCamera(ctx, camera, smallMode)
	if err != nil {
		return 0, fmt.Errorf("open after plugging in: %w", err)
	}
	f, err := again.Read(ctx)
	if err != nil {
		return 0, fmt.Errorf("read after plugging in: %w", err)
	}
	f.Release()
	return took, again.Close()
}

// usage is what a process may lose bit by bit.
type usage struct{ files, goroutines, mappings, heapKB, residentKB int }

func used(t *testing.T) usage {
	t.Helper()
	for range 3 { // finalizers, then what they held
		runtime.GC()
	}
	debug.FreeOSMemory()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	var total, resident int
	if _, err := fmt.Sscan(string(statm), &total, &resident); err != nil {
		t.Fatal(err)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return usage{
		len(files), runtime.NumGoroutine(), strings.Count(string(maps), "\n"),
		int(m.HeapAlloc >> 10), resident * os.Getpagesize() >> 10,
	}
}

// holders lists who allocated most of what is on the heap.
func holders() string {
	records := make([]runtime.MemProfileRecord, 4096)
	n, _ := runtime.MemProfile(records, false)
	records = records[:min(n, len(records))]
	slices.SortFunc(records, func(a, b runtime.MemProfileRecord) int { return int(b.InUseBytes() - a.InUseBytes()) })
	var out strings.Builder
	for _, r := range records[:min(len(records), 8)] {
		fmt.Fprintf(&out, "%d bytes in %d objects:", r.InUseBytes(), r.InUseObjects())
		for frames := runtime.CallersFrames(r.Stack()); ; {
			f, more := frames.Next()
			fmt.Fprintf(&out, " < %s:%d", f.Function, f.Line)
			if !more {
				break
			}
		}
		out.WriteByte('\n')
	}
	return out.String()
}
