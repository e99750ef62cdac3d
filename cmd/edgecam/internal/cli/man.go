package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// manCommand writes the manual pages of all commands. Packages are built with
// it; nobody else needs it, so it is hidden.
func (a *app) manCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use: "man DIR", Short: "Write the manual pages", Hidden: true, Args: cobra.ExactArgs(1),
		Long: "Write a manual page of section 1 for every command. SOURCE_DATE_EPOCH sets their date.",
		RunE: func(_ *cobra.Command, args []string) error {
			date := time.Now()
			if epoch := lookup(a.streams.Environ, "SOURCE_DATE_EPOCH"); epoch != "" {
				s, err := strconv.ParseInt(epoch, 10, 64)
				if err != nil {
					return usageError{fmt.Errorf("SOURCE_DATE_EPOCH is %q, must be a number of seconds", epoch)}
				}
				date = time.Unix(s, 0)
			}
			root.InitDefaultHelpFlag()
			return writeMan(root, args[0], date.UTC())
		},
	}
}

// writeMan writes the page of cmd and those of the commands below.
func writeMan(cmd *cobra.Command, dir string, date time.Time) error {
	name := strings.ReplaceAll(cmd.CommandPath(), " ", "-")
	if err := os.WriteFile(filepath.Join(dir, name+".1"), []byte(manPage(cmd, date)), 0o644); err != nil {
		return fmt.Errorf("cli: %w", err)
	}
	for _, sub := range cmd.Commands() {
		if sub.Hidden || sub.Name() == "help" || sub.Name() == "completion" {
			continue
		}
		if err := writeMan(sub, dir, date); err != nil {
			return err
		}
	}
	return nil
}

// manPage returns the page of one command in the man macros of roff.
func manPage(cmd *cobra.Command, date time.Time) string {
	var b strings.Builder
	name := strings.ReplaceAll(cmd.CommandPath(), " ", "-")
	fmt.Fprintf(&b, ".TH %s 1 %s edgecam \"edgecam manual\"\n", roff(strings.ToUpper(name)), date.Format(time.DateOnly))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(name), roff(lowerFirst(cmd.Short)))
	if cmd.Runnable() && !cmd.HasSubCommands() {
		fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n", roff(cmd.UseLine()))
	} else if cmd.HasSubCommands() {
		fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n.I command\n[flags]\n", roff(cmd.CommandPath()))
	}
	text := cmd.Long
	if text == "" {
		text = cmd.Short + "."
	}
	b.WriteString(".SH DESCRIPTION\n")
	roffText(&b, text)
	if cmd.Example != "" {
		b.WriteString(".SH EXAMPLES\n")
		roffText(&b, "  "+strings.TrimSpace(cmd.Example))
	}
	var related []string
	if cmd.HasSubCommands() {
		b.WriteString(".SH COMMANDS\n")
		for _, sub := range cmd.Commands() {
			if sub.Hidden || sub.Name() == "help" {
				continue
			}
			fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(sub.Name()), roff(sub.Short))
			if sub.Name() != "completion" {
				related = append(related, name+"-"+sub.Name())
			}
		}
	}
	roffFlags(&b, "OPTIONS", cmd.NonInheritedFlags())
	roffFlags(&b, "GLOBAL OPTIONS", cmd.InheritedFlags())
	if !cmd.HasParent() {
		b.WriteString(".SH FILES\n.TP\n.I /etc/edgecam/edgecam.yaml\nconfiguration; see edgecam config schema\n" +
			".TP\n.I /var/lib/edgecam\nsecrets, certificate and identity of the service\n")
	} else {
		related = append(related, strings.ReplaceAll(cmd.Parent().CommandPath(), " ", "-"))
	}
	if len(related) > 0 {
		b.WriteString(".SH SEE ALSO\n")
		for i, r := range related {
			comma := ","
			if i == len(related)-1 {
				comma = ""
			}
			fmt.Fprintf(&b, ".BR %s (1)%s\n", roff(r), comma)
		}
	}
	return b.String()
}

func roffFlags(b *strings.Builder, title string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	fmt.Fprintf(b, ".SH %s\n", title)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		kind, usage := pflag.UnquoteUsage(f)
		b.WriteString(".TP\n\\fB")
		if f.Shorthand != "" {
			fmt.Fprintf(b, "%s\\fR, \\fB", roff("-"+f.Shorthand))
		}
		fmt.Fprintf(b, "%s\\fR", roff("--"+f.Name))
		if kind != "" {
			fmt.Fprintf(b, " \\fI%s\\fR", roff(kind))
		}
		fmt.Fprintf(b, "\n%s\n", roff(usage))
	})
}

// roffText writes paragraphs; indented lines stay as they are.
func roffText(b *strings.Builder, text string) {
	fixed := false
	for line := range strings.Lines(strings.TrimRight(text, "\n") + "\n") {
		line = strings.TrimRight(line, "\n")
		indented := strings.HasPrefix(line, "  ")
		switch {
		case indented && !fixed:
			b.WriteString(".PP\n.nf\n")
		case !indented && fixed:
			b.WriteString(".fi\n")
		}
		fixed = indented
		if line == "" {
			b.WriteString(".PP\n")
			continue
		}
		b.WriteString(roff(line) + "\n")
	}
	if fixed {
		b.WriteString(".fi\n")
	}
}

// roff escapes what roff would take for a request or an escape.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	return s
}

func lowerFirst(s string) string {
	first, rest, _ := strings.Cut(s, " ")
	if len(first) > 1 && first[1:] == strings.ToLower(first[1:]) {
		first = strings.ToLower(first)
	}
	return strings.TrimSpace(first + " " + rest)
}
