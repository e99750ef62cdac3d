package main

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/voice/g711"
	"github.com/edgecam/edgecam/engine/voice/g722"
	"github.com/edgecam/edgecam/engine/voice/ilbc"
	"github.com/edgecam/edgecam/engine/voice/isac"
	"github.com/edgecam/edgecam/engine/voice/opus"
	"github.com/edgecam/edgecam/engine/voice/resample"
	"github.com/edgecam/edgecam/internal/stoi"
)

// coder is a codec at one setting: frame samples in, packets out and back.
type coder struct {
	name   string // of the codec
	bps    int    // asked for, 0 where there is no choice
	rateHz int
	frame  int
	encode func(pcm []int16, packet []byte) (int, error)
	decode func(packet []byte, pcm []int16) (int, error)
}

// setting names a codec and a bit rate; 0 where there is no choice.
type setting struct {
	name string
	bps  int
}

// settings are those of the picture, a codec's one after the other.
var settings = []setting{
	{"isac16", 10000},
	{"isac16", 14000},
	{"isac16", 20000},
	{"isac16", 26000},
	{"isac16", 32000},
	{"isac16-60", 10000},
	{"isac16-60", 14000},
	{"isac16-60", 20000},
	{"isac16-60", 26000},
	{"isac16-60", 32000},
	{"isac32", 32000},
	{"isac32", 38000},
	{"isac32", 45000},
	{"isac32", 56000},
	{"opus", 8000},
	{"opus", 12000},
	{"opus", 16000},
	{"opus", 24000},
	{"opus", 32000},
	{"opus", 48000},
	{"opus", 64000},
	{"ilbc20", 0},
	{"ilbc30", 0},
	{"g722", 0},
	{"pcmu", 0},
}

// newCoder returns a codec in its start state.
func newCoder(s setting) (c coder, err error) {
	c = coder{name: s.name, bps: s.bps}
	switch s.name {
	case "isac16", "isac16-60":
		config := isac.EncoderConfig{BitrateBps: s.bps}
		if s.name == "isac16-60" {
			config.FrameDuration = 2 * isac.BlockSamples * 1e9 / isac.WidebandRateHz
		}
		enc, err := isac.NewEncoder(config)
		if err != nil {
			return c, err
		}
		dec := isac.NewDecoder(isac.DecoderConfig{ExactMap: true})
		c.rateHz, c.frame, c.encode, c.decode = isac.WidebandRateHz, isac.BlockSamples, enc.Encode, dec.Decode
	case "isac32":
		enc, err := isac.NewSuperWidebandEncoder(isac.EncoderConfig{BitrateBps: s.bps})
		if err != nil {
			return c, err
		}
		c.rateHz, c.frame, c.encode, c.decode = isac.SuperWidebandRateHz, 2*isac.BlockSamples, enc.Encode, isac.NewSuperWidebandDecoder().Decode
	case "opus":
		enc, err := opus.NewEncoder(opus.EncoderConfig{BitrateBps: s.bps})
		if err != nil {
			return c, err
		}
		dec, err := opus.NewDecoder()
		if err != nil {
			return c, err
		}
		c.rateHz, c.frame, c.decode = media.EngineRateHz, media.BlockSamples, dec.Decode
		var b media.Block
		c.encode = func(pcm []int16, packet []byte) (int, error) {
			copy(b.Samples[:], pcm)
			p, ok, err := enc.Encode(&b)
			if err != nil || !ok {
				return 0, err
			}
			return copy(packet, p.Data), nil
		}
	case "ilbc20", "ilbc30":
		mode := ilbc.Mode20
		if s.name == "ilbc30" {
			mode = ilbc.Mode30
		}
		enc, err := ilbc.NewEncoder(mode)
		if err != nil {
			return c, err
		}
		dec, err := ilbc.NewDecoder(ilbc.DecoderConfig{Mode: mode})
		if err != nil {
			return c, err
		}
		c.rateHz, c.frame, c.encode, c.decode = ilbc.RateHz, enc.FrameSamples(), enc.Encode, dec.Decode
	case "g722":
		c.rateHz, c.frame, c.encode, c.decode = g722.RateHz, g722.FrameSamples, g722.NewEncoder().Encode, g722.NewDecoder().Decode
	case "pcmu":
		c.rateHz, c.frame, c.encode, c.decode = g711.RateHz, g711.FrameSamples, g711.NewEncoder(g711.ULaw).Encode, g711.NewDecoder(g711.ULaw).Decode
	default:
		return c, fmt.Errorf("no codec %q", s.name)
	}
	return c, nil
}

