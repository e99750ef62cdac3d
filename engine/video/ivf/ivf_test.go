package ivf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/edgecam/edgecam/internal/testdata"
)

func TestRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var buf bytes.Buffer
	w, err := NewWriter(&buf, Header{Width: 640, Height: 480, TimebaseNum: 1, TimebaseDen: 90000})
	if err != nil {
		t.Fatal(err)
	}
	var want [][]byte
	for i, n := range []int{1000, 0, 1, 300000, 700000, 12, 5} {
		data := make([]byte, n)
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
		want = append(want, data)
		if err := w.WriteFrame(data, uint64(i)*3000); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	r, err := NewReader(&buf)
	if err != nil {
		t.Fatal(err)
	}
	if h := r.Header(); h.Codec != CodecVP8 || h.Width != 640 || h.Height != 480 || h.TimebaseNum != 1 || h.TimebaseDen != 90000 || h.FrameCount != 0 {
		t.Fatalf("header %+v", h)
	}
	for i := range want {
		f, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(f.Data, want[i]) || f.Timestamp != uint64(i)*3000 {
			t.Fatalf("frame %d differs (%d bytes, time %d)", i, len(f.Data), f.Timestamp)
		}
	}
	if _, err := r.Next(); err != io.EOF {
		t.Fatalf("end of stream: %v, want io.EOF", err)
	}
	if r.Frames() != len(want) || w.Frames() != len(want) {
		t.Fatalf("%d frames read, %d written", r.Frames(), w.Frames())
	}
}

// TestFinish counts the frames in the header of a file.
func TestFinish(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.ivf")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := NewWriter(f, Header{Width: 16, Height: 16})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err := w.WriteFrame([]byte{1, 2, 3}, uint64(i)); err != nil {
			t.Fatal(err)
		}
		if err := w.Finish(); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if n := r.Header().FrameCount; n != 3 {
		t.Fatalf("header says %d frames, want 3", n)
	}
	if want := headerBytes + 3*(frameHeaderBytes+3); len(data) != want {
		t.Fatalf("file of %d bytes, want %d", len(data), want)
	}
}

func validStream(frames ...string) []byte {
	var buf bytes.Buffer
	w, _ := NewWriter(&buf, Header{Width: 16, Height: 16})
	for i, f := range frames {
		_ = w.WriteFrame([]byte(f), uint64(i))
	}
	return buf.Bytes()
}

func TestDamagedStreams(t *testing.T) {
	valid := validStream("hello")
	edit := func(at int, b ...byte) []byte {
		s := bytes.Clone(valid)
		copy(s[at:], b)
		return s
	}
	for name, c := range map[string]struct {
		data []byte
		err  error
	}{
		"empty":        {nil, io.ErrUnexpectedEOF},
		"short header": {valid[:31], io.ErrUnexpectedEOF},
		"signature":    {edit(0, 'D', 'K', 'I', 'E'), ErrFormat},
		"version":      {edit(4, 1), ErrFormat},
		"header size":  {edit(6, 31), ErrFormat},
		"long header":  {edit(6, 255), io.ErrUnexpectedEOF},
		"frame header": {valid[:40], io.ErrUnexpectedEOF},
		"short frame":  {valid[:len(valid)-1], io.ErrUnexpectedEOF},
		"no frame":     {valid[:headerBytes], io.EOF},
		"huge frame":   {edit(32, 0xff, 0xff, 0xff, 0xff), ErrFrameTooLarge},
		"large frame":  {edit(32, 0, 0, 0xff, 0), io.ErrUnexpectedEOF},
	} {
		r, err := NewReader(bytes.NewReader(c.data))
		if err == nil {
			_, err = r.Next()
		}
		if !errors.Is(err, c.err) {
			t.Errorf("%s: error %v, want %v", name, err, c.err)
		}
	}
	for _, h := range []Header{{}, {Width: 16}, {Width: 65536, Height: 16}} {
		if _, err := NewWriter(io.Discard, h); err == nil {
			t.Errorf("%+v accepted", h)
		}
	}
}

// TestSizeFieldCostsNoMemory gives a frame that says 15 MB and holds nothing.
func TestSizeFieldCostsNoMemory(t *testing.T) {
	data := validStream("x")
	binary.LittleEndian.PutUint32(data[32:], 15<<20)
	r, err := NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := r.Next(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Fatalf("%d bytes allocated for a frame that is not there", n)
	}
}

func TestNoAllocationPerFrame(t *testing.T) {
	var frames []string
	for range 40 {
		frames = append(frames, string(make([]byte, 3000)))
	}
	r, err := NewReader(bytes.NewReader(validStream(frames...)))
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(30, func() {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations per frame read", n)
	}
	w, err := NewWriter(io.Discard, Header{Width: 16, Height: 16})
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, 3000)
	if n := testing.AllocsPerRun(30, func() { _ = w.WriteFrame(data, 0) }); n != 0 {
		t.Errorf("%v allocations per frame written", n)
	}
}

// TestVectors walks through all files of the VP8 test set.
func TestVectors(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(testdata.Shared(t, "vectors", "vp8"), "*.ivf"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		r, err := NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		for err == nil {
			_, err = r.Next()
		}
		f.Close()
		if err != io.EOF || r.Frames() == 0 || r.Header().Codec != CodecVP8 {
			t.Errorf("%s: %d frames, then %v", path, r.Frames(), err)
		}
		if n := int(r.Header().FrameCount); n != r.Frames() {
			t.Logf("%s: header says %d frames, there are %d", filepath.Base(path), n, r.Frames())
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add(validStream("hello", "", "world"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := NewReader(bytes.NewReader(data))
		if err != nil {
			return
		}
		total := 0
		for {
			frame, err := r.Next()
			if err != nil {
				return
			}
			if total += len(frame.Data) + frameHeaderBytes; total > len(data) {
				t.Fatalf("%d bytes of frames from %d bytes", total, len(data))
			}
		}
	})
}

func ExampleReader() {
	r, err := NewReader(bytes.NewReader(validStream("first", "second")))
	if err != nil {
		fmt.Println(err)
		return
	}
	for {
		f, err := r.Next()
		if err != nil {
			break
		}
		fmt.Println(f.Timestamp, string(f.Data))
	}
	// Output:
	// 0 first
	// 1 second
}
