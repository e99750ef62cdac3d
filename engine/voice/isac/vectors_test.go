package isac

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edgecam/edgecam/internal/testdata"
)

// readPackets returns the packets of a vector: 2-byte little-endian lengths.
func readPackets(tb testing.TB, elem ...string) [][]byte {
	tb.Helper()
	raw := readFile(tb, elem...)
	var packets [][]byte
	for len(raw) > 0 {
		n := int(binary.LittleEndian.Uint16(raw))
		packets = append(packets, raw[2:2+n])
		raw = raw[2+n:]
	}
	return packets
}

func readFile(tb testing.TB, elem ...string) []byte {
	tb.Helper()
	raw, err := os.ReadFile(testdata.Shared(tb, append([]string{"vectors", "isac"}, elem...)...))
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

func readPCM(tb testing.TB, elem ...string) []int16 {
	tb.Helper()
	raw := readFile(tb, elem...)
	pcm := make([]int16, len(raw)/2)
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(raw[2*i:]))
	}
	return pcm
}

func hashPCM(pcm []int16) string {
	raw := make([]byte, 0, 2*len(pcm))
	for _, s := range pcm {
		raw = binary.LittleEndian.AppendUint16(raw, uint16(s))
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// hashes returns the reference outputs' SHA-256 by name.
func hashes(tb testing.TB) map[string]string {
	tb.Helper()
	m := map[string]string{}
	for line := range strings.Lines(string(readFile(tb, "pcm.sha256"))) {
		f := strings.Fields(line)
		m[f[1]] = f[0]
	}
	if len(m) < 40 {
		tb.Fatalf("pcm.sha256 lists %d outputs only", len(m))
	}
	return m
}

// streams returns the names of a folder's streams, without extension.
func streams(tb testing.TB, folder string) []string {
	tb.Helper()
	names, err := filepath.Glob(filepath.Join(testdata.Shared(tb, "vectors", "isac", folder), "*.isac"))
	if err != nil || len(names) == 0 {
		tb.Fatalf("no streams in %s (%v)", folder, err)
	}
	for i, n := range names {
		names[i] = strings.TrimSuffix(filepath.Base(n), ".isac")
	}
	return names
}

// TestEnvelopeVectors compares random envelopes with the reference functions'.
func TestEnvelopeVectors(t *testing.T) {
	for _, c := range []struct {
		file string
		form overflowForm
	}{{"envelope_fix.txt", wrapForm}, {"envelope_main.txt", wideForm}} {
		lines := 0
		for line := range strings.Lines(string(readFile(t, "unit", c.file))) {
			var rc [6]int
			var gain int
			var wantE, wantR uint32
			n, _ := fmt.Sscan(line, &rc[0], &rc[1], &rc[2], &rc[3], &rc[4], &rc[5], &gain, &wantE, &wantR)
			if n < 8 {
				t.Fatalf("%s: malformed line %q", c.file, line)
			}
			var e envelope
			e.compute(&rc, gain, c.form)
			hashE, hashR := uint32(2166136261), uint32(2166136261)
			for m := range e.q16 {
				hashE = (hashE ^ uint32(e.q16[m])) * 16777619
				hashR = (hashR ^ uint32(uint16(e.rootQ8[m]))) * 16777619
			}
			if hashE != wantE || n == 9 && hashR != wantR {
				t.Errorf("%s line %d: E %d want %d, R %d want %d", c.file, lines+1, hashE, wantE, hashR, wantR)
			}
			lines++
		}
		if lines != 1000 {
			t.Errorf("%s: %d lines", c.file, lines)
		}
	}
}

// TestEntropyVectors reads every packet of every stream, checks that the range
// coder ends at the packet's end, and writes it again: identical bytes.
func TestEntropyVectors(t *testing.T) {
	count, wrapped := 0, 0
	var d rangeDecoder
	p, e := new(packet), new(rangeEncoder)
	for _, folder := range []string{"wb", "loss", "bwe", "swb"} {
		for _, name := range streams(t, folder) {
			for i, raw := range readPackets(t, folder, name+".isac") {
				if len(raw) == 0 {
					continue
				}
				if err := p.read(&d, raw); err != nil {
					t.Errorf("%s packet %d: %v", name, i, err)
					continue
				}
				count++
				if p.form == wrapForm {
					wrapped++
				}
				e.reset()
				e.symbol(frameLengthCDF[:], p.blocks)
				e.symbol(bandwidthIndexCDF[:], p.bandwidthIndex)
				for j := range p.blocks {
					b := &p.block[j]
					b.writeSide(e)
					b.writeGains(e)
					b.writeSpectrum(e)
				}
				if code := e.finish(); !bytes.Equal(code, raw[:p.codeLength]) {
					t.Errorf("%s packet %d: written again it differs", name, i)
				}
			}
		}
	}
	t.Logf("%d packets read and written again, %d with wrapping envelopes", count, wrapped)
	if count < 4076 {
		t.Errorf("%d packets only", count)
	}
	if wrapped != 1 {
		t.Errorf("%d packets needed the wrapping form, want 1", wrapped)
	}
}

// traceBlock is what the trace says about a block.
type traceBlock struct {
	PitchGain   int        `json:"pitch_gain_index"`
	MeanGainQ12 int32      `json:"mean_gain_q12"`
	LagIndex    [4]int     `json:"lag_index"`
	LagsQ7      [4]int32   `json:"lags_q7_fixed"`
	Lags        []float64  `json:"lags_float"`
	Shape       [108]int   `json:"lpc_shape_index"`
	Gain        [12]int    `json:"lpc_gain_index"`
	Seed        uint32     `json:"dither_seed_w"`
	RC          [6]int     `json:"rc_index"`
	EnvGain     int        `json:"envelope_gain_index"`
	Envelope    [120]int32 `json:"envelope_q16"`
	Root        [120]int32 `json:"root_envelope_q8"`
	Coefs       [480]int32 `json:"coefficients_q7"`
	Weighted    [480]int32 `json:"weighted_q7_re_im_interleaved"`
}

type tracePacket struct {
	Stream  string       `json:"stream"`
	Packet  int          `json:"packet"`
	Payload string       `json:"payload_hex"`
	Index   int          `json:"bandwidth_index"`
	Length  int          `json:"code_length"`
	FinalW  uint32       `json:"final_w"`
	Blocks  []traceBlock `json:"blocks"`
}

func readTrace(tb testing.TB) []tracePacket {
	tb.Helper()
	var out []tracePacket
	s := bufio.NewScanner(bytes.NewReader(readFile(tb, "trace", "wb_trace.jsonl")))
	s.Buffer(nil, 1<<22)
	for s.Scan() {
		var p tracePacket
		if err := json.Unmarshal(s.Bytes(), &p); err != nil {
			tb.Fatal(err)
		}
		out = append(out, p)
	}
	if len(out) == 0 {
		tb.Fatal("empty trace")
	}
	return out
}

func TestTrace(t *testing.T) {
	var d rangeDecoder
	p := new(packet)
	for _, want := range readTrace(t) {
		raw, err := hex.DecodeString(want.Payload)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.read(&d, raw); err != nil {
			t.Errorf("%s %d: %v", want.Stream, want.Packet, err)
			continue
		}
		if p.blocks != len(want.Blocks) || p.bandwidthIndex != want.Index || p.codeLength != want.Length || p.finalW != want.FinalW {
			t.Errorf("%s %d: header differs", want.Stream, want.Packet)
			continue
		}
		for i, w := range want.Blocks {
			b := &p.block[i]
			if b.pitchGain != w.PitchGain || b.lag != w.LagIndex || b.shape != w.Shape || b.gain != w.Gain || b.seed != w.Seed || b.rc != w.RC || b.envelopeGain != w.EnvGain ||
				b.envelope.q16 != w.Envelope || b.envelope.rootQ8 != w.Root || b.coefQ7 != w.Coefs || b.meanGainQ12 != w.MeanGainQ12 {
				t.Errorf("%s %d block %d differs", want.Stream, want.Packet, i)
			}
		}
	}
}