// run codes and decodes pcm, which has the codec's rate, and returns what comes
// out with the bytes between.
func (c *coder) run(pcm []int16) (out []int16, bytes int, err error) {
	packet, decoded := make([]byte, 2048), make([]int16, 5760)
	out = make([]int16, 0, len(pcm)+len(decoded))
	for ; len(pcm) >= c.frame; pcm = pcm[c.frame:] {
		n, err := c.encode(pcm[:c.frame], packet)
		if err != nil {
			return nil, 0, fmt.Errorf("%s: %w", c.name, err)
		}
		if n == 0 {
			continue // the packet waits for more
		}
		bytes += n
		k, err := c.decode(packet[:n], decoded)
		if err != nil {
			return nil, 0, fmt.Errorf("%s: %w", c.name, err)
		}
		out = append(out, decoded[:k]...)
	}
	return out, bytes, nil
}

// converted returns x at another rate, without the converter's delay.
func converted(x []int16, fromHz, toHz int) ([]int16, error) {
	if fromHz == toHz {
		return x, nil
	}
	r, err := resample.New(fromHz, toHz)
	if err != nil {
		return nil, err
	}
	x = append(slices.Clone(x), make([]int16, fromHz/20)...)
	out := make([]int16, r.MaxOutput(len(x)))
	n := r.Process(out, x)
	return out[min(r.Delay(), n):n], nil
}

// point is what a setting gave on all recordings together.
type point struct {
	setting
	kbps, stoi float64
}

// recording is speech at 16 kHz.
type recording struct {
	pcm   []int16
	clean []float64 // at the measure's rate
}

const (
	speechHz      = 16000
	speechSeconds = 12 // of each recording are used
	repeatSeconds = 3
	stoiHz        = 10000
)

func readSpeech(paths []string) ([]recording, error) {
	var all []recording
	for _, path := range paths {
		rate, x, err := readWAV(path)
		if err != nil {
			return nil, err
		}
		if rate != speechHz {
			return nil, fmt.Errorf("%s has %d Hz, need %d", path, rate, speechHz)
		}
		x = x[:min(len(x), speechSeconds*speechHz)]
		all = append(all, recording{pcm: x, clean: stoi.Resample(x, speechHz)})
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("codecs needs recordings of speech (WAV, %d Hz)", speechHz)
	}
	return all, nil
}

// measure returns a setting's actual rate and STOI over all recordings.
func measure(s setting, speech []recording) (point, error) {
	p := point{setting: s}
	var bits, seconds float64
	for _, r := range speech {
		c, err := newCoder(s)
		if err != nil {
			return p, err
		}
		in, err := converted(r.pcm, speechHz, c.rateHz)
		if err != nil {
			return p, err
		}
		out, bytes, err := c.run(in)
		if err != nil {
			return p, err
		}
		bits += float64(8 * bytes)
		seconds += float64(len(in)) / float64(c.rateHz)
		degraded := stoi.Resample(out, c.rateHz)
		p.stoi += stoi.Measure(r.clean, degraded[lag(r.clean, degraded):]) / float64(len(speech))
	}
	p.kbps = bits / seconds / 1000
	return p, nil
}

// lag returns by how many samples b is behind a, up to 80 ms.
func lag(a, b []float64) int {
	best, at := math.Inf(-1), 0
	for d := range stoiHz * 8 / 100 {
		sum := 0.0
		for i := 0; i < len(a) && i+d < len(b); i++ {
			sum += a[i] * b[i+d]
		}
		if sum > best {
			best, at = sum, d
		}
	}
	return at
}

