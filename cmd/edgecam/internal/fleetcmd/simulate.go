package fleetcmd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/edgecam/edgecam/internal/durable"
	"github.com/edgecam/edgecam/provisioning/authority"
	"github.com/edgecam/edgecam/provisioning/enrol"
	"github.com/edgecam/edgecam/provisioning/node"
	"github.com/edgecam/edgecam/provisioning/wire"
)

// simulation is many nodes in one process. They are the real ones but for
// their disks, which are in memory, and their devices, which they have not.
type simulation struct {
	Nodes    int           `json:"nodes"`
	Ramp     time.Duration `json:"-"` // over which they start
	Duration time.Duration `json:"-"`
	FailPct  int           `json:"fail_percent"` // of nodes on which every new configuration fails
	Born     int           `json:"born"`         // connected at the end
	AllIn    float64       `json:"all_in_s"`     // seconds until all were connected, 0 if never
	PerNode  uint64        `json:"bytes_per_node"`
	Bins     []int         `json:"births_per_second"`
	// Return is how the nodes came back after all had been in and their broker
	// was lost; nil if that has not happened.
	Return *comeback `json:"return,omitempty"`
}

func (t *tool) simulateCommand() *cobra.Command {
	var s simulation
	cmd := &cobra.Command{
		Use: "simulate --nodes N", Short: "Run many simulated nodes against the broker, for tests of broker and fleet", Args: cobra.NoArgs,
		Long: "Registers N nodes at the authority in --dir, which must be running ('authority run'), and runs them\n" +
			"in this process: they are claimed, keep their connection and take configurations.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if s.Nodes < 1 || s.Nodes > 100_000 || s.FailPct < 0 || s.FailPct > 100 {
				return errors.New("--nodes must be 1 to 100000, --fail 0 to 100")
			}
			ctx, stop := untilSignal(cmd.Context())
			defer stop()
			if err := t.simulate(ctx, &s); err != nil {
				return err
			}
			if t.asJSON {
				return printJSON(t.Out, s)
			}
			most := 0
			for _, n := range s.Bins {
				most = max(most, n)
			}
			if r := s.Return; r != nil {
				fmt.Fprintf(t.Out, "%d came back, 99 %% of them within %.1f s of the first: %d in the fullest second, %.1f times the mean\n",
					r.Nodes, r.Seconds, r.Most, r.TimesMean)
			}
			fmt.Fprintf(t.Out, "%d of %d nodes connected, all after %.1f s, most births in one second %d, %d bytes of memory each\n",
				s.Born, s.Nodes, s.AllIn, most, s.PerNode)
			return nil
		},
	}
	f := cmd.Flags()
	f.IntVar(&s.Nodes, "nodes", 100, "how many")
	f.DurationVar(&s.Ramp, "ramp", 10*time.Second, "time over which they start")
	f.DurationVar(&s.Duration, "duration", time.Minute, "how long they run")
	f.IntVar(&s.FailPct, "fail", 0, "percentage of nodes on which every new configuration fails")
	return cmd
}

// simSecret is the claim secret of simulated nodes.
const simSecret = "simulated-node-secret"

func (t *tool) simulate(ctx context.Context, s *simulation) error {
	a, err := authority.Open(t.dir, authority.Options{})
	if err != nil {
		return err
	}
	data, err := os.ReadFile(filepath.Join(t.dir, authority.SiteFile))
	if err != nil {
		return err
	}
	site, err := enrol.ParseSite(data)
	if err != nil {
		return err
	}
	for i := range s.Nodes {
		if _, err := a.Expect(simSerial(i), simSecret, "simulated"); err != nil {
			return err
		}
	}
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	ctx, cancel := context.WithTimeout(ctx, s.Duration)
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	nodes := make([]*node.Node, s.Nodes)
	var births births
	for i := range nodes {
		if nodes[i], err = simNode(i, site, (i*37+50)%100 < s.FailPct, births.add); err != nil {
			return err
		}
	}
	began := time.Now()
	wg.Go(func() {
		for i, n := range nodes {
			select {
			case <-time.After(time.Until(began.Add(s.Ramp * time.Duration(i) / time.Duration(s.Nodes)))):
				wg.Go(func() { _ = n.Run(ctx) })
			case <-ctx.Done():
				return
			}
		}
	})
	var allIn time.Time
	for tick := time.NewTicker(time.Second); ; {
		select {
		case <-tick.C:
			born := 0
			for _, n := range nodes {
				if n.Connected() && n.Phase() == enrol.Active {
					born++
				}
			}
			if s.Born = born; born == s.Nodes && s.AllIn == 0 {
				allIn = time.Now()
				s.AllIn = allIn.Sub(began).Seconds()
				runtime.GC()
				var after runtime.MemStats
				runtime.ReadMemStats(&after)
				s.PerNode = (after.HeapInuse + after.StackInuse - min(after.HeapInuse+after.StackInuse, before.HeapInuse+before.StackInuse)) / uint64(s.Nodes)
			}
		case <-ctx.Done():
			tick.Stop()
			s.Bins = births.perSecond(began)
			s.Return = births.comeback(allIn, s.Nodes)
			return nil
		}
	}
}

func simSerial(i int) string { return fmt.Sprintf("5100%012x", i) }

func simNode(i int, site enrol.Site, sick bool, birth func()) (*node.Node, error) {
	return node.Open(node.Options{
		FS: durable.NewMemory(), Site: site, Serial: simSerial(i), Board: "simulated", Software: "v0.0.0", OwnerSecret: simSecret,
		Probation: 2 * time.Second, TelemetryEvery: -1, Birth: birth,
		Check: func(cfg []byte) []wire.Fault {
			if strings.Contains(string(cfg), "reject") {
				return []wire.Fault{{Path: "reject", Code: "schema"}}
			}
			return nil
		},
		Healthy: func() error {
			if sick {
				return errors.New("simulated fault")
			}
			return nil
		},
		Log: slog.New(slog.DiscardHandler),
	})
}
