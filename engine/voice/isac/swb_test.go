package isac

import (
	"bytes"
	"slices"
	"testing"
)

func TestSuperWidebandVectors(t *testing.T) {
	for _, name := range streams(t, "swb") {
		want := readPCM(t, "swb", name+".main.pcm")
		d := NewSuperWidebandDecoder()
		pcm := make([]int16, d.MaxSamples())
		var got []int16
		for i, raw := range readPackets(t, "swb", name+".isac") {
			n, err := d.Decode(raw, pcm)
			if err != nil {
				t.Fatalf("%s packet %d: %v", name, i, err)
			}
			got = append(got, pcm[:n]...)
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d samples, want %d", name, len(got), len(want))
			continue
		}
		diff, snr := worst(got, want)
		t.Logf("%s: largest difference %d, SNR %.1f dB", name, diff, snr)
		if diff > 2 {
			t.Errorf("%s: off by %d", name, diff)
			for b := 0; b+960 <= len(got); b += 960 {
				if dd, _ := worst(got[b:b+960], want[b:b+960]); dd > 2 {
					t.Logf("first off in block %d by %d", b/960, dd)
					break
				}
			}
		}
	}
}

// TestCRC uses the check value of the BZIP2 CRC.
func TestCRC(t *testing.T) {
	if got := layerCRC([]byte("123456789")); got != 0xFC891918 {
		t.Errorf("checksum %08x", got)
	}
}

// encodeSuper encodes pcm at 32 kHz and returns the packets.
func encodeSuper(tb testing.TB, config EncoderConfig, pcm []int16) [][]byte {
	tb.Helper()
	e, err := NewSuperWidebandEncoder(config)
	if err != nil {
		tb.Fatal(err)
	}
	var packets [][]byte
	dst := make([]byte, MaxPayloadBytes)
	for i := 0; i+2*blockSamples <= len(pcm); i += 2 * blockSamples {
		n, err := e.Encode(pcm[i:i+2*blockSamples], dst)
		if err != nil {
			tb.Fatal(err)
		}
		packets = append(packets, append([]byte(nil), dst[:n]...))
	}
	return packets
}

func decodeSuper(tb testing.TB, packets [][]byte) (upper []int16, layers int) {
	tb.Helper()
	d := NewSuperWidebandDecoder()
	pcm := make([]int16, d.MaxSamples())
	for i, raw := range packets {
		n, err := d.Decode(raw, pcm)
		if err != nil {
			tb.Fatalf("packet %d: %v", i, err)
		}
		if upperBody(raw, d.packet.codeLength) != nil {
			layers++
		}
		if n != 2*blockSamples {
			tb.Fatalf("packet %d: %d samples", i, n)
		}
		upper = append(upper, d.high[:]...)
	}
	return upper, layers
}

// upperSNR returns the waveform SNR in dB of the decoded upper band, before the
// bands are joined, over the best delay.
func upperSNR(in, upper []int16) (snr float64, delay int) {
	var s bandSplit
	low, high := make([]int16, len(in)/2), make([]int16, len(in)/2)
	s.split(in, low, high)
	snr = -100
	for d := 0; d < 140; d++ {
		if v := waveformSNR(high, upper, d); v > snr {
			snr, delay = v, d
		}
	}
	return snr, delay
}

// TestSuperWidebandEncoder compares the upper band's SNR with the deployed
// encoder's at the same target.
func TestSuperWidebandEncoder(t *testing.T) {
	for _, c := range []struct {
		audio, stream string
		bps           int
		layers        bool
	}{
		{"es32", "swb_es32_32000", 32000, false},
		{"es32", "swb_es32_45000", 45000, true},
		{"alsa32", "swb_alsa32_45000", 45000, true},
		{"es32", "swb_es32_56000", 56000, true},
		{"noise32", "swb_noise32_56000", 56000, true},
	} {
		in := readPCM(t, "audio", c.audio+".pcm")
		ref := readPackets(t, "swb", c.stream+".isac")
		refOut, refLayers := decodeSuper(t, ref)
		packets := encodeSuper(t, EncoderConfig{BitrateBps: c.bps}, in)
		out, layers := decodeSuper(t, packets)
		got, delay := upperSNR(in, out)
		want, _ := upperSNR(in, refOut)
		t.Logf("%s: upper band %.2f dB at %d, reference %.2f; %d bytes, reference %d; %d layers, reference %d", c.stream, got, delay, want, totalBytes(packets), totalBytes(ref), layers, refLayers)
		if layers != refLayers {
			t.Errorf("%s: %d layers, reference %d", c.stream, layers, refLayers)
		}
		if c.layers && got < want-0.5 {
			t.Errorf("%s: upper band %.2f dB, reference %.2f", c.stream, got, want)
		}
		for i, p := range packets {
			if len(p) > MaxPayloadBytes {
				t.Errorf("packet %d has %d bytes", i, len(p))
			}
		}
	}
}

