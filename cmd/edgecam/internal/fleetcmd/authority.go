// Package fleetcmd is the commands that run and steer a fleet: its authority,
// its broker, and the operator's tool.
package fleetcmd

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/edgecam/edgecam/provisioning/acl"
	"github.com/edgecam/edgecam/provisioning/authority"
	"github.com/edgecam/edgecam/provisioning/client"
	"github.com/edgecam/edgecam/provisioning/seal"
)

// Streams are where the commands write.
type Streams struct {
	Out, Err io.Writer
	Terminal bool // Out is a terminal
}

// group returns a command that only holds others.
func group(use, short, long string) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Long: long,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("unknown command %q for %q; '%s --help' lists them", args[0], cmd.CommandPath(), cmd.CommandPath())
			}
			return fmt.Errorf("%s needs a command; '%s --help' lists them", cmd.CommandPath(), cmd.CommandPath())
		},
	}
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func (s Streams) log() *slog.Logger { return slog.New(slog.NewTextHandler(s.Err, nil)) }

// Authority returns the command "authority".
func Authority(s Streams) *cobra.Command {
	root := group("authority", "Run a fleet's certificate authority",
		"A small certificate authority for fleets without a cloud. Its folder holds every secret of the\n"+
			"fleet; move root.key and command-root.key to a safe place after init, nothing here needs them.\n"+
			"owner.key opens the pictures that nodes send; give it to nobody but who may see them.")
	var dir string
	root.PersistentFlags().StringVar(&dir, "dir", "edgecam-authority", "the authority's folder")
	open := func() (*authority.Authority, error) {
		return authority.Open(dir, authority.Options{Log: s.log()})
	}
	root.AddCommand(initCommand(s, &dir), runCommand(s, open), listCommand(s, open), approveCommand(s, open), expectCommand(s, open),
		brokerConfigCommand(s, &dir), ownerKeyCommand(s), &cobra.Command{
			Use: "revoke NODE", Short: "Take a node's certificates back and refuse it new ones", Args: cobra.ExactArgs(1),
			RunE: func(_ *cobra.Command, args []string) error {
				a, err := open()
				if err != nil {
					return err
				}
				return a.Revoke(args[0])
			},
		}, &cobra.Command{
			Use: "site", Short: "Print the site file that every node of the fleet gets", Args: cobra.NoArgs,
			RunE: func(*cobra.Command, []string) error {
				data, err := os.ReadFile(filepath.Join(dir, authority.SiteFile))
				if err != nil {
					return err
				}
				_, err = s.Out.Write(data)
				return err
			},
		}, &cobra.Command{
			Use: "operator NAME", Short: "Make a certificate for another operator", Args: cobra.ExactArgs(1),
			RunE: func(_ *cobra.Command, args []string) error {
				a, err := open()
				if err != nil {
					return err
				}
				cert, key, err := a.NewOperator(args[0])
				if err == nil {
					fmt.Fprintf(s.Out, "%s\n%s\n", cert, key)
				}
				return err
			},
		})
	return root
}

func initCommand(s Streams, dir *string) *cobra.Command {
	var o authority.InitOptions
	cmd := &cobra.Command{
		Use: "init --broker tls://HOST:8883", Short: "Make an authority: keys, certificates, site file", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			u, err := url.Parse(o.Broker)
			if err != nil || u.Scheme != "tls" || u.Hostname() == "" {
				return fmt.Errorf("--broker %q must be like tls://mqtt.example:8883", o.Broker)
			}
			if len(o.Hosts) == 0 {
				o.Hosts = []string{u.Hostname()}
			}
			o.Now = time.Now()
			if err := authority.Init(*dir, o); err != nil {
				return err
			}
			fmt.Fprintf(s.Out, "authority made in %s\nmove %s and %s to a safe place\ngive %s to every node (fleet.site_file)\n",
				*dir, authority.RootKey, authority.CmdRootKey, filepath.Join(*dir, authority.SiteFile))
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Broker, "broker", "", "address of the broker as nodes reach it, tls://HOST:PORT")
	f.StringSliceVar(&o.Hosts, "host", nil, "names and addresses for the broker's certificate (default: the host of --broker)")
	f.StringVar(&o.Name, "name", "edgecam fleet", "name of the fleet in its certificates")
	f.BoolVar(&o.PlainPictures, "plain-pictures", false, "let nodes send pictures as they are, for whoever reads the broker; otherwise they are sealed for owner.key")
	_ = cmd.MarkFlagRequired("broker")
	return cmd
}

func ownerKeyCommand(s Streams) *cobra.Command {
	return &cobra.Command{
		Use: "owner-key FILE", Short: "Make a key that opens pictures; prints the public half for fleet.owner_key", Args: cobra.ExactArgs(1),
		Long: "For an owner other than the fleet's: with fleet.owner_key in the node's own configuration its pictures\n" +
			"open with this key and no other. If FILE is there its public half is printed again.",
		RunE: func(_ *cobra.Command, args []string) error {
			key, err := ownerKey(args[0])
			if err == nil {
				_, err = fmt.Fprintln(s.Out, base64.StdEncoding.EncodeToString(key.Public().Bytes()))
			}
			return err
		},
	}
}

// ownerKey reads an owner's key, or makes one where there is none.
func ownerKey(path string) (seal.Private, error) {
	text, err := os.ReadFile(path)
	if err == nil {
		return seal.ParsePrivate(text)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return seal.Private{}, err
	}
	key, err := seal.NewPrivate()
	if err != nil {
		return key, err
	}
	if text, err = key.Encode(); err != nil {
		return key, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return key, err
	}
	_, err = f.Write(text)
	return key, errors.Join(err, f.Sync(), f.Close())
}

