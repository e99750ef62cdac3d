package fleetcmd

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/edgecam/edgecam/internal/durable"
	"github.com/edgecam/edgecam/provisioning/authority"
	"github.com/edgecam/edgecam/provisioning/broker"
	"github.com/edgecam/edgecam/provisioning/client"
	"github.com/edgecam/edgecam/provisioning/pki"
)

// sweepEvery is how soon a revoked node loses its connection.
const sweepEvery = 10 * time.Second

// Broker returns the command "broker".
func Broker(s Streams) *cobra.Command {
	var dir, listen string
	var withAuthority bool
	cmd := &cobra.Command{
		Use: "broker", Short: "Run an MQTT broker for one house", Args: cobra.NoArgs,
		Long: "A broker with mutual TLS and the fleet's access rules, for a house or a test; it takes its\n" +
			"certificate and the list of revoked nodes from the authority's folder. Fleets use a broker such\n" +
			"as mosquitto or EMQX: see 'edgecam authority broker-config'.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkListen(listen); err != nil {
				return err
			}
			a, err := authority.Open(dir, authority.Options{Log: s.log()})
			if err != nil {
				return err
			}
			root, err := os.ReadFile(filepath.Join(dir, authority.RootCert))
			if err != nil {
				return err
			}
			pool, err := pki.Pool(string(root))
			if err != nil {
				return err
			}
			fsys, err := durable.OpenDir(filepath.Join(dir, "broker"))
			if err != nil {
				return err
			}
			b, err := broker.Start(broker.Options{
				Listen: listen, Clients: pool, FS: fsys, Log: s.log(),
				Cert: func() (*tls.Certificate, error) {
					c, err := tls.LoadX509KeyPair(filepath.Join(dir, "broker.crt"), filepath.Join(dir, "broker.key"))
					return &c, err
				},
				Revoked: func(c *x509.Certificate) bool { return a.IsRevoked(c.Subject.CommonName, pki.SerialHex(c)) },
			})
			if err != nil {
				return err
			}
			fmt.Fprintf(s.Out, "broker listens on %s\n", b.Addr())
			ctx, stop := untilSignal(cmd.Context())
			defer stop()
			var wg sync.WaitGroup
			if withAuthority {
				wg.Go(func() { a.Upkeep(ctx) })
				wg.Go(func() {
					if err := a.Serve(ctx, client.Backoff{Most: 10 * time.Second}); err != nil {
						s.log().Error("authority ended", "error", err)
					}
				})
			}
			sweep := time.NewTicker(sweepEvery)
			defer sweep.Stop()
			for ctx.Err() == nil {
				select {
				case <-ctx.Done():
				case <-sweep.C:
					b.Sweep()
				}
			}
			wg.Wait()
			return b.Close()
		},
	}
	f := cmd.Flags()
	f.StringVar(&dir, "dir", "edgecam-authority", "the authority's folder")
	f.StringVar(&listen, "listen", ":8883", "address to listen on")
	f.BoolVar(&withAuthority, "authority", false, "run the authority in the same process")
	return cmd
}
