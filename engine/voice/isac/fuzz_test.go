package isac

import (
	"errors"
	"math"
	"testing"
	"time"
)

// chord is a signal with pitch, noise and a band above 8 kHz, to make payloads of
// at both rates.
func chord(n int) []int16 {
	x := make([]int16, n)
	seed := uint32(1)
	for i := range x {
		seed = seed*1664525 + 1013904223
		v := 600 * float64(int32(seed)>>16) / 32768
		for h := 1.0; h < 14; h++ {
			v += 2500 / h * math.Sin(2*math.Pi*h*(0.006+0.001*math.Sin(float64(i)/9000))*float64(i))
		}
		x[i] = int16(v * (0.6 + 0.4*math.Sin(float64(i)/2500)))
	}
	return x
}

func FuzzDecode(f *testing.F) {
	pcm := chord(9600)
	for _, config := range []EncoderConfig{{}, {BitrateBps: 10000, FrameDuration: 60 * time.Millisecond}, {Adaptive: true}} {
		packets := encodeAll(f, config, pcm)
		for _, p := range packets[len(packets)-3:] {
			f.Add(p, true)
		}
	}
	for _, bps := range []int{45000, 56000} {
		packets := encodeSuper(f, EncoderConfig{BitrateBps: bps}, pcm)
		for _, p := range packets[len(packets)-3:] {
			f.Add(p, false)
		}
	}
	d, s := NewDecoder(DecoderConfig{}), NewSuperWidebandDecoder()
	out := make([]int16, s.MaxSamples())
	f.Fuzz(func(t *testing.T, payload []byte, conceal bool) {
		d.Reset()
		s.Reset()
		if n, err := d.Decode(payload, out); err == nil && n != d.Samples(payload) {
			t.Errorf("%d samples, announced %d", n, d.Samples(payload))
		}
		if n, err := s.Decode(payload, out); err == nil && n != s.Samples(payload) {
			t.Errorf("%d samples, announced %d", n, s.Samples(payload))
		}
		if conceal {
			_, err1 := d.Conceal(out)
			_, err2 := s.Conceal(out)
			if err := errors.Join(err1, err2); err != nil {
				t.Error(err)
			}
		}
	})
}

// FuzzEncode codes arbitrary samples under arbitrary limits: what comes out must
// keep the limits and be decodable.
func FuzzEncode(f *testing.F) {
	f.Add([]byte{0x00, 0x80, 0xFF, 0x7F}, 10000, 100, 32000, true, false)
	f.Add([]byte{1}, 32000, 400, 53400, false, true)
	f.Add([]byte("edgecam"), 20000, 120, 40000, true, true)
	d := NewDecoder(DecoderConfig{})
	dst := make([]byte, MaxPayloadBytes)
	out := make([]int16, d.MaxSamples())
	f.Fuzz(func(t *testing.T, raw []byte, bps, maxBytes, maxRate int, long, adaptive bool) {
		config := EncoderConfig{BitrateBps: bps, MaxPayloadBytes: maxBytes, MaxRateBps: maxRate, Adaptive: adaptive}
		if long {
			config.FrameDuration = longFrame
		}
		e, err := NewEncoder(config)
		if err != nil {
			if !errors.Is(err, ErrUnsupported) {
				t.Error(err)
			}
			return
		}
		if len(raw) == 0 {
			return
		}
		limit := e.config.MaxPayloadBytes
		var pcm [blockSamples]int16
		for range 4 {
			for i := range pcm {
				pcm[i] = int16(uint16(raw[2*i%len(raw)]) | uint16(raw[(2*i+1)%len(raw)])<<8)
			}
			n, err := e.Encode(pcm[:], dst)
			if err != nil && !errors.Is(err, ErrTooLarge) {
				t.Fatal(err)
			}
			if n > limit {
				t.Errorf("%d bytes, the limit is %d", n, limit)
			}
			if n > 0 {
				if _, err := d.Decode(dst[:n], out); err != nil {
					t.Errorf("%x: %v", dst[:n], err)
				}
			}
		}
	})
}
