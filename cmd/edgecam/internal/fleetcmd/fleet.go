package fleetcmd

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/edgecam/edgecam/provisioning/acl"
	"github.com/edgecam/edgecam/provisioning/authority"
	"github.com/edgecam/edgecam/provisioning/enrol"
	"github.com/edgecam/edgecam/provisioning/fleet"
	"github.com/edgecam/edgecam/provisioning/pki"
	"github.com/edgecam/edgecam/provisioning/schema"
	"github.com/edgecam/edgecam/provisioning/seal"
	"github.com/edgecam/edgecam/provisioning/wire"
)

// tool is what the operator's commands share.
type tool struct {
	Streams
	dir, name string
	timeout   time.Duration
	settle    time.Duration
	asJSON    bool
}

// Fleet returns the command "fleet".
func Fleet(s Streams) *cobra.Command {
	t := &tool{Streams: s}
	root := group("fleet", "See and steer the nodes of a fleet", "These commands need the broker only, and from the authority's folder: site.json, the operator's\ncertificate and key, and for signed commands command.key.")
	f := root.PersistentFlags()
	f.StringVar(&t.dir, "dir", "edgecam-authority", "folder with site.json and the operator's files")
	f.StringVar(&t.name, "operator", acl.Operator, "whose certificate to use: NAME.crt and NAME.key in the folder")
	f.DurationVar(&t.timeout, "timeout", 30*time.Second, "give up after this long")
	f.DurationVar(&t.settle, "settle", 500*time.Millisecond, "wait this long for what the broker has retained")
	f.BoolVar(&t.asJSON, "json", false, "print JSON")
	root.AddCommand(t.listCommand(), t.showCommand(), t.watchCommand(), t.setCommand(), t.commandCommand(), t.grantCommand(), t.rolloutCommand(), t.simulateCommand(), t.schemaCommand())
	return root
}

// with connects, runs f and disconnects. f's context ends with the command's
// time-out unless forever is set.
func (t *tool) with(parent context.Context, forever bool, o fleet.Options, f func(ctx context.Context, op *fleet.Operator) error) error {
	data, err := os.ReadFile(filepath.Join(t.dir, authority.SiteFile))
	if err != nil {
		return err
	}
	site, err := enrol.ParseSite(data)
	if err != nil {
		return err
	}
	if o.Endpoint, err = authority.ServiceEndpoint(t.dir, t.name, site.Root, site.Broker); err != nil {
		return err
	}
	o.ClientID = t.name + "-" + wire.NewNonce()
	if text, err := os.ReadFile(filepath.Join(t.dir, authority.CmdKey)); err == nil {
		key, err := pki.ParseKey(text)
		if err != nil {
			return err
		}
		ed, ok := key.(ed25519.PrivateKey)
		if !ok {
			return fmt.Errorf("%s is no ed25519 key", authority.CmdKey)
		}
		o.Key, o.KeyID = ed, authority.CommandKeyID
	}
	o.Log = t.log()
	ctx, stop := untilSignal(parent)
	defer stop()
	if !forever {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, t.timeout)
		defer cancel()
	}
	op := fleet.New(o)
	running, end := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer end()
	wg.Go(func() { op.Run(running) })
	if err := op.Ready(ctx, t.settle); err != nil {
		return err
	}
	return f(ctx, op)
}

func (t *tool) listCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the nodes", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return t.with(cmd.Context(), false, fleet.Options{}, func(_ context.Context, op *fleet.Operator) error {
				if t.asJSON {
					return printJSON(t.Out, op.Nodes())
				}
				return table(t.Out, op.Nodes())
			})
		},
	}
}

func (t *tool) showCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show NODE|group:NAME", Short: "Show all that is known of a node, or a group's configuration", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.with(cmd.Context(), false, fleet.Options{}, func(_ context.Context, op *fleet.Operator) error {
				d, err := op.Desired(args[0])
				if err != nil {
					return err
				}
				out := struct {
					Node    *fleet.NodeState `json:"node,omitempty"`
					Desired *wire.Desired    `json:"desired,omitempty"`
				}{}
				if n, ok := op.Node(args[0]); ok {
					out.Node = &n
				}
				if d.Revision > 0 {
					out.Desired = &d
				}
				if out.Node == nil && out.Desired == nil {
					return fmt.Errorf("%w: %s", fleet.ErrNotKnown, args[0])
				}
				return printJSON(t.Out, out)
			})
		},
	}
}

func (t *tool) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use: "schema [MESSAGE]", Short: "Print the JSON schema of a message of the fleet protocol", Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				for _, name := range schema.Names() {
					fmt.Fprintln(t.Out, name)
				}
				return nil
			}
			text := schema.Read(args[0])
			if text == nil {
				return fmt.Errorf("there is no message %q; 'edgecam fleet schema' lists them", args[0])
			}
			_, err := t.Out.Write(text)
			return err
		},
	}
}

