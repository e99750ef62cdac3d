package isac

import (
	"testing"
	"time"
)

// endpoint is one side of a call over simulated paths. Times are in samples at
// 16 kHz.
type endpoint struct {
	encoder interface {
		Encode(pcm []int16, dst []byte) (int, error)
		Received(payload []byte, seq uint16, send, arrival uint32) error
		Stats() EncoderStats
	}
	clock    int // RTP clock in kHz
	linkFree float64
	seq      uint16
	dst      [MaxPayloadBytes]byte
}

// say codes a block at time now and hands what is sent to the other side, over a
// path of bps with an endless queue. Losing a packet in 50 is part of it.
func (s *endpoint) say(tb testing.TB, to *endpoint, pcm []int16, now, bps float64) {
	tb.Helper()
	n, err := s.encoder.Encode(pcm, s.dst[:])
	if err != nil {
		tb.Fatal(err)
	}
	if n == 0 {
		return
	}
	s.seq++
	s.linkFree = max(s.linkFree, now) + float64(8*(n+headerBytes))/bps*16000
	if s.seq%50 == 0 {
		return
	}
	scale := float64(s.clock) / 16
	if err := to.encoder.Received(s.dst[:n], s.seq, uint32(now*scale), uint32((s.linkFree+320)*scale)); err != nil {
		tb.Fatal(err)
	}
}

// TestAdaptiveCall lets two adaptive encoders talk over a path whose bottleneck
// changes: the sender must keep to it and use it, with the frame length that
// belongs to the rate.
func TestAdaptiveCall(t *testing.T) {
	in := readPCM(t, "audio", "voice16.pcm")
	var sides [2]endpoint
	for i := range sides {
		e, err := NewEncoder(EncoderConfig{Adaptive: true})
		if err != nil {
			t.Fatal(err)
		}
		sides[i] = endpoint{encoder: e, clock: 16}
	}
	a, b := &sides[0], &sides[1]
	block, at := 0, 0
	for _, c := range []struct {
		name        string
		bottleneck  float64 // bit/s, headers included
		least, most int     // bit/s of the reported rate
		frame       time.Duration
	}{
		{"narrow", 18000, 10000, 14500, longFrame},
		{"wide", 80000, 27000, 32000, shortFrame},
		{"narrow again", 20000, 10000, 17000, longFrame},
	} {
		for range 1000 { // 30 s
			now := float64(block * blockSamples)
			block++
			if at += blockSamples; at+blockSamples > len(in) {
				at = 0
			}
			pcm := in[at : at+blockSamples]
			a.say(t, b, pcm, now, c.bottleneck)
			b.say(t, a, pcm, now, 100000)
		}
		s := a.encoder.Stats()
		queue := (a.linkFree - float64(block*blockSamples)) / 16
		t.Logf("%s: %.0f bit/s with headers; measured %d, reported %d, target %d, sent %d bit/s (%d of %d bytes padding); frame %v, jitter %v, delay %d ms, queue %.0f ms",
			c.name, c.bottleneck, b.encoder.Stats().Estimate.ReceiveBps, s.Estimate.SendBps, s.TargetBps, s.RateBps, s.PaddingBytes, s.Bytes,
			s.FrameDuration, b.encoder.Stats().Estimate.ReceiveJitter, s.Estimate.SendDelayMs, queue)
		if r := s.Estimate.SendBps; r < c.least || r > c.most {
			t.Errorf("%s: the other side reports %d bit/s, want %d to %d", c.name, r, c.least, c.most)
		}
		// Reports come between packets.
		if d := s.TargetBps - s.Estimate.SendBps; d < -500 || d > 500 {
			t.Errorf("%s: target of %d bit/s where %d are reported", c.name, s.TargetBps, s.Estimate.SendBps)
		}
		if s.FrameDuration != c.frame {
			t.Errorf("%s: frames of %v, want %v", c.name, s.FrameDuration, c.frame)
		}
		headers := float64(8*headerBytes) / c.frame.Seconds()
		if sent := float64(s.RateBps) + headers; sent > 1.1*c.bottleneck {
			t.Errorf("%s: %.0f bit/s are sent", c.name, sent)
		}
		// The estimator leaves no reserve: a queue that has built up drains in
		// pauses only.
		if queue > 3000 {
			t.Errorf("%s: %.0f ms wait at the bottleneck", c.name, queue)
		}
	}
}

// TestStats codes, loses and damages payloads and looks at what was counted.
func TestStats(t *testing.T) {
	in := readPCM(t, "audio", "es32.pcm")
	e, err := NewSuperWidebandEncoder(EncoderConfig{BitrateBps: 45000})
	if err != nil {
		t.Fatal(err)
	}
	d, low := NewSuperWidebandDecoder(), NewDecoder(DecoderConfig{})
	dst, pcm := make([]byte, MaxPayloadBytes), make([]int16, d.MaxSamples())
	total := 0
	for i := range 60 {
		n, err := e.Encode(in[960*i:960*(i+1)], dst)
		if err != nil {
			t.Fatal(err)
		}
		total += n
		if _, err := d.Decode(dst[:n], pcm); err != nil {
			t.Fatal(err)
		}
		if _, err := low.Decode(dst[:n], pcm); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		if _, err := d.Conceal(pcm); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.Decode(dst[:5], pcm); err == nil {
		t.Error("5 bytes were decoded")
	}
	if err := e.Received(dst[:5], 1, 0, 0); err == nil {
		t.Error("5 bytes were taken for a payload")
	}
	es, ds, ls := e.Stats(), d.Stats(), low.Stats()
	if es.Payloads != 60 || es.Bytes != uint64(total) || es.PaddingBytes != 0 || es.BandwidthHz != 12000 || es.TargetBps != 45000 || es.Malformed != 1 || es.FrameDuration != shortFrame {
		t.Errorf("encoder: %+v", es)
	}
	if mean := total * 8000 / 1800; es.RateBps < mean*2/3 || es.RateBps > mean*3/2 || ds.RateBps != es.RateBps {
		t.Errorf("rates of %d and %d bit/s, %d on average", es.RateBps, ds.RateBps, mean)
	}
	if ds.Payloads != 60 || ds.Bytes != uint64(total) || ds.Refused != 1 || ds.Concealed != 3 || ds.UpperLayers != 60 || ds.BandwidthHz != 12000 {
		t.Errorf("decoder: %+v", ds)
	}
	if ls.Payloads != 60 || ls.BandwidthHz != 8000 || ls.UpperLayers != 0 || ls.FrameDuration != shortFrame {
		t.Errorf("wideband decoder: %+v", ls)
	}
	small, err := NewEncoder(EncoderConfig{MaxPayloadBytes: 100, FrameDuration: longFrame})
	if err != nil {
		t.Fatal(err)
	}
	encodeWith(t, small, in[:9600])
	if s := small.Stats(); s.Recoded == 0 || s.TooLarge != 0 || s.FrameDuration != longFrame || s.BandwidthHz != 8000 {
		t.Errorf("bounded encoder: %+v", s)
	}
}
