package isac

import "testing"

// The benchmarks code or decode one block of 30 ms; the metric is seconds of
// one core per second of speech.

func report(b *testing.B, blocks int) {
	b.ReportMetric(b.Elapsed().Seconds()/(float64(blocks)*0.03), "cpu-s/s")
}

func BenchmarkDecode(b *testing.B) {
	packets := readPackets(b, "wb", "main_voice16_32000_30.isac")
	d := NewDecoder(DecoderConfig{})
	pcm := make([]int16, d.MaxSamples())
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Decode(packets[i%len(packets)], pcm); err != nil {
			b.Fatal(err)
		}
		i++
	}
	report(b, i)
}

func BenchmarkEncode(b *testing.B) {
	in := readPCM(b, "audio", "voice16.pcm")
	e, err := NewEncoder(EncoderConfig{})
	if err != nil {
		b.Fatal(err)
	}
	dst := make([]byte, MaxPayloadBytes)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		at := i % (len(in) / blockSamples) * blockSamples
		if _, err := e.Encode(in[at:at+blockSamples], dst); err != nil {
			b.Fatal(err)
		}
		i++
	}
	report(b, i)
}

func BenchmarkSuperWidebandDecode(b *testing.B) {
	packets := readPackets(b, "swb", "swb_es32_56000.isac")
	d := NewSuperWidebandDecoder()
	pcm := make([]int16, d.MaxSamples())
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Decode(packets[i%len(packets)], pcm); err != nil {
			b.Fatal(err)
		}
		i++
	}
	report(b, i)
}

func BenchmarkSuperWidebandEncode(b *testing.B) {
	in := readPCM(b, "audio", "es32.pcm")
	e, err := NewSuperWidebandEncoder(EncoderConfig{})
	if err != nil {
		b.Fatal(err)
	}
	dst := make([]byte, MaxPayloadBytes)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		at := i % (len(in) / (2 * blockSamples)) * 2 * blockSamples
		if _, err := e.Encode(in[at:at+2*blockSamples], dst); err != nil {
			b.Fatal(err)
		}
		i++
	}
	report(b, i)
}
