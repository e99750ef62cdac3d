package fleetcmd

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/edgecam/edgecam/provisioning/authority"
	"github.com/edgecam/edgecam/provisioning/enrol"
	"github.com/edgecam/edgecam/provisioning/fleet"
	"github.com/edgecam/edgecam/provisioning/pki"
	"github.com/edgecam/edgecam/provisioning/signal"
)

// grantTTL bounds the question for the node's key.
const grantTTL = 30 * time.Second

func (t *tool) grantCommand() *cobra.Command {
	var key, subject, fingerprint string
	var scopes []string
	var life time.Duration
	cmd := &cobra.Command{
		Use: "grant NODE", Short: "Let a viewer have sessions over the broker", Args: cobra.ExactArgs(1),
		Long: "Sign a grant: whoever holds the private key that belongs to --key may watch the node over the broker until the\n" +
			"grant expires. The node is asked for its signalling key first, so it must be connected. The grant is no secret.",
		Example: "  edgecam fleet grant ec-10000000abcdef01 --key BASE64 --subject phone --scopes view,talk --life 720h",
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.with(cmd.Context(), false, fleet.Options{}, func(ctx context.Context, op *fleet.Operator) error {
				word, err := t.signalKey(ctx, op, args[0])
				if err != nil {
					return err
				}
				signer, err := t.commandKey()
				if err != nil {
					return err
				}
				now := time.Now()
				e, err := signal.Issue(signal.Grant{
					Node: args[0], NodeKey: word.Key, Subject: subject, Key: key, Scopes: scopes, Fingerprint: fingerprint,
					Begins: now.Add(-time.Minute).Unix(), Expires: now.Add(life).Unix(),
				}, authority.CommandKeyID, signer)
				if err != nil {
					return err
				}
				return printJSON(t.Out, e)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&key, "key", "", "the viewer's public key: P-256, uncompressed point, base 64")
	f.StringVar(&subject, "subject", "viewer", "who the viewer is, for the node's log")
	f.StringSliceVar(&scopes, "scopes", []string{signal.ScopeView}, "view, talk, open")
	f.StringVar(&fingerprint, "fingerprint", "", "SHA-256 of the viewer's DTLS certificate, to bind the grant to it")
	f.DurationVar(&life, "life", 24*time.Hour, "how long the grant is good, at most 90 days")
	_ = cmd.MarkFlagRequired("key") // the flag exists
	return cmd
}

// signalKey asks a node for its signalling key and checks its word for it.
func (t *tool) signalKey(ctx context.Context, op *fleet.Operator, node string) (signal.Attestation, error) {
	var word signal.Attestation
	ack, err := op.Command(ctx, node, "signal-key", nil, grantTTL)
	if err != nil {
		return word, err
	}
	if err := json.Unmarshal(ack.Result, &word); err != nil {
		return word, fmt.Errorf("the node's answer is malformed: %w", err)
	}
	data, err := os.ReadFile(filepath.Join(t.dir, authority.SiteFile))
	if err != nil {
		return word, err
	}
	site, err := enrol.ParseSite(data)
	if err != nil {
		return word, err
	}
	pool, err := pki.Pool(site.Root)
	if err != nil {
		return word, err
	}
	return word, word.Verify(node, pool, time.Now())
}

// commandKey reads the key that commands and grants are signed with.
func (t *tool) commandKey() (ed25519.PrivateKey, error) {
	text, err := os.ReadFile(filepath.Join(t.dir, authority.CmdKey))
	if err != nil {
		return nil, fmt.Errorf("grants are signed with the command key: %w", err)
	}
	key, err := pki.ParseKey(text)
	if err != nil {
		return nil, err
	}
	ed, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s is no ed25519 key", authority.CmdKey)
	}
	return ed, nil
}
