package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
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
	fmt.Fprintln(w, "| trace | sender | used | queue p50, p95 | queue gone after | did not fit | frames/s | frozen | picture | PSNR |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|---|---|")
	for _, tr := range traces() {
		for i, sp := range tr.spans {
			var senders []string
			for _, r := range results {
				if r.Trace == tr.name && !slices.Contains(senders, r.Sender) {
					senders = append(senders, r.Sender)
				}
			}
			for _, s := range senders {
				var runs []figures
				failed := 0
				for _, r := range results {
					switch {
					case r.Trace != tr.name || r.Sender != s:
					case r.Error != "" || len(r.Spans) <= i:
						failed++
					default:
						runs = append(runs, r.Spans[i])
					}
				}
				name := tr.name
				if len(tr.spans) > 1 {
					name += fmt.Sprintf(", %.0f to %.0f s", sp.from.Seconds(), sp.to.Seconds())
				}
				if len(runs) == 0 {
					fmt.Fprintf(w, "| %s | %s | failed %d times |\n", name, s, failed)
					continue
				}
				med := func(of func(figures) float64) float64 {
					var v []float64
					for _, f := range runs {
						v = append(v, of(f))
					}
					return median(v)
				}
				used := fmt.Sprintf("%.0f %%", 100*med(func(f figures) float64 { return f.Used }))
				if tr.download > 0 {
					used += fmt.Sprintf(", the download %.0f %%", 100*med(func(f figures) float64 { return f.Download }))
				}
				recovery := ""
				if tr.drop > 0 && i > 0 && tr.spans[i-1].from < tr.drop {
					recovery = fmt.Sprintf("%.1f s", med(func(f figures) float64 { return f.Recovery }))
				}
				fmt.Fprintf(w, "| %s | %s (%d) | %s | %.0f, %.0f ms | %s | %.1f %% | %.1f | %.0f, %.1f s | %.0f kbit/s, %.0f lines | %.1f dB |\n", name, s, len(runs), used,
					med(func(f figures) float64 { return f.P50 }), med(func(f figures) float64 { return f.P95 }), recovery,
					100*med(func(f figures) float64 { return f.Dropped }), med(func(f figures) float64 { return f.FPS }),
					med(func(f figures) float64 { return float64(f.Freezes) }), med(func(f figures) float64 { return f.Frozen }),
					med(func(f figures) float64 { return f.Picture }), med(func(f figures) float64 { return float64(f.Height) }),
					med(func(f figures) float64 { return f.PSNR }))
			}
		}
	}
}

func median(v []float64) float64 {
	slices.Sort(v)
	n := len(v)
	return (v[(n-1)/2] + v[n/2]) / 2
}
