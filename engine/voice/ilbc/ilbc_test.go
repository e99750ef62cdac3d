package ilbc

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os/exec"
	"testing"
	"time"

	"github.com/edgecam/edgecam/internal/testdata"
)

// speech is a made-up voiced sound with pauses.
func speech(n int) []int16 {
	r := rand.New(rand.NewPCG(7, 8))
	x := make([]int16, n)
	var y1, y2 float64
	for i := range x {
		e := float64(r.IntN(41) - 20)
		if i/4000%3 != 2 && i%(60+i/2000%20) == 0 {
			e += 5000
		}
		y := e + 1.5*y1 - 0.8*y2
		y1, y2 = y, y1
		x[i] = int16(min(max(y, -32768), 32767))
	}
	return x
}

func newPair(t testing.TB, mode Mode) (*Encoder, *Decoder) {
	t.Helper()
	e, err := NewEncoder(mode)
	if err != nil {
		t.Fatal(err)
	}
	d, err := NewDecoder(DecoderConfig{Mode: mode})
	if err != nil {
		t.Fatal(err)
	}
	return e, d
}

// The layouts fill the frames, and the classes have the sizes that section 3.8
// gives for unequal protection.
func TestLayoutSizes(t *testing.T) {
	for mode, want := range map[Mode][3]int{Mode20: {48, 64, 192}, Mode30: {64, 96, 240}} {
		var got [3]int
		for _, f := range geometries[mode].layout {
			for c, n := range f.classes {
				got[c] += int(n) * int(f.count)
			}
		}
		if got != want {
			t.Errorf("%d ms: classes of %v bits, want %v", mode, got, want)
		}
		if sum := got[0] + got[1] + got[2]; sum != 8*mode.Bytes() {
			t.Errorf("%d ms: %d bits, a frame has %d", mode, sum, 8*mode.Bytes())
		}
	}
}

func TestMode(t *testing.T) {
	for mode, want := range map[Mode][2]int{Mode20: {160, 38}, Mode30: {240, 50}, 10: {0, 0}, 0: {0, 0}} {
		if mode.Samples() != want[0] || mode.Bytes() != want[1] {
			t.Errorf("mode %d: %d samples, %d bytes", mode, mode.Samples(), mode.Bytes())
		}
		_, err := NewEncoder(mode)
		_, derr := NewDecoder(DecoderConfig{Mode: mode})
		if want[0] == 0 && (!errors.Is(err, ErrMode) || !errors.Is(derr, ErrMode)) {
			t.Errorf("mode %d: %v, %v, want ErrMode", mode, err, derr)
		}
	}
	if Mode30.Duration() != 30*time.Millisecond {
		t.Errorf("Duration = %v", Mode30.Duration())
	}
}

// Packets of several frames decode like as many packets of one.
func TestSeveralFrames(t *testing.T) {
	for _, mode := range []Mode{Mode20, Mode30} {
		frames := encodeAll(t, mode, speech(12*mode.Samples()))
		want := decodeAll(t, DecoderConfig{Mode: mode}, frames, "000100000000")
		_, d := newPair(t, mode)
		pcm := make([]int16, d.MaxSamples())
		var got []int16
		size := mode.Bytes()
		// The frame lost follows a packet of one, so that one is concealed.
		for _, cut := range [][2]int{{0, 2}, {2, 3}, {3, 3}, {4, 7}, {7, 8}, {8, 12}} {
			var n int
			var err error
			if cut[0] == cut[1] {
				n, err = d.Conceal(pcm)
			} else {
				n, err = d.Decode(frames[cut[0]*size:cut[1]*size], pcm)
			}
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, pcm[:n]...)
		}
		if n, first, _ := differing(got, want); n > 0 || len(got) != len(want) {
			t.Errorf("%d ms: %d samples differ, the first is %d", mode, n, first)
		}
	}
}

// Conceal lasts as long as the packet before.
func TestConcealLength(t *testing.T) {
	e, d := newPair(t, Mode20)
	frame := make([]byte, 38)
	pcm := make([]int16, d.MaxSamples())
	if _, err := e.Encode(speech(160), frame); err != nil {
		t.Fatal(err)
	}
	if n, err := d.Conceal(pcm); n != 160 || err != nil {
		t.Errorf("before any packet: %d, %v", n, err)
	}
	if _, err := d.Decode(bytes.Repeat(frame, 3), pcm); err != nil {
		t.Fatal(err)
	}
	if n, err := d.Conceal(pcm); n != 480 || err != nil {
		t.Errorf("after three frames: %d, %v", n, err)
	}
	if _, err := d.Conceal(pcm[:479]); !errors.Is(err, ErrSize) {
		t.Errorf("short buffer: %v, want ErrSize", err)
	}
}