func (t *tool) setCommand() *cobra.Command {
	var file, groupName, minSoftware string
	cmd := &cobra.Command{
		Use: "set NODE|group:NAME [JSON]", Short: "Set a desired configuration and wait for the node's report", Args: cobra.RangeArgs(1, 2),
		Long: "The JSON object has the keys of the configuration file; it replaces the target's former desired\n" +
			"configuration. Order: file < group < node. A node that is not well with it goes back by itself.",
		Example: `  edgecam fleet set ec-10000000abcdef01 '{"video":{"bitrate_kbps":800}}'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := configArgument(args[1:], file)
			if err != nil {
				return err
			}
			d := wire.Desired{Config: cfg, MinSoftware: minSoftware}
			if cmd.Flags().Changed("move-to") {
				d.Group = &groupName
			}
			return t.with(cmd.Context(), false, fleet.Options{}, func(ctx context.Context, op *fleet.Operator) error {
				rev, err := op.SetDesired(ctx, args[0], d)
				if err != nil {
					return err
				}
				if !wire.ValidID(args[0]) {
					fmt.Fprintf(t.Out, "%s revision %d\n", args[0], rev)
					return nil
				}
				n, err := op.Wait(ctx, args[0], func(n fleet.NodeState) bool { return fleet.Settled(n, rev) })
				if err != nil {
					return fmt.Errorf("revision %d is set, but the node has not reported on it yet: %w", rev, err)
				}
				if t.asJSON {
					if err := printJSON(t.Out, n.Report); err != nil {
						return err
					}
				} else {
					fmt.Fprintf(t.Out, "%s revision %d: %s\n", args[0], rev, n.Report.State)
				}
				if n.Report.State != wire.ReportOK {
					return fmt.Errorf("%w: %s", errNotApplied, faults(n.Report.Errors))
				}
				return nil
			})
		},
	}
	f := cmd.Flags()
	f.StringVarP(&file, "file", "f", "", "read the JSON from this file")
	f.StringVar(&groupName, "move-to", "", "make the node a member of this group; empty: of none")
	f.StringVar(&minSoftware, "min-software", "", "refuse on nodes with an older version")
	return cmd
}

var errNotApplied = errors.New("the node does not run with it")

func faults(fs []wire.Fault) string {
	text := ""
	for i, f := range fs {
		if i > 0 {
			text += "; "
		}
		text += f.Code + " " + f.Path + " " + f.Message
	}
	return text
}

func configArgument(args []string, file string) (json.RawMessage, error) {
	var data []byte
	switch {
	case len(args) == 1 && file == "":
		data = []byte(args[0])
	case len(args) == 0 && file != "":
		var err error
		if data, err = os.ReadFile(file); err != nil {
			return nil, err
		}
	default:
		return nil, errors.New("give the configuration either as JSON or by --file")
	}
	var v map[string]any
	if err := json.Unmarshal(data, &v); err != nil {
		return nil, fmt.Errorf("the configuration must be a JSON object: %w", err)
	}
	return json.Marshal(v)
}

func (t *tool) commandCommand() *cobra.Command {
	var ttl time.Duration
	var out, ownerFile string
	cmd := &cobra.Command{
		Use: "command NODE OP [JSON-ARGS]", Short: "Send a command and wait for the answer", Args: cobra.RangeArgs(2, 3),
		Long: "Commands: open-door, reboot, snapshot, ring-test, log-level, diagnostics, nat-test, uplink, update, rotate,\n" +
			"factory-reset, decommission. 'fleet show NODE' lists what a node knows. Pictures and the diagnostics bundle\n" +
			"come sealed for their owner, and are opened with the owner's key.",
		Example: "  edgecam fleet command ec-10000000abcdef01 snapshot --output door.jpg",
		RunE: func(cmd *cobra.Command, args []string) error {
			var raw any
			if len(args) == 3 {
				if !json.Valid([]byte(args[2])) {
					return errors.New("the arguments must be JSON")
				}
				raw = json.RawMessage(args[2])
			}
			var mu sync.Mutex
			blobs := map[string][]byte{}
			o := fleet.Options{OnBlob: func(_, id string, data []byte) {
				mu.Lock()
				defer mu.Unlock()
				blobs[id] = data
			}}
			return t.with(cmd.Context(), false, o, func(ctx context.Context, op *fleet.Operator) error {
				a, err := op.Command(ctx, args[0], args[1], raw, ttl)
				if t.asJSON && a.ID != "" {
					if perr := printJSON(t.Out, a); perr != nil {
						return perr
					}
				}
				if err != nil {
					return err
				}
				if !t.asJSON {
					fmt.Fprintf(t.Out, "%s %s\n", a.State, a.Result)
				}
				if out == "" {
					return nil
				}
				mu.Lock()
				data, ok := blobs[a.ID]
				mu.Unlock()
				if !ok {
					return errors.New("the node has sent nothing to write to --output")
				}
				if data, err = t.unsealed(args[0], a, data, ownerFile); err != nil {
					return err
				}
				return os.WriteFile(out, data, 0o600)
			})
		},
	}
	cmd.Flags().DurationVar(&ttl, "ttl", 30*time.Second, "the node refuses the command after this long")
	cmd.Flags().StringVarP(&out, "output", "o", "", "write what comes with the answer (picture, bundle) to this file")
	cmd.Flags().StringVar(&ownerFile, "owner-key", "", "file with the key that opens pictures (default owner.key in --dir)")
	return cmd
}

// unsealed returns what came beside an answer as it was before the node has
// sealed it.
func (t *tool) unsealed(id string, a wire.Ack, data []byte, keyFile string) ([]byte, error) {
	var r struct {
		Type   string `json:"type"`
		Sealed string `json:"sealed"`
	}
	if len(a.Result) > 0 {
		if err := json.Unmarshal(a.Result, &r); err != nil {
			return nil, fmt.Errorf("the node's answer does not say what it has sent: %w", err)
		}
	}
	if r.Sealed == "" {
		return data, nil
	}
	if keyFile == "" {
		keyFile = filepath.Join(t.dir, authority.OwnerKey)
	}
	text, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, fmt.Errorf("what the node has sent is sealed for the owner's key %s: %w; name its file by --owner-key", clean(r.Sealed), err)
	}
	key, err := seal.ParsePrivate(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", keyFile, err)
	}
	if own := key.Public().ID(); own != r.Sealed {
		return nil, fmt.Errorf("what the node has sent is sealed for the owner's key %s; that of %s is %s", clean(r.Sealed), keyFile, own)
	}
	return key.Open(seal.Purpose{Node: id, Command: a.ID, Type: r.Type}, data)
}