// userSeconds is the CPU time this process has used.
func userSeconds() (float64, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, err
	}
	return float64(u.Utime.Sec) + float64(u.Utime.Usec)/1e6, nil
}

// cpuRounds is how often each codec's time is taken, all codecs in turn.
const cpuRounds = 9

// cost measures user CPU in per cent of real time, coding and decoding together:
// the median of rounds in which all settings take turns.
func cost(all []setting, speech []recording) ([]float64, error) {
	times := make([][]float64, len(all))
	for range cpuRounds {
		for i, s := range all {
			c, err := newCoder(s)
			if err != nil {
				return nil, err
			}
			in, err := converted(speech[0].pcm, speechHz, c.rateHz)
			if err != nil {
				return nil, err
			}
			before, err := userSeconds()
			if err != nil {
				return nil, err
			}
			if _, _, err := c.run(in); err != nil {
				return nil, err
			}
			after, err := userSeconds()
			if err != nil {
				return nil, err
			}
			times[i] = append(times[i], 100*(after-before)*float64(c.rateHz)/float64(len(in)))
		}
	}
	medians := make([]float64, len(all))
	for i, t := range times {
		slices.Sort(t)
		medians[i] = t[len(t)/2]
	}
	return medians, nil
}

// repeat codes and decodes a recording so many times with one setting and does
// nothing else, so that instructions can be counted from outside.
func repeat(name string, bps, times int, paths []string) error {
	speech, err := readSpeech(paths)
	if err != nil {
		return err
	}
	c, err := newCoder(setting{name, bps})
	if err != nil {
		return err
	}
	in, err := converted(speech[0].pcm[:min(repeatSeconds*speechHz, len(speech[0].pcm))], speechHz, c.rateHz)
	if err != nil {
		return err
	}
	for range times {
		if _, _, err := c.run(in); err != nil {
			return err
		}
	}
	return nil
}

// costed are the settings whose CPU is measured.
var costed = []setting{{"ilbc20", 0}, {"ilbc30", 0}, {"isac16", 32000}, {"isac16-60", 32000}, {"isac32", 56000}, {"opus", 16000}, {"opus", 32000}, {"g722", 0}, {"pcmu", 0}}

// codecs measures all codecs on recordings, writes the table into document and
// returns the picture's points.
func codecs(document string, paths []string) ([]point, error) {
	speech, err := readSpeech(paths)
	if err != nil {
		return nil, err
	}
	var points []point
	var b strings.Builder
	b.WriteString("\n| codec | asked for, kbit/s | sent, kbit/s | STOI |\n|---|---|---|---|\n")
	for _, s := range settings {
		p, err := measure(s, speech)
		if err != nil {
			return nil, err
		}
		points = append(points, p)
		asked := "-"
		if s.bps > 0 {
			asked = fmt.Sprint(s.bps / 1000)
		}
		fmt.Fprintf(&b, "| %s | %s | %.1f | %.4f |\n", s.name, asked, p.kbps, p.stoi)
	}
	percent, err := cost(costed, speech)
	if err != nil {
		return nil, err
	}
	b.WriteString("\n| codec | kbit/s | CPU, % of real time | times ilbc30 |\n|---|---|---|---|\n")
	reference := percent[slices.Index(costed, setting{name: "ilbc30"})]
	for i, s := range costed {
		asked := "-"
		if s.bps > 0 {
			asked = fmt.Sprint(s.bps / 1000)
		}
		fmt.Fprintf(&b, "| %s | %s | %.2f | %.2f |\n", s.name, asked, percent[i], percent[i]/reference)
	}
	b.WriteString("\n")
	if document == "" {
		fmt.Print(b.String())
		return points, nil
	}
	old, err := os.ReadFile(document)
	if err != nil {
		return nil, err
	}
	text, err := replaceFigures(string(old), b.String())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", document, err)
	}
	return points, os.WriteFile(document, []byte(text), 0o644)
}