// TestUpperEntropyVectors reads every upper layer of every stream, checks that the
// range coder ends at the layer's end or its padding, and writes the symbols again:
// identical bytes.
func TestUpperEntropyVectors(t *testing.T) {
	var d rangeDecoder
	p, b, e := new(packet), new(upperBlock), new(rangeEncoder)
	count, full, padded := 0, 0, 0
	for _, name := range streams(t, "swb") {
		for i, raw := range readPackets(t, "swb", name+".isac") {
			if err := p.read(&d, raw); err != nil {
				t.Fatalf("%s packet %d: %v", name, i, err)
			}
			body := upperBody(raw, p.codeLength)
			if body == nil {
				continue
			}
			if !b.read(&d, body) {
				t.Errorf("%s packet %d: upper layer not read", name, i)
				continue
			}
			n := d.codeLength()
			e.reset()
			e.symbol(flagCDF[:], bit(b.jitterHigh))
			e.symbol(flagCDF[:], bit(b.full))
			for k := range b.vectors() * upperOrder {
				e.symbol(b.shapeCDF(k), b.shape[k])
			}
			for k := range b.subframes() {
				e.symbol(upperGainCDF[k%6], b.gain[k])
			}
			for k, s := range b.rc {
				e.symbol(envelopeRCCDF[k][:], s)
			}
			e.symbol(envelopeGainCDF[:], b.envelopeGain)
			coefs, shift := b.coefficients()
			for k := range coefs {
				e.coefficient(b.coefQ7[k], b.envelope.rootQ8[k>>shift])
			}
			if code := e.finish(); !bytes.Equal(code, body[:n]) {
				t.Errorf("%s packet %d: written again it differs", name, i)
			}
			count++
			full += bit(b.full)
			padded += bit(n < len(body))
		}
	}
	t.Logf("%d upper layers read and written again, %d of 16 kHz, %d with padding", count, full, padded)
	if full < 100 || count-full < 100 || padded == 0 {
		t.Errorf("%d layers, %d of 16 kHz, %d with padding", count, full, padded)
	}
}

// TestWidebandSkipsUpperLayer decodes super-wideband payloads to 16 kHz: the upper
// layer makes no difference.
func TestWidebandSkipsUpperLayer(t *testing.T) {
	var ranges rangeDecoder
	p, with, without := new(packet), NewDecoder(DecoderConfig{}), NewDecoder(DecoderConfig{})
	got, want := make([]int16, with.MaxSamples()), make([]int16, with.MaxSamples())
	layers := 0
	for i, raw := range readPackets(t, "swb", "swb_switch.isac") {
		if err := p.read(&ranges, raw); err != nil {
			t.Fatal(err)
		}
		n, err := with.Decode(raw, got)
		if err != nil {
			t.Fatalf("packet %d: %v", i, err)
		}
		if k, err := without.Decode(raw[:p.codeLength], want); err != nil || k != n {
			t.Fatalf("packet %d without its upper layer: %d samples, %v", i, k, err)
		}
		if !slices.Equal(got[:n], want[:n]) {
			t.Errorf("packet %d: the upper layer changes the lower band", i)
		}
		if p.codeLength < len(raw) {
			layers++
		}
	}
	if layers < 50 {
		t.Errorf("%d payloads with an upper layer only", layers)
	}
}
