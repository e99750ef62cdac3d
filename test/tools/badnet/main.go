// Command badnet puts a bad network before a node: who calls the address that it
// prints gets the node's media through a relay that loses, delays and reorders
// packets, or delivers the sound as a recorded trace says.
//
//	badnet -node http://127.0.0.1:8080 -media 127.0.0.1:8555 -loss 0.05 -delay 25ms
//	badnet -node http://127.0.0.1:8080 -media 127.0.0.1:8555 -trace wifi.csv
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/edgecam/edgecam/test/netlab"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "badnet:", err)
		os.Exit(1)
	}
}

func run() error {
	node := flag.String("node", "http://127.0.0.1:8080", "address of the node")
	media := flag.String("media", "127.0.0.1:8555", "its UDP port")
	listen := flag.String("listen", "127.0.0.1:8090", "address for callers")
	relayed := flag.String("relay", "127.0.0.1:6020", "UDP address for callers (not 6000: browsers refuse it)")
	trace := flag.String("trace", "", "arrival trace of the sound: seq,ts_ms,arrival_ms; -1 is lost")
	types := flag.String("types", "111,63", "payload types of the sound, with -trace")
	clock := flag.Int("clock", 48000, "rate of the sound's timestamps, with -trace")
	var way netlab.Conditions
	flag.Float64Var(&way.Loss, "loss", 0, "share of packets lost each way")
	flag.Float64Var(&way.Burst, "burst", 0, "mean length of losses")
	flag.Float64Var(&way.Reorder, "reorder", 0, "share of packets overtaken")
	flag.DurationVar(&way.Delay, "delay", 0, "delay each way")
	flag.DurationVar(&way.Jitter, "jitter", 0, "what is added at most")
	seed := flag.Uint64("seed", 1, "of chance")
	flag.Parse()

	cfg := netlab.RelayConfig{Seed: *seed, ToServer: []netlab.Step{netlab.Always(way)}, ToClient: []netlab.Step{netlab.Always(way)}}
	target, err := url.Parse(*node)
	if err != nil {
		return err
	}
	for at, addr := range map[*netip.AddrPort]string{&cfg.Target: *media, &cfg.Listen: *relayed} {
		if *at, err = netip.ParseAddrPort(addr); err != nil {
			return err
		}
	}
	if *trace != "" {
		if cfg.Trace, err = readTrace(*trace, *types, *clock); err != nil {
			return err
		}
	}
	relay, err := netlab.NewRelay(cfg)
	if err != nil {
		return err
	}
	defer relay.Close()
	server := &http.Server{Addr: *listen, Handler: netlab.Signalling(target, relay.Addr()), ReadHeaderTimeout: 10 * time.Second}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	fmt.Printf("http://%s/whep\n", *listen)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	up, down, overrun := relay.Stats()
	fmt.Printf("to the node %+v, to callers %+v, overrun %d\n", up, down, overrun)
	return nil
}

func readTrace(path, types string, clockHz int) (*netlab.Trace, error) {
	t := &netlab.Trace{ClockHz: clockHz}
	for s := range strings.SplitSeq(types, ",") {
		n, err := strconv.ParseUint(s, 10, 7)
		if err != nil {
			return nil, fmt.Errorf("payload type %q", s)
		}
		t.PayloadTypes = append(t.PayloadTypes, uint8(n))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	for s.Scan() {
		var v [3]float64
		parts := strings.Split(s.Text(), ",")
		if len(parts) != len(v) {
			return nil, fmt.Errorf("%s: %q is not seq,ts_ms,arrival_ms", path, s.Text())
		}
		for i := range v {
			if v[i], err = strconv.ParseFloat(strings.TrimSpace(parts[i]), 64); err != nil {
				break
			}
		}
		switch {
		case err != nil && len(t.Delays) == 0:
			err = nil // names of the columns
		case err != nil:
			return nil, fmt.Errorf("%s: %q: %w", path, s.Text(), err)
		case v[2] < 0:
			t.Delays = append(t.Delays, -1)
		default:
			t.Delays = append(t.Delays, time.Duration((v[2]-v[1])*float64(time.Millisecond)))
		}
	}
	return t, s.Err()
}
