package isac

import (
	"encoding/hex"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/edgecam/edgecam/internal/stoi"
)

// encodeAll encodes pcm and returns the packets.
func encodeAll(tb testing.TB, config EncoderConfig, pcm []int16) [][]byte {
	tb.Helper()
	e, err := NewEncoder(config)
	if err != nil {
		tb.Fatal(err)
	}
	return encodeWith(tb, e, pcm)
}

func encodeWith(tb testing.TB, e *Encoder, pcm []int16) [][]byte {
	tb.Helper()
	var packets [][]byte
	dst := make([]byte, MaxPayloadBytes)
	for i := 0; i+blockSamples <= len(pcm); i += blockSamples {
		n, err := e.Encode(pcm[i:i+blockSamples], dst)
		if err != nil {
			tb.Fatalf("block %d: %v", i/blockSamples, err)
		}
		if n > 0 {
			packets = append(packets, append([]byte(nil), dst[:n]...))
		}
	}
	return packets
}

func totalBytes(packets [][]byte) (n int) {
	for _, p := range packets {
		n += len(p)
	}
	return n
}

// floatDecode decodes with the floating-point synthesis.
func floatDecode(tb testing.TB, packets [][]byte) []int16 {
	tb.Helper()
	var d rangeDecoder
	p, s := new(packet), new(synthesis)
	s.reset()
	var out []int16
	pcm := make([]int16, blockSamples)
	for i, raw := range packets {
		if err := p.read(&d, raw); err != nil {
			tb.Fatalf("packet %d: %v", i, err)
		}
		for j := range p.blocks {
			s.synthesize(&p.block[j], pcm)
			out = append(out, pcm...)
		}
	}
	return out
}

// waveformSNR returns the ratio in dB of in to its difference from out, which
// lags by delay samples.
func waveformSNR(in, out []int16, delay int) float64 {
	var signal, noise float64
	for i := delay; i < min(len(out), len(in)+delay); i++ {
		x := float64(in[i-delay])
		d := x - float64(out[i])
		signal += x * x
		noise += d * d
	}
	return 10 * math.Log10(signal/noise)
}

// bestSNR tries the delays around 48 samples.
func bestSNR(in, out []int16) (snr float64, delay int) {
	snr = math.Inf(-1)
	for d := 40; d <= 60; d++ {
		if s := waveformSNR(in, out, d); s > snr {
			snr, delay = s, d
		}
	}
	return snr, delay
}

// quality returns waveform SNR in dB and STOI of packets decoded in floating
// point.
func quality(tb testing.TB, in []int16, clean []float64, packets [][]byte) (snr, intelligibility float64) {
	tb.Helper()
	const delay = 48
	out := floatDecode(tb, packets)
	return waveformSNR(in, out, delay), stoi.Measure(clean, stoi.Resample(out[delay:], WidebandRateHz))
}

// TestEncoderQuality compares waveform SNR and STOI with those of the deployed
// floating-point encoder's streams at equal size.
func TestEncoderQuality(t *testing.T) {
	for _, stream := range []string{
		"es16_32000_30", "alsa16_32000_30", "voice16_32000_30", "es16_32000_60", "alsa16_32000_60",
		"es16_20000_30", "alsa16_20000_30", "es16_20000_60", "alsa16_20000_60",
		"es16_10000_30", "alsa16_10000_30", "es16_10000_60", "alsa16_10000_60",
	} {
		audio, _, _ := strings.Cut(stream, "_")
		in := readPCM(t, "audio", audio+".pcm")
		clean := stoi.Resample(in, WidebandRateHz)
		ref := readPackets(t, "wb", "main_"+stream+".isac")
		wantSNR, wantSTOI := quality(t, in, clean, ref)
		refBytes := totalBytes(ref)
		at := func(bps int) [][]byte {
			// Targets a little outside the range make the sizes comparable.
			e, err := NewEncoder(EncoderConfig{FrameDuration: shortFrame})
			if err != nil {
				t.Fatal(err)
			}
			e.config.BitrateBps = bps
			if strings.HasSuffix(stream, "60") {
				e.config.FrameDuration, e.next = longFrame, 2
			}
			return encodeWith(t, e, in)
		}
		low, high := 8000, 36000
		for high-low > 600 {
			mid := (low + high) / 2
			if totalBytes(at(mid)) > refBytes {
				high = mid
			} else {
				low = mid
			}
		}
		// Between the two targets quality is taken as linear in size.
		below, above := at(low), at(high)
		part := float64(refBytes-totalBytes(below)) / float64(totalBytes(above)-totalBytes(below))
		snr0, stoi0 := quality(t, in, clean, below)
		snr1, stoi1 := quality(t, in, clean, above)
		snr, intelligibility := snr0+(snr1-snr0)*part, stoi0+(stoi1-stoi0)*part
		t.Logf("%s: %d bytes, target %d bit/s; SNR %.2f dB, reference %.2f (%+.2f); STOI %.4f, reference %.4f (%+.4f)",
			stream, refBytes, low+int(part*float64(high-low)), snr, wantSNR, snr-wantSNR, intelligibility, wantSTOI, intelligibility-wantSTOI)
		if snr < wantSNR-0.5 {
			t.Errorf("%s: SNR %.2f dB, the reference has %.2f", stream, snr, wantSNR)
		}
		if intelligibility < wantSTOI {
			t.Errorf("%s: STOI %.4f, the reference has %.4f", stream, intelligibility, wantSTOI)
		}
	}
}