// Frames that no sender makes are concealed: the output is that of a loss.
func TestDamagedFrames(t *testing.T) {
	for _, mode := range []Mode{Mode20, Mode30} {
		g := geometries[mode]
		frames := encodeAll(t, mode, speech(10*g.samples))
		want := decodeAll(t, DecoderConfig{Mode: mode}, frames, "0000010000")
		damage := map[string]func(p *params){
			"empty":               func(p *params) { p[atEmpty] = 1 },
			"start state nowhere": func(p *params) { p[atStart] = 0 },
		}
		if mode == Mode20 {
			damage["vector outside the codebook"] = func(p *params) { p.code(0)[1] = 127 }
		} else {
			damage["start state behind the end"] = func(p *params) { p[atStart] = 6 }
		}
		for name, change := range damage {
			bad := bytes.Clone(frames)
			var p params
			frame := bad[5*g.bytes : 6*g.bytes]
			p.unpack(g, frame)
			change(&p)
			p.pack(g, frame)
			_, d := newPair(t, mode)
			pcm := make([]int16, d.MaxSamples())
			var got []int16
			for i := range 10 {
				n, err := d.Decode(bad[i*g.bytes:(i+1)*g.bytes], pcm)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, pcm[:n]...)
			}
			if n, first, _ := differing(got, want); n > 0 {
				t.Errorf("%d ms, %s: %d samples differ from a loss, the first is %d", mode, name, n, first)
			}
			if s := d.Stats(); s != (Stats{Frames: 10, Concealed: 1, Damaged: 1}) {
				t.Errorf("%d ms, %s: %+v", mode, name, s)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	e, d := newPair(t, Mode20)
	pcm := make([]int16, d.MaxSamples())
	for _, n := range []int{0, 1, 37, 39, 50, 7 * 38} {
		p := make([]byte, n)
		if m, err := d.Decode(p, pcm); !errors.Is(err, ErrPacket) || m != 0 || d.Samples(p) != 0 {
			t.Errorf("%d bytes: %d, %v, want ErrPacket", n, m, err)
		}
	}
	if d.Stats() != (Stats{}) {
		t.Errorf("packets of the wrong length were counted: %+v", d.Stats())
	}
	if _, err := d.Decode(make([]byte, 38), pcm[:159]); !errors.Is(err, ErrSize) {
		t.Errorf("short buffer: %v, want ErrSize", err)
	}
	if _, err := e.Encode(pcm[:240], make([]byte, 50)); !errors.Is(err, ErrSize) {
		t.Errorf("wrong frame: %v, want ErrSize", err)
	}
	if _, err := e.Encode(pcm[:160], make([]byte, 37)); !errors.Is(err, ErrSize) {
		t.Errorf("short buffer: %v, want ErrSize", err)
	}
}

// Reset makes a used decoder like a new one.
func TestReset(t *testing.T) {
	frames := encodeAll(t, Mode30, speech(20*240))
	want := decodeAll(t, DecoderConfig{Mode: Mode30}, frames, "")
	_, d := newPair(t, Mode30)
	pcm := make([]int16, d.MaxSamples())
	for range 2 {
		var got []int16
		for i := range 20 {
			n, err := d.Decode(frames[50*i:50*(i+1)], pcm)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, pcm[:n]...)
		}
		if n, first, _ := differing(got, want); n > 0 {
			t.Fatalf("%d samples differ, the first is %d", n, first)
		}
		_, _ = d.Conceal(pcm)
		d.Reset()
	}
}

func TestNoAllocations(t *testing.T) {
	for _, mode := range []Mode{Mode20, Mode30} {
		e, d := newPair(t, mode)
		x, packet, pcm := speech(mode.Samples()), make([]byte, 50), make([]int16, d.MaxSamples())
		if n := testing.AllocsPerRun(20, func() {
			m, _ := e.Encode(x, packet)
			_, _ = d.Decode(packet[:m], pcm)
			_, _ = d.Conceal(pcm)
		}); n != 0 {
			t.Errorf("%d ms: %v allocations per frame, want none", mode, n)
		}
	}
}

// Without the enhancer the decoder agrees with ffmpeg's, which has none. ffmpeg's
// wraps in places where ours saturates, so the material is made quiet.
func TestAgainstFFmpeg(t *testing.T) {
	path, err := exec.LookPath("ffmpeg")
	if err != nil {
		testdata.Missing(t, "ffmpeg is not installed")
	}
	quiet := samplesOf(read(t, "F03.INP"))
	for i := range quiet {
		quiet[i] /= 4
	}
	for mode, magic := range map[Mode]string{Mode20: "#!iLBC20\n", Mode30: "#!iLBC30\n"} {
		frames := encodeAll(t, mode, quiet)
		cmd := exec.CommandContext(t.Context(), path, "-v", "error", "-f", "ilbc", "-i", "-", "-f", "s16le", "-")
		cmd.Stdin = bytes.NewReader(append([]byte(magic), frames...))
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("ffmpeg: %v", err)
		}
		want := samplesOf(out)
		got := decodeAll(t, DecoderConfig{Mode: mode, NoEnhancer: true}, frames, "")
		if len(got) != len(want) {
			t.Fatalf("%d ms: %d samples, ffmpeg has %d", mode, len(got), len(want))
		}
		n, first, largest := differing(got, want)
		t.Logf("%d ms: %d of %d samples differ from ffmpeg's", mode, n, len(want))
		if n > len(want)/100 {
			t.Errorf("%d ms: %d of %d samples differ from ffmpeg's by up to %d, the first is %d", mode, n, len(want), largest, first)
		}
	}
}