func runCommand(s Streams, open func() (*authority.Authority, error)) *cobra.Command {
	return &cobra.Command{
		Use: "run", Short: "Answer claims and rotations over the broker", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := open()
			if err != nil {
				return err
			}
			ctx, stop := untilSignal(cmd.Context())
			defer stop()
			var wg sync.WaitGroup
			defer wg.Wait()
			wg.Go(func() { a.Upkeep(ctx) })
			return a.Serve(ctx, client.Backoff{})
		},
	}
}

func listCommand(s Streams, open func() (*authority.Authority, error)) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List the nodes that the authority knows", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			a, err := open()
			if err != nil {
				return err
			}
			nodes, err := a.List()
			if err != nil {
				return err
			}
			for i := range nodes {
				nodes[i].Secret = "" // it is for the authority alone
			}
			if asJSON {
				return printJSON(s.Out, nodes)
			}
			tw := tabwriter.NewWriter(s.Out, 0, 4, 2, ' ', 0)
			fmt.Fprintln(tw, "NODE\tSTATUS\tGROUP\tASKS WITH KEY\tMODEL\tUPDATED")
			for _, n := range nodes {
				fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%q\t%s\n", n.ID, n.Status, n.Group, n.Asking, n.Model, n.Updated.Format(time.RFC3339))
			}
			return tw.Flush()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func approveCommand(s Streams, open func() (*authority.Authority, error)) *cobra.Command {
	var key, groupName string
	cmd := &cobra.Command{
		Use: "approve NODE --key FINGERPRINT", Short: "Let a waiting node have its certificate", Args: cobra.ExactArgs(1),
		Long: "The fingerprint is what the node prints in its log while it waits (key_fingerprint). Compare it:\n" +
			"whoever holds the claim certificate can ask in a node's name.",
		RunE: func(_ *cobra.Command, args []string) error {
			a, err := open()
			if err != nil {
				return err
			}
			n, err := a.Approve(args[0], key, groupName)
			if err == nil {
				fmt.Fprintf(s.Out, "%s gets its certificate the next time it asks\n", n.ID)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "fingerprint of the node's key")
	cmd.Flags().StringVar(&groupName, "group", "", "group that the node belongs to")
	_ = cmd.MarkFlagRequired("key")
	return cmd
}

func expectCommand(s Streams, open func() (*authority.Authority, error)) *cobra.Command {
	var secretFile, groupName string
	cmd := &cobra.Command{
		Use: "expect SERIAL|NODE --secret-file FILE", Short: "Register a node with its owner's claim secret", Args: cobra.ExactArgs(1),
		Long: "A node that proves to know the secret (fleet.owner_secret) gets its certificate at once. This also\n" +
			"lets a revoked node come back.",
		RunE: func(cmd *cobra.Command, args []string) error {
			var data []byte
			var err error
			if secretFile == "-" {
				data, err = io.ReadAll(io.LimitReader(cmd.InOrStdin(), 4096))
			} else {
				data, err = os.ReadFile(secretFile)
			}
			if err != nil {
				return err
			}
			a, err := open()
			if err != nil {
				return err
			}
			n, err := a.Expect(args[0], trimmed(data), groupName)
			if err == nil {
				fmt.Fprintf(s.Out, "%s is expected\n", n.ID)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&secretFile, "secret-file", "", "file with the secret, - for standard input")
	cmd.Flags().StringVar(&groupName, "group", "", "group that the node belongs to")
	_ = cmd.MarkFlagRequired("secret-file")
	return cmd
}

func brokerConfigCommand(s Streams, dir *string) *cobra.Command {
	var port int
	var operators []string
	var onlyACL bool
	cmd := &cobra.Command{
		Use: "broker-config mosquitto|emqx", Short: "Print the configuration of a broker: TLS and access rules", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			abs, err := filepath.Abs(*dir)
			if err != nil {
				return err
			}
			for i, o := range operators {
				operators[i] = acl.Operator + "-" + o
			}
			switch args[0] {
			case "mosquitto":
				if !onlyACL {
					fmt.Fprint(s.Out, acl.MosquittoConfig(abs, port))
					return nil
				}
				fmt.Fprint(s.Out, acl.Mosquitto(operators...))
			case "emqx":
				fmt.Fprint(s.Out, acl.EMQX())
			default:
				return fmt.Errorf("broker %q is not known; mosquitto and emqx are", args[0])
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.IntVar(&port, "port", 8883, "port that mosquitto listens on")
	f.StringSliceVar(&operators, "operator", nil, "further operators to allow in mosquitto's access file")
	f.BoolVar(&onlyACL, "acl", false, "mosquitto: print the access file instead (it is also in the folder, as mosquitto.acl)")
	return cmd
}

func trimmed(b []byte) string {
	for len(b) > 0 && (b[len(b)-1] == '\n' || b[len(b)-1] == '\r') {
		b = b[:len(b)-1]
	}
	return string(b)
}

var errNoHost = errors.New("an address must be HOST:PORT or :PORT")

func checkListen(addr string) error {
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return fmt.Errorf("--listen %q: %w", addr, errNoHost)
	}
	return nil
}

// untilSignal returns a context that SIGINT and SIGTERM end.
func untilSignal(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
}