func TestEncoderFrames(t *testing.T) {
	in := readPCM(t, "audio", "alsa16.pcm")
	for _, c := range []EncoderConfig{
		{FrameDuration: 60 * time.Millisecond, BitrateBps: 20000},
		{BitrateBps: 10000},
		{PiecewiseMap: true},
		{Adaptive: true},
		{MaxPayloadBytes: 100},
	} {
		packets := encodeAll(t, c, in)
		d := NewDecoder(DecoderConfig{ExactMap: !c.PiecewiseMap})
		out := decodeStream(t, d, packets)
		blocks := len(in) / blockSamples
		if len(out)/blockSamples < blocks-1 {
			t.Errorf("%+v: %d blocks from %d", c, len(out)/blockSamples, blocks)
		}
		snr, delay := bestSNR(in, out)
		t.Logf("%+v: %d packets, %d bytes, %.1f dB at %d by the integer decoder", c, len(packets), totalBytes(packets), snr, delay)
		limit := 400
		if c.MaxPayloadBytes != 0 {
			limit = c.MaxPayloadBytes
		}
		for i, p := range packets {
			if len(p) > limit {
				t.Errorf("packet %d has %d bytes", i, len(p))
			}
		}
	}
}

// TestAdaptive runs the encoder through a recorded call: it must follow the
// other side's reports as the recorded encoder did.
func TestAdaptive(t *testing.T) {
	var in []int16
	for _, name := range []string{"es16", "alsa16", "voice16"} {
		in = append(in, readPCM(t, "audio", name+".pcm")...)
	}
	for _, c := range []struct {
		name  string
		frame time.Duration
	}{{"bwe_fix", shortFrame}, {"bwe_stress_fix", longFrame}} {
		events := readEvents(t, c.name)
		refs := readPackets(t, "bwe", c.name+".isac")
		e, err := NewEncoder(EncoderConfig{Adaptive: true, FrameDuration: c.frame, BitrateBps: 20000})
		if err != nil {
			t.Fatal(err)
		}
		dst := make([]byte, MaxPayloadBytes)
		var d rangeDecoder
		at, n, slots, pos := 0, 0, 0, 0
		for slot := 0; at < len(events); slot++ {
			for at < len(events) && events[at].Slot == slot && events[at].Op == "update" {
				ev := &events[at]
				at++
				head, err := hex.DecodeString(ev.Head)
				if err != nil {
					t.Fatal(err)
				}
				payload := make([]byte, ev.Size)
				copy(payload, head)
				if err := e.Received(payload, ev.Seq, ev.Send, ev.Arrival); err != nil {
					t.Fatal(err)
				}
			}
			if slots++; slots%3 != 0 {
				continue
			}
			if pos+blockSamples > len(in) {
				pos = 0
			}
			size, err := e.Encode(in[pos:pos+blockSamples], dst)
			pos += blockSamples
			if err != nil {
				t.Fatal(err)
			}
			if size == 0 {
				continue
			}
			if at >= len(events) || events[at].Slot != slot {
				t.Fatalf("%s: a packet in slot %d where the recorded encoder had none", c.name, slot)
			}
			d.reset(dst[:size])
			_, index, err := readHeader(&d)
			if err != nil {
				t.Fatal(err)
			}
			d.reset(refs[n])
			_, want, _ := readHeader(&d)
			if index != want || e.blocks*blockSamples != events[at].Samples || e.next*blockSamples != events[at].Next {
				t.Fatalf("%s packet %d: index %d want %d, %d blocks, next %d; want %+v", c.name, n, index, want, e.blocks, e.next, events[at])
			}
			at++
			n++
		}
		t.Logf("%s: %d packets with the recorded index and frame length", c.name, n)
		if n != len(refs) {
			t.Errorf("%s: %d packets, recorded %d", c.name, n, len(refs))
		}
	}
}
