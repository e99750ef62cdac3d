package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// The place of the table in a document.
const (
	tableBegin = "<!-- figures: written by make bench-voice -->"
	tableEnd   = "<!-- end of figures -->"
)

// figures are what the benches printed, by peer and by "bench scenario".
type figures map[string]map[string][]string

// parseFigures reads the output of scripts/bench-voice.
func parseFigures(text string) (peers []string, all figures) {
	all = figures{}
	bench, peer := "", ""
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, "== "); ok {
			bench, peer, _ = strings.Cut(strings.TrimSpace(rest), ": ")
			if all[peer] == nil {
				all[peer] = map[string][]string{}
				peers = append(peers, peer)
			}
			continue
		}
		// Only what carries figures is left of a line: words, signs and units go.
		fields := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" |;,:%()\t\n", r) })
		if len(fields) == 0 || peer == "" {
			continue
		}
		key := bench + " " + fields[0]
		if bench == "agc" && fields[0] == "in" {
			key = "agc in " + fields[1]
		}
		all[peer][key] = fields
	}
	return peers, all
}

// row is a line of the table: the figures of some scenarios, one behind the
// other.
type row struct {
	title string
	keys  []string
	value func(fields []string) string
}

// field returns what stands at a place of the fields.
func field(i int) func([]string) string {
	return func(f []string) string {
		if i >= len(f) {
			return "–"
		}
		return strings.ReplaceAll(strings.TrimPrefix(f[i], "+"), "Inf", "never")
	}
}

// after returns what follows a word.
func after(word string, skip int) func([]string) string {
	return func(f []string) string {
		for i, w := range f {
			if w == word {
				return field(i + 1 + skip)(f)
			}
		}
		return "–"
	}
}

// arrow returns the right side of the n-th A->B.
func arrow(n int) func([]string) string {
	return func(f []string) string {
		seen := 0
		for _, w := range f {
			if _, to, ok := strings.Cut(w, "->"); ok {
				if seen == n {
					return to
				}
				seen++
			}
		}
		return "–"
	}
}

// The fields of a line of the aec bench.
const (
	erleSteady, erleFirst, secTo20, talkSDR, talkESTOI, talkLevel, nearSDR, rtf = 1, 2, 3, 7, 9, 10, 12, 13
)

func keys(bench string, scenarios ...string) (out []string) {
	for _, s := range scenarios {
		out = append(out, bench+" "+s)
	}
	return out
}

var tableRows = []row{
	{"**Echo**: steady ERLE, single talk / loud / non-linear, dB", keys("aec", "aec-st", "aec-st-hot", "aec-st-nl"), field(erleSteady)},
	{"seconds to 20 dB: the same", keys("aec", "aec-st", "aec-st-hot", "aec-st-nl"), field(secTo20)},
	{"steady ERLE at a delay of 100 / 200 / 300 ms, dB", keys("aec", "aec-d100", "aec-d200", "aec-d300"), field(erleSteady)},
	{"seconds to 20 dB: the same", keys("aec", "aec-d100", "aec-d200", "aec-d300"), field(secTo20)},
	{"steady ERLE with drift of +100 / -100 ppm, dB", keys("aec", "aec-drift+100", "aec-drift-100"), field(erleSteady)},
	{"seconds to 20 dB after a change of the path", keys("aec", "aec-epc"), field(secTo20)},
	{"both ends talk: ESTOI, plain / loud / non-linear", keys("aec", "aec-dt", "aec-dt-hot", "aec-dt-nl"), field(talkESTOI)},
	{"both ends talk: FSDR, dB", keys("aec", "aec-dt", "aec-dt-hot", "aec-dt-nl"), field(talkSDR)},
	{"both ends talk: level of the near end, dB", keys("aec", "aec-dt", "aec-dt-hot", "aec-dt-nl"), field(talkLevel)},
	{"near end alone: FSDR, dB", keys("aec", "aec-dt", "aec-dt-hot", "aec-dt-nl"), field(nearSDR)},
	{"recordings with truth: ESTOI (microphone 0.676)", keys("real", "real"), func(f []string) string { return after("ESTOI", 2)(f) }},
	{"recordings with truth: FSDR (microphone 1.6), dB", keys("real", "real"), func(f []string) string { return after("FSDR", 2)(f) }},
	{"CPU, % of real time", keys("aec", "aec-st"), field(rtf)},
	{"**Noise**: gain of FSDR, dB", keys("ns", "all"), after("dFSDR", 0)},
	{"STOI (noisy 0.848)", keys("ns", "all"), arrow(0)},
	{"ESTOI (noisy 0.657)", keys("ns", "all"), arrow(1)},
	{"attenuation of noise alone, dB", keys("ns", "all"), after("att", 0)},
	{"CPU, % of real time", keys("ns", "all"), after("RTF", 0)},
	{"**Level**: from -40 / -28 / -16 / -34 dBFS to, dBFS", keys("agc", "in -40", "in -28", "in -16", "in -34"), after("out", 0)},
	{"seconds to settle", keys("agc", "in -40", "in -28", "in -16", "in -34"), after("settle", 0)},
	{"clipped samples", keys("agc", "clipped"), after("samples", 0)},
}

// table writes the figures as Markdown.
func table(text string) string {
	peers, all := parseFigures(text)
	var b strings.Builder
	b.WriteString("| |")
	for _, p := range peers {
		b.WriteString(" " + p + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(peers)) + "\n")
	for _, r := range tableRows {
		fmt.Fprintf(&b, "| %s |", r.title)
		for _, p := range peers {
			var values []string
			for _, k := range r.keys {
				if f, ok := all[p][k]; ok {
					values = append(values, r.value(f))
				}
			}
			b.WriteString(" " + strings.Join(values, " / ") + " |")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// writeTable puts the table of the figures in a file into a document.
func writeTable(document, raw string) error {
	text, err := os.ReadFile(raw)
	if err != nil {
		return err
	}
	doc, err := os.ReadFile(document)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(doc), tableBegin)
	_, behind, ok2 := strings.Cut(rest, tableEnd)
	if !ok || !ok2 {
		return errors.New(document + " has no place for the table: " + tableBegin + " … " + tableEnd)
	}
	return os.WriteFile(document, []byte(before+tableBegin+"\n\n"+table(string(text))+"\n"+tableEnd+behind), 0o644)
}
