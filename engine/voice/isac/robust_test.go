package isac

import (
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"time"
)

// mutate returns a damaged copy of a payload: flipped bits, bytes overwritten, cut
// off or appended, the end of another payload, or a damaged upper layer with a
// checksum that fits.
func mutate(r *rand.Rand, payload, other []byte) []byte {
	p := append([]byte(nil), payload...)
	switch r.IntN(6) {
	case 0:
		p = p[:r.IntN(len(p))]
	case 1:
		for range r.IntN(20) {
			p = append(p, byte(r.Uint32()))
		}
	case 2:
		p = append(p[:r.IntN(len(p))], other[r.IntN(len(other)):]...)
	case 3:
		for range 1 + r.IntN(8) {
			p[r.IntN(len(p))] ^= 1 << r.IntN(8)
		}
		return p
	case 4:
		return remakeUpper(r, p)
	}
	for range r.IntN(6) {
		if len(p) > 0 {
			p[r.IntN(len(p))] = byte(r.Uint32())
		}
	}
	return p
}

// remakeUpper damages the upper layer of p, if it has one, and makes its checksum
// fit.
func remakeUpper(r *rand.Rand, p []byte) []byte {
	var d rangeDecoder
	read := new(packet)
	if read.read(&d, p) != nil {
		return p
	}
	body := upperBody(p, read.codeLength)
	if body == nil {
		return p
	}
	for range 1 + r.IntN(5) {
		body[r.IntN(len(body))] = byte(r.Uint32())
	}
	binary.BigEndian.PutUint32(p[read.codeLength+1+len(body):], layerCRC(body))
	return p
}

// TestCorrupt decodes damaged payloads: each gives an error, then concealment,
// or at most a frame of samples.
func TestCorrupt(t *testing.T) {
	n := 2000
	if os.Getenv("EDGECAM_CI") == "1" && !testing.Short() {
		n = 100000
	}
	var payloads [][]byte
	for _, v := range [][2]string{{"wb", "fix_es16_32000_30"}, {"wb", "fix_alsa16_20000_60"}, {"wb", "main_clip16_32000_30"}, {"swb", "swb_switch"}, {"swb", "swb_es32_45000"}} {
		payloads = append(payloads, readPackets(t, v[0], v[1]+".isac")...)
	}
	r := rand.New(rand.NewPCG(11, 12))
	type decoder interface {
		Samples([]byte) int
		Decode([]byte, []int16) (int, error)
		Conceal([]int16) (int, error)
		MaxSamples() int
		Stats() DecoderStats
	}
	decoders := map[string]decoder{"wideband": NewDecoder(DecoderConfig{}), "super-wideband": NewSuperWidebandDecoder()}
	const canary = 0x5A5A
	pcm := make([]int16, decoders["super-wideband"].MaxSamples()+16)
	for range n {
		p := mutate(r, payloads[r.IntN(len(payloads))], payloads[r.IntN(len(payloads))])
		for name, d := range decoders {
			for i := range pcm {
				pcm[i] = canary
			}
			got, err := d.Decode(p, pcm)
			switch {
			case err != nil && got != 0:
				t.Fatalf("%s: %d samples with error %v", name, got, err)
			case err != nil && pcm[0] != canary:
				t.Fatalf("%s: output was written in spite of error %v", name, err)
			case err == nil && (got != d.Samples(p) || got > d.MaxSamples()):
				t.Fatalf("%s: %d samples of %x", name, got, p)
			}
			if err != nil {
				if got, err = d.Conceal(pcm); err != nil || got != d.MaxSamples()/2 {
					t.Fatalf("%s: %d samples concealed, error %v", name, got, err)
				}
			}
			for i := got; i < len(pcm); i++ {
				if pcm[i] != canary {
					t.Fatalf("%s: sample %d of %d was written", name, i, got)
				}
			}
		}
	}
	for name, d := range decoders {
		s := d.Stats()
		t.Logf("%s: %d of %d damaged payloads decoded, %d refused; %d upper layers", name, s.Payloads, n, s.Refused, s.UpperLayers)
		if s.Refused == 0 || s.Payloads == 0 || s.Concealed != s.Refused || s.Payloads+s.Refused != uint64(n) {
			t.Errorf("%s: %+v", name, s)
		}
	}
	if decoders["super-wideband"].Stats().UpperLayers == 0 {
		t.Error("no damaged upper layer was decoded")
	}
}

