package voicecmd

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"sort"
	"strconv"
	"strings"
)

// traceLine is a packet of a trace: its number, when it was sent and when it
// arrived, in milliseconds.
type traceLine struct {
	seq     int
	index   int // of its line: which packet it is
	sent    float64
	arrival float64 // negative: lost
}

// maxTraceLines bounds what is read: a day of packets.
const maxTraceLines = 24 * 3600 * packetsPerSecond

// readTrace reads a CSV file with a head line and seq,ts_ms,arrival_ms per packet,
// -1 for lost. Errors wrap ErrUsage.
func readTrace(path string) ([]traceLine, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	defer f.Close()
	var trace []traceLine
	r := bufio.NewScanner(f)
	for number := 1; r.Scan(); number++ {
		text := strings.TrimSpace(r.Text())
		if text == "" || number == 1 && strings.HasPrefix(text, "seq") {
			continue
		}
		l, err := parseTraceLine(text)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: line %d: %w", ErrUsage, path, number, err)
		}
		l.index = len(trace)
		if trace = append(trace, l); len(trace) > maxTraceLines {
			return nil, fmt.Errorf("%w: %s has more than %d lines: cut it into pieces", ErrUsage, path, maxTraceLines)
		}
	}
	if err := r.Err(); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrUsage, path, err)
	}
	if len(trace) == 0 {
		return nil, fmt.Errorf("%w: %s has no packets: lines of seq,ts_ms,arrival_ms are needed", ErrUsage, path)
	}
	return trace, nil
}

func parseTraceLine(text string) (l traceLine, err error) {
	seq, rest, _ := strings.Cut(text, ",")
	sent, arrival, ok := strings.Cut(rest, ",")
	if !ok {
		return l, fmt.Errorf("%q, must be seq,ts_ms,arrival_ms", text)
	}
	if l.seq, err = strconv.Atoi(seq); err != nil {
		return l, fmt.Errorf("%q is no packet number: %w", seq, err)
	}
	for _, v := range []struct {
		to   *float64
		text string
	}{{&l.sent, sent}, {&l.arrival, arrival}} {
		if *v.to, err = strconv.ParseFloat(strings.TrimSpace(v.text), 64); err != nil || math.IsNaN(*v.to) || math.Abs(*v.to) > 1e9 {
			return l, fmt.Errorf("%q is no time in milliseconds", v.text)
		}
	}
	if l.sent < 0 {
		return l, fmt.Errorf("time of sending %v is negative", l.sent)
	}
	return l, nil
}

// byArrival returns the packets that arrive, in the order in which they do.
func byArrival(trace []traceLine) []traceLine {
	arrived := make([]traceLine, 0, len(trace))
	for _, l := range trace {
		if l.arrival >= 0 {
			arrived = append(arrived, l)
		}
	}
	sort.SliceStable(arrived, func(i, j int) bool { return arrived[i].arrival < arrived[j].arrival })
	return arrived
}
