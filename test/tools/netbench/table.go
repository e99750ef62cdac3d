package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// readResults reads what -o has written.
func readResults(files []string) (out []result, err error) {
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		s := bufio.NewScanner(f)
		for s.Scan() {
			var r result
			if err := json.Unmarshal(s.Bytes(), &r); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			out = append(out, r)
		}
		if err := s.Err(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// printTable prints the medians of all runs of each sender on each trace.
func printTable(w io.Writer, results []result) {
	var senders []string
	for _, r := range results {
		if !slices.Contains(senders, r.Sender) {
			senders = append(senders, r.Sender)
		}
	}
	fmt.Fprintf(w, "| capacity used, p95 of the queue, time frozen, PSNR | %s |\n|---|%s\n", strings.Join(senders, " | "), strings.Repeat("---|", len(senders)))
	for _, tr := range traces() {
		for i, sp := range tr.spans {
			name := tr.name
			if len(tr.spans) > 1 {
				name += fmt.Sprintf(", %.0f to %.0f s", sp.from.Seconds(), sp.to.Seconds())
			}
			fmt.Fprintf(w, "| %s |", name)
			for _, s := range senders {
				fmt.Fprintf(w, " %s |", tr.cell(results, s, i))
			}
			fmt.Fprintln(w)
		}
	}
}

// cell sums up what a sender has shown in a span of a trace.
func (tr *trace) cell(results []result, sender string, span int) string {
	var runs []figures
	problem := "not run"
	for _, r := range results {
		switch {
		case r.Trace != tr.name || r.Sender != sender:
		case r.Error != "" || len(r.Spans) <= span:
			problem, _, _ = strings.Cut(r.Error, ":")
		default:
			runs = append(runs, r.Spans[span])
		}
	}
	if len(runs) == 0 {
		return problem
	}
	med := func(of func(figures) float64) float64 {
		var v []float64
		for _, f := range runs {
			v = append(v, of(f))
		}
		return median(v)
	}
	out := fmt.Sprintf("%.0f %%", 100*med(func(f figures) float64 { return f.Used }))
	if tr.download > 0 {
		out += fmt.Sprintf(" (download %.0f)", 100*med(func(f figures) float64 { return f.Download }))
	}
	out += fmt.Sprintf(", %.0f ms, %.1f s, %.1f dB", med(func(f figures) float64 { return f.P95 }), med(func(f figures) float64 { return f.Frozen }), med(func(f figures) float64 { return f.PSNR }))
	if fps := med(func(f figures) float64 { return f.FPS }); fps < clipFPS*4/5 {
		// A watcher counts time as frozen when the next picture comes.
		out += fmt.Sprintf(", %.0f frames/s", fps)
	}
	if tr.drop > 0 && span > 0 && tr.spans[span-1].from < tr.drop {
		out += fmt.Sprintf("; queue gone after %.1f s", med(func(f figures) float64 { return f.Recovery }))
	}
	return out
}

func median(v []float64) float64 {
	slices.Sort(v)
	n := len(v)
	return (v[(n-1)/2] + v[n/2]) / 2
}
