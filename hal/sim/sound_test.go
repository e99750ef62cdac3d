package sim

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/hal"
)

// record reads n blocks of the microphone alone.
func record(t *testing.T, opts SoundOptions, n int) []float64 {
	t.Helper()
	var out []float64
	synctest.Test(t, func(t *testing.T) {
		d := NewSoundDriver(opts)
		m, err := d.OpenMicrophone(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = m.Close() }()
		var b media.Block
		for range n {
			if err := m.Read(t.Context(), &b); err != nil {
				t.Fatal(err)
			}
			for _, v := range b.Samples {
				out = append(out, float64(v)/32768)
			}
		}
	})
	return out
}

func rmsDB(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v * v
	}
	return 10 * math.Log10(sum/float64(len(x)))
}

func TestVoiceIsSpeechLike(t *testing.T) {
	for seed := range uint64(3) {
		x := record(t, SoundOptions{Seed: seed}, 1500)
		var levels []float64
		for i := 0; i+480 <= len(x); i += 480 {
			levels = append(levels, rmsDB(x[i:i+480]))
		}
		sum, active, peak := 0.0, 0, 0.0
		for _, l := range levels {
			if l > -45 {
				sum += math.Pow(10, l/10)
				active++
			}
		}
		for _, v := range x {
			peak = max(peak, math.Abs(v))
		}
		level, share := 10*math.Log10(sum/float64(active)), float64(active)/float64(len(levels))
		if math.Abs(level+26) > 2.5 {
			t.Errorf("seed %d: active level %.1f dBFS, want -26", seed, level)
		}
		if share < 0.4 || share > 0.9 {
			t.Errorf("seed %d: the voice speaks %.0f %% of the time", seed, 100*share)
		}
		if peak > 0.7 {
			t.Errorf("seed %d: peak %.2f", seed, peak)
		}
		// Speech is modulated at the rate of syllables: 2 to 8 Hz.
		band := 0.0
		total := 0.0
		for hz := 1.0; hz <= 40; hz += 0.5 {
			p := envelopePower(levels, hz)
			total += p
			if hz >= 1.5 && hz <= 8 {
				band += p
			}
		}
		if band/total < 0.4 {
			t.Errorf("seed %d: %.0f %% of the modulation lies at 1.5 to 8 Hz", seed, 100*band/total)
		}
		t.Logf("seed %d: active level %.1f dBFS, active %.0f %%, peak %.2f, modulation in 1.5-8 Hz %.0f %%", seed, level, 100*share, peak, 100*band/total)
	}
}

func envelopePower(levels []float64, hz float64) float64 {
	var re, im float64
	for i, l := range levels {
		a := 2 * math.Pi * hz * float64(i) / 100
		re += math.Max(l, -66) * math.Cos(a)
		im += math.Max(l, -66) * math.Sin(a)
	}
	return re*re + im*im
}

func TestNoiseLevel(t *testing.T) {
	x := record(t, SoundOptions{MuteVoice: true, NoiseLevelDBFS: -50}, 200)
	if l := rmsDB(x); math.Abs(l+50) > 1 {
		t.Errorf("noise has %.2f dBFS, want -50", l)
	}
}

