package cli

import (
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/auth"
)

func (a *app) tokenCommand() *cobra.Command {
	cmd := group("token", "Manage API tokens and the owner secret (works on the state folder; a running node notices)")
	cmd.AddCommand(a.tokenCreate(), a.tokenList(), &cobra.Command{
		Use: "revoke ID", Short: "Revoke a token and end the sessions made by it", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			s, err := a.access()
			if err != nil {
				return err
			}
			return s.RevokeToken(args[0])
		},
	}, &cobra.Command{
		Use: "reset-owner", Short: "Make a new owner secret, print it, and end every session", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			s, url, err := a.openAccess()
			if err != nil {
				return err
			}
			secret := s.NewOwnerSecret()
			if secret == "" {
				if secret, err = s.ResetOwner(); err != nil {
					return err
				}
			}
			return auth.PrintOwner(a.streams.Out, url, secret, a.streams.Terminal)
		},
	})
	return cmd
}

// openAccess opens the node's access control and returns a likely address of
// its page.
func (a *app) openAccess() (*auth.Store, string, error) {
	l, log, _, _, err := a.load(nil)
	if err != nil {
		return nil, "", err
	}
	dir, err := l.ResolveStateDir()
	if err != nil {
		return nil, "", err
	}
	s, err := auth.Open(dir, auth.Options{Log: log, TokenAge: l.Auth.TokenAge()})
	if err != nil {
		return nil, "", err
	}
	addr, scheme := l.HTTP.HTTPSListen, "https://"
	if addr == "" {
		addr, scheme = l.HTTP.Listen, "http://"
	}
	if strings.HasPrefix(addr, ":") {
		addr = "localhost" + addr
	}
	return s, scheme + addr, nil
}

// access is openAccess for commands other than reset-owner. If the node has
// never run, this made the owner secret, which must not get lost.
func (a *app) access() (*auth.Store, error) {
	s, url, err := a.openAccess()
	if err != nil {
		return nil, err
	}
	if secret := s.NewOwnerSecret(); secret != "" {
		return s, auth.PrintOwner(a.streams.Err, url, secret, false)
	}
	return s, nil
}

func (a *app) tokenCreate() *cobra.Command {
	var scopes, expires string
	cmd := &cobra.Command{
		Use: "create NAME", Short: "Make a token and print it, once", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			sc, err := auth.ParseScopes(scopes)
			if err != nil {
				return usageError{err}
			}
			age, err := parseAge(expires)
			if err != nil {
				return usageError{err}
			}
			s, err := a.access()
			if err != nil {
				return err
			}
			text, t, err := s.CreateToken(args[0], sc, age)
			if err != nil {
				return err
			}
			fmt.Fprintf(a.streams.Err, "token %s (%s) may %s and expires %s; it is shown this once:\n", t.ID, t.Name, t.Scopes, expiry(t))
			_, err = fmt.Fprintln(a.streams.Out, text)
			return err
		},
	}
	cmd.Flags().StringVar(&scopes, "scopes", "view", "what it may do: view, talk, open, admin; separated by commas")
	cmd.Flags().StringVar(&expires, "expires", "", "30d, 12h, 90m or never (default: auth.token_days)")
	return cmd
}

// parseAge reads a duration that may be in days; "" is 0, "never" is -1.
func parseAge(s string) (time.Duration, error) {
	const most = 100 * 366 * 24 * time.Hour
	switch s {
	case "":
		return 0, nil
	case "never":
		return -1, nil
	}
	d, err := time.ParseDuration(s)
	if days, ok := strings.CutSuffix(s, "d"); ok {
		var n int
		if n, err = strconv.Atoi(days); err == nil && n <= 36600 {
			d = time.Duration(n) * 24 * time.Hour
		}
	}
	if err != nil || d <= 0 || d > most {
		return 0, fmt.Errorf("--expires %q is not a time such as 30d, 12h or never", s)
	}
	return d, nil
}

func expiry(t auth.Token) string {
	if t.Expires == nil {
		return "never"
	}
	return t.Expires.Local().Format("2006-01-02 15:04")
}

func (a *app) tokenList() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List tokens (without their secrets)", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			s, err := a.access()
			if err != nil {
				return err
			}
			tokens := s.Tokens()
			if asJSON {
				return printJSON(a.streams.Out, tokens)
			}
			tw := tabwriter.NewWriter(a.streams.Out, 0, 4, 2, ' ', 0)
			fmt.Fprintln(tw, "ID\tNAME\tSCOPES\tCREATED\tEXPIRES")
			for _, t := range tokens {
				state := expiry(t)
				if t.Expired(time.Now()) {
					state += " (expired)"
				}
				fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\n", t.ID, t.Name, t.Scopes, t.Created.Local().Format("2006-01-02"), state)
			}
			return tw.Flush()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
