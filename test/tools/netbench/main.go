// Command netbench compares senders on the same bad networks: a node, Chromium
// with its own congestion control (libwebrtc's), and the servers MediaMTX and
// go2rtc, which pass on a stream as it is. All send the same picture to the same
// watcher, a Chromium, through the network laboratory's relay in real time; its
// record says what the path carried and how long packets waited. Run it by
// scripts/bench-network; it wants the machine to itself.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "netbench:", err)
		os.Exit(1)
	}
}

func run() error {
	be := &bench{}
	flag.StringVar(&be.edgecam, "edgecam", "bin/edgecam", "the node's program")
	rounds := flag.Int("rounds", 3, "runs of each sender on each trace, alternating")
	only := flag.String("only", "", "senders whose names contain one of these, separated by commas")
	traceNames := flag.String("traces", "", "traces whose names contain one of these, separated by commas")
	out := flag.String("o", "", "file that gets a JSON line for each run")
	table := flag.Bool("table", false, "print the table of the files that are named, and run nothing")
	flag.Parse()
	if *table {
		results, err := readResults(flag.Args())
		if err != nil {
			return err
		}
		printTable(os.Stdout, results)
		return nil
	}
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if be.work, err = os.MkdirTemp("", "netbench-"); err != nil {
		return err
	}
	defer os.RemoveAll(be.work)
	if be.scene, err = writeClip(be.clip()); err != nil {
		return err
	}
	for _, name := range []string{"clip.ivf", "clip.h264"} {
		if err := encodeClip(be.clip(), filepath.Join(be.work, name), fixedBps); err != nil {
			return err
		}
	}
	if be.b, err = startBrowsers(ctx, root, be.clip()); err != nil {
		return err
	}
	defer be.b.close()
	fmt.Fprintf(os.Stderr, "netbench: Chromium %s\n", be.b.version)

	var log *os.File
	if *out != "" {
		if log, err = os.OpenFile(*out, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644); err != nil {
			return err
		}
		defer log.Close()
	}
	var results []result
	senders := be.senders()
	for round := range *rounds {
		for _, tr := range traces() {
			for _, s := range senders {
				if !named(tr.name, *traceNames) || !named(s.name, *only) {
					continue
				}
				one, end := context.WithCancel(ctx)
				res, err := be.run(one, &tr, s, round)
				end()
				if err != nil {
					if ctx.Err() != nil {
						return errors.Join(ctx.Err(), err)
					}
					res.Error = err.Error()
				}
				line, err := json.Marshal(res)
				if err != nil {
					return err
				}
				fmt.Fprintf(os.Stderr, "%s\n", line)
				if log != nil {
					if _, err := log.Write(append(line, '\n')); err != nil {
						return err
					}
				}
				results = append(results, res)
			}
		}
	}
	printTable(os.Stdout, results)
	return nil
}

// named reports whether name contains one of a list, or the list is empty.
func named(name, list string) bool {
	for part := range strings.SplitSeq(list, ",") {
		if strings.Contains(strings.ToLower(name), strings.ToLower(part)) {
			return true
		}
	}
	return false
}