// TestArbitraryStrings decodes code strings of random bytes with the length
// rule made to fit, so that every combination of symbols reaches the synthesis.
func TestArbitraryStrings(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	d, s := NewDecoder(DecoderConfig{}), NewSuperWidebandDecoder()
	pcm := make([]int16, s.MaxSamples())
	p := new(packet)
	read := 0
	for i := range 3000 {
		raw := make([]byte, 600)
		for i := range raw {
			raw[i] = byte(r.Uint32())
		}
		raw[0] = raw[0]%0x55 + 0x55 // frame length 1
		if i%3 == 0 {
			raw[0] = 0x60
		}
		var rd rangeDecoder
		_ = p.read(&rd, raw)
		rd.reset(raw)
		blocks, _, err := readHeader(&rd)
		if err != nil {
			continue
		}
		p.block[0].read(&rd, wideForm)
		if rd.corrupt || blocks != 1 {
			continue
		}
		n := rd.codeLength()
		if n > len(raw) {
			continue
		}
		raw = raw[:n]
		// The bytes cut off were looked at: zeros in their place may make
		// another string of it.
		if _, err := d.Decode(raw, pcm); err != nil {
			continue
		}
		if _, err := s.Decode(raw, pcm); err != nil && !errors.Is(err, ErrUnsupported) {
			t.Fatal(err)
		}
		read++
		for range r.IntN(8) {
			if _, err := d.Conceal(pcm); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Logf("%d random strings decoded", read)
	if read == 0 {
		t.Error("no random string was a valid code string")
	}
}

// TestLagRange sees that no lag symbols lead outside the filters' history.
func TestLagRange(t *testing.T) {
	low, high := math.Inf(1), 0.0
	for c := range lagClasses {
		class := &lagClasses[c]
		var index [4]int
		for index[0] = range len(class.cdf[0]) - 1 {
			for index[1] = range class.slope {
				for index[3] = range class.bend {
					if index[0] > class.indexMax[0]-class.indexMin[0] {
						continue
					}
					for k, l := range lagsQ7(class, &index) {
						f := lags(class, &index)[k]
						low, high = min(low, f, float64(l)/128), max(high, f, float64(l)/128)
					}
				}
			}
		}
	}
	t.Logf("lags %.1f..%.1f", low, high)
	if high+2.5 >= pitchHistory || low < 6.5 {
		t.Errorf("lags %.1f..%.1f leave the history of %d", low, high, pitchHistory)
	}
}

// TestEncoderExtremes codes signals that are hard to code.
func TestEncoderExtremes(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 16))
	signals := map[string]func(n int) int16{
		"silence": func(int) int16 { return 0 },
		"minimum": func(int) int16 { return math.MinInt16 },
		"nyquist": func(n int) int16 { return int16(32767 * (1 - 2*(n&1))) },
		"square":  func(n int) int16 { return int16(32767 * (1 - 2*(n/37&1))) },
		"noise":   func(int) int16 { return int16(r.Uint32()) },
		"click":   func(n int) int16 { return int16(32767 * (n % 997 / 996)) },
		"tone":    func(n int) int16 { return int16(32000 * math.Sin(float64(n)*0.7)) },
		"faint":   func(n int) int16 { return int16(n & 1) },
		"bursts":  func(n int) int16 { return int16(int(r.Uint32()) * (n / 4800 & 1)) },
	}
	dst := make([]byte, MaxPayloadBytes)
	for name, f := range signals {
		for _, config := range []EncoderConfig{
			{}, {BitrateBps: 10000, FrameDuration: 60 * time.Millisecond}, {MaxPayloadBytes: 100, FrameDuration: 60 * time.Millisecond}, {MaxPayloadBytes: 120}, {PiecewiseMap: true, Adaptive: true},
		} {
			pcm := make([]int16, 16000)
			for n := range pcm {
				pcm[n] = f(n)
			}
			e, err := NewEncoder(config)
			if err != nil {
				t.Fatal(err)
			}
			d := NewDecoder(DecoderConfig{})
			out := make([]int16, d.MaxSamples())
			tooLarge, largest := 0, 0
			for i := 0; i+blockSamples <= len(pcm); i += blockSamples {
				n, err := e.Encode(pcm[i:i+blockSamples], dst)
				if errors.Is(err, ErrTooLarge) {
					tooLarge++
					continue
				}
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if n == 0 {
					continue
				}
				largest = max(largest, n)
				if _, err := d.Decode(dst[:n], out); err != nil {
					t.Errorf("%s %+v block %d: %v", name, config, i/blockSamples, err)
				}
				if d.packet.ambiguous {
					t.Errorf("%s block %d: ambiguous envelope", name, i/blockSamples)
				}
			}
			if tooLarge > 0 {
				t.Errorf("%s %+v: %d packets too large", name, config, tooLarge)
			}
			if config.MaxPayloadBytes != 0 && largest > config.MaxPayloadBytes {
				t.Errorf("%s %+v: packet of %d bytes", name, config, largest)
			}
			if config.Adaptive || config.MaxPayloadBytes != 0 {
				continue
			}
			s, err := NewSuperWidebandEncoder(EncoderConfig{BitrateBps: min(56000, config.BitrateBps*5+45000)})
			if err != nil {
				t.Fatal(err)
			}
			sd := NewSuperWidebandDecoder()
			sout := make([]int16, sd.MaxSamples())
			for i := 0; i+2*blockSamples <= len(pcm); i += 2 * blockSamples {
				n, err := s.Encode(pcm[i:i+2*blockSamples], dst)
				if err != nil {
					t.Errorf("%s block %d: %v", name, i/960, err)
					continue
				}
				if _, err := sd.Decode(dst[:n], sout); err != nil {
					t.Errorf("%s block %d: %v", name, i/960, err)
				}
			}
		}
	}
}

func TestNoAllocations(t *testing.T) {
	in := readPCM(t, "audio", "es32.pcm")
	packets := readPackets(t, "swb", "swb_switch.isac")
	e, err := NewEncoder(EncoderConfig{Adaptive: true})
	if err != nil {
		t.Fatal(err)
	}
	se, err := NewSuperWidebandEncoder(EncoderConfig{})
	if err != nil {
		t.Fatal(err)
	}
	d, sd := NewDecoder(DecoderConfig{}), NewSuperWidebandDecoder()
	dst, pcm := make([]byte, MaxPayloadBytes), make([]int16, sd.MaxSamples())
	i := 0
	if n := testing.AllocsPerRun(50, func() {
		at := i % 90 * 960
		p := packets[i%len(packets)]
		i++
		_, err1 := e.Encode(in[at:at+480], dst)
		_, err2 := se.Encode(in[at:at+960], dst)
		_, err3 := d.Decode(p, pcm)
		_, err4 := sd.Decode(p, pcm)
		_, err5 := d.Conceal(pcm)
		_, err6 := sd.Conceal(pcm)
		err7 := e.Received(p, uint16(i), uint32(480*i), uint32(480*i))
		if err := errors.Join(err1, err2, err3, err4, err5, err6, err7); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations per frame", n)
	}
}