// TestEcho plays a click and finds it in the microphone at the set delay and
// gain, and a decay after it.
func TestEcho(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := NewSoundDriver(SoundOptions{MuteVoice: true, NoiseLevelDBFS: -110, EchoDelay: 25 * time.Millisecond, EchoGainDB: -6})
		m, err := d.OpenMicrophone(t.Context(), CardID)
		if err != nil {
			t.Fatal(err)
		}
		s, err := d.OpenSpeaker(t.Context(), CardID)
		if err != nil {
			t.Fatal(err)
		}
		var out, in media.Block
		var heard []int16
		played := time.Now().Add(s.Delay())
		out.Samples[0] = 20000
		for i := range 40 {
			if err := s.Write(t.Context(), &out); err != nil {
				t.Fatal(err)
			}
			out = media.Block{}
			if err := m.Read(t.Context(), &in); err != nil {
				t.Fatal(err)
			}
			if i == 0 && in.CapturedAt.Sub(played).Abs() > time.Millisecond {
				t.Fatalf("block captured at %v, played at %v", in.CapturedAt, played)
			}
			heard = append(heard, in.Samples[:]...)
		}
		best := 0
		for i, v := range heard {
			if v > heard[best] {
				best = i
			}
		}
		if abs(best-1200) > 48 {
			t.Errorf("the click came after %d samples, want 1200", best)
		}
		if g := 20 * math.Log10(float64(heard[best])/20000); math.Abs(g+6) > 0.5 {
			t.Errorf("the click came with %.1f dB, want -6", g)
		}
		energy := func(a, b int) (e float64) {
			for _, v := range heard[a:b] {
				e += float64(v) * float64(v)
			}
			return e
		}
		if early, late := energy(best+100, best+2400), energy(best+2400+7200, best+4800+7200); early <= 0 || late > early/100 {
			t.Errorf("energy after the click %.0f, 150 ms later %.0f", early, late)
		}
		_, _ = m.Close(), s.Close()
	})
}

// TestSpeakerFaults plays a click every second with a speaker that runs fast and
// distorts: the clicks come closer together, and are bent.
func TestSpeakerFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := NewSoundDriver(SoundOptions{MuteVoice: true, NoiseLevelDBFS: -110, EchoGainDB: -6, ClipDBFS: -6, SpeakerDriftPPM: 300, DecayTime: time.Millisecond})
		m, err := d.OpenMicrophone(t.Context(), CardID)
		if err != nil {
			t.Fatal(err)
		}
		s, err := d.OpenSpeaker(t.Context(), CardID)
		if err != nil {
			t.Fatal(err)
		}
		var in media.Block
		var clicks []int
		var peak int16
		for range 3 { // ahead of the speaker's clock
			if err := s.Write(t.Context(), &in); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 1050 {
			var out media.Block
			if i%100 == 0 {
				out.Samples[0], out.Samples[1], out.Samples[2] = 20000, 20000, 20000
			}
			if err := s.Write(t.Context(), &out); err != nil {
				t.Fatal(err)
			}
			if err := m.Read(t.Context(), &in); err != nil {
				t.Fatal(err)
			}
			for k, v := range in.Samples {
				at := i*media.BlockSamples + k
				if v > 2000 && (len(clicks) == 0 || at-clicks[len(clicks)-1] > 1000) {
					clicks = append(clicks, at)
				}
				peak = max(peak, v)
			}
		}
		if len(clicks) < 10 {
			t.Fatalf("%d clicks heard", len(clicks))
		}
		if got, want := clicks[9]-clicks[0], 9*48000-9*48000*300/1000000; abs(got-want) > 3 {
			t.Errorf("nine seconds of the speaker last %d samples of the microphone, want %d", got, want)
		}
		// 20000 bends to 20000/(1+20000/16423) = 9018, at half the amplitude.
		if peak < 4200 || peak > 4900 {
			t.Errorf("the clicks peak at %d, want about 4520", peak)
		}
		_, _ = m.Close(), s.Close()
	})
}

func TestPlayedToneAndPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := NewSoundDriver(SoundOptions{DriftPPM: 200})
		s, err := d.OpenSpeaker(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		var b media.Block
		start := time.Now()
		const n = 2000
		for k := range n {
			for i := range b.Samples {
				b.Samples[i] = int16(3276.8 * math.Sin(2*math.Pi*1000*float64(k*480+i)/48000))
			}
			if err := s.Write(t.Context(), &b); err != nil {
				t.Fatal(err)
			}
		}
		if d := s.Delay(); d < 30*time.Millisecond || d > 40*time.Millisecond {
			t.Errorf("delay %v, want the buffer's 40 ms at most", d)
		}
		played := float64(n * 10 * time.Millisecond)
		want := time.Duration(played/(1+200e-6)) - 40*time.Millisecond
		if took := time.Since(start); (took - want).Abs() > 2*time.Millisecond {
			t.Errorf("%d blocks took %v, want %v", n, took, want)
		}
		if l := d.PlayedTone(1000, time.Second); math.Abs(l+23) > 0.3 {
			t.Errorf("tone of 1 kHz has %.1f dBFS, want -23", l)
		}
		if l := d.PlayedTone(1700, time.Second); l > -60 {
			t.Errorf("tone of 1.7 kHz has %.1f dBFS, want none", l)
		}
		if l := d.PlayedLevel(time.Second); math.Abs(l+23) > 0.3 {
			t.Errorf("level %.1f dBFS, want -23", l)
		}
		got := make([]int16, 4800)
		if k := d.Played(got); k != len(got) {
			t.Errorf("%d samples recorded", k)
		}
		if d.Underruns() != 0 {
			t.Errorf("%d underruns", d.Underruns())
		}
		time.Sleep(11 * time.Second)
		if l := d.PlayedLevel(10 * time.Second); !math.IsInf(l, -1) {
			t.Errorf("after 11 s of silence the level is %.1f", l)
		}
		before := s.(hal.SilenceCounter).Silence()
		if err := s.Write(t.Context(), &b); err != nil || before != 0 || d.Underruns() != 1 || s.(hal.SilenceCounter).Silence() == 0 {
			t.Errorf("write after a pause: %v, %d underruns, want 1, %d samples of silence", err, d.Underruns(), s.(hal.SilenceCounter).Silence())
		}
	})
}

func TestSoundFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		d := NewSoundDriver(SoundOptions{})
		m, err := d.OpenMicrophone(ctx, "")
		if err != nil {
			t.Fatal(err)
		}
		_, err = d.OpenMicrophone(ctx, "")
		wantKind(t, "second open", err, hal.Busy)
		var b media.Block
		time.Sleep(time.Second)
		wantKind(t, "late read", m.Read(ctx, &b), hal.Overrun)
		if b == (media.Block{}) || d.Overruns() != 1 {
			t.Errorf("an overrun leaves the block empty, or is not counted (%d)", d.Overruns())
		}
		if err := m.Read(ctx, &b); err != nil {
			t.Errorf("read after an overrun: %v", err)
		}
		time.AfterFunc(time.Millisecond, d.Unplug)
		wantKind(t, "read while unplugged", m.Read(ctx, &b), hal.Gone)
		_ = m.Close()
		_, err = d.OpenSpeaker(ctx, "")
		wantKind(t, "open while unplugged", err, hal.Gone)
		d.Replug()
		s, err := d.OpenSpeaker(ctx, "")
		if err != nil {
			t.Fatal(err)
		}
		short, cancel := context.WithTimeout(ctx, time.Millisecond)
		defer cancel()
		for err = nil; err == nil; {
			err = s.Write(short, &b)
		}
		wantKind(t, "write beyond the deadline", err, hal.Timeout)
		_ = s.Close()
	})
}

func TestNoAllocationPerBlock(t *testing.T) {
	d := NewSoundDriver(SoundOptions{})
	ctx := context.Background()
	m, err := d.OpenMicrophone(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.OpenSpeaker(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	var b media.Block
	if n := testing.AllocsPerRun(20, func() {
		_ = m.Read(ctx, &b)
		_ = s.Write(ctx, &b)
	}); n != 0 {
		t.Errorf("%v allocations per block", n)
	}
	_, _ = m.Close(), s.Close()
}

func BenchmarkBlock(b *testing.B) {
	d := NewSoundDriver(SoundOptions{})
	m := newMicrophone(d)
	for p := range int64(2000) {
		d.played.write(p*480, make([]int16, 480))
	}
	for b.Loop() {
		clear(m.mixed[:])
		m.voice.add(m.mixed[:])
		m.noise.add(m.mixed[:])
		d.room.add(m.mixed[:], &d.played, 1000*480, 1)
	}
}
