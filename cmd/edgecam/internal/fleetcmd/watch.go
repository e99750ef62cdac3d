package fleetcmd

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/edgecam/edgecam/provisioning/fleet"
	"github.com/edgecam/edgecam/provisioning/wire"
)

// eventLine is one line of watch --json.
type eventLine struct {
	Node  string     `json:"node"`
	Event wire.Event `json:"event"`
}

func (t *tool) watchCommand() *cobra.Command {
	return &cobra.Command{
		Use: "watch", Short: "Watch the nodes and their events", Args: cobra.NoArgs,
		Long: "In a terminal a table that is kept up to date, nodes that are away or failed a configuration first;\n" +
			"otherwise, and with --json, one line per event.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			lines := make(chan eventLine, 256)
			o := fleet.Options{OnEvent: func(node string, e wire.Event) {
				select {
				case lines <- eventLine{node, e}:
				default:
				}
			}}
			return t.with(cmd.Context(), true, o, func(ctx context.Context, op *fleet.Operator) error {
				if t.Terminal && !t.asJSON {
					return t.live(ctx, op, lines)
				}
				return t.print(ctx, lines)
			})
		},
	}
}

func (l eventLine) String() string {
	return fmt.Sprintf("%s  %s  %s  late=%v", time.Now().Format(time.TimeOnly), l.Node, clean(l.Event.Type), l.Event.Late)
}

// print writes events as they come.
func (t *tool) print(ctx context.Context, lines <-chan eventLine) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case l := <-lines:
			text := []byte(l.String())
			if t.asJSON {
				text = wire.Encode(l)
			}
			if _, err := fmt.Fprintf(t.Out, "%s\n", text); err != nil {
				return err
			}
		}
	}
}

// What a terminal is told (ECMA-48 and xterm's private modes): another screen
// without a cursor, and back.
const (
	enterScreen = "\x1b[?1049h\x1b[?25l"
	leaveScreen = "\x1b[?25h\x1b[?1049l"
	home        = "\x1b[H"
	eraseLine   = "\x1b[K"
	eraseBelow  = "\x1b[J"
)

// live keeps a table on the terminal until ctx ends, and leaves what was on it.
func (t *tool) live(ctx context.Context, op *fleet.Operator, lines <-chan eventLine) (err error) {
	if _, err := fmt.Fprint(t.Out, enterScreen); err != nil {
		return err
	}
	defer func() {
		_, lerr := fmt.Fprint(t.Out, leaveScreen)
		err = errors.Join(err, lerr)
	}()
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	last := ""
	for {
		cols, rows := t.size()
		if _, err := t.Out.Write(screen(op.Nodes(), last, cols, rows)); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case l := <-lines:
			last = l.String()
		case <-tick.C:
		}
	}
}

// size returns the terminal's columns and rows.
func (t *tool) size() (cols, rows int) {
	if f, ok := t.Out.(interface{ Fd() uintptr }); ok {
		if w, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ); err == nil && w.Col > 0 && w.Row > 0 {
			return int(w.Col), int(w.Row)
		}
	}
	return 80, 24
}

// trouble ranks nodes: what wants to be looked at comes first.
func trouble(n fleet.NodeState) int {
	switch {
	case n.Report.State == wire.ReportRolledBack || n.Report.State == wire.ReportRejected:
		return 0
	case !n.Online:
		return 1
	}
	return 2
}

// screen returns what brings one picture of the fleet onto a terminal. No line
// is longer than cols and there are at most rows, so that nothing scrolls; the
// former picture is written over, not erased, so that nothing flickers.
func screen(nodes []fleet.NodeState, last string, cols, rows int) []byte {
	online := 0
	for _, n := range nodes {
		if n.Online {
			online++
		}
	}
	slices.SortStableFunc(nodes, func(a, b fleet.NodeState) int { return cmp.Compare(trouble(a), trouble(b)) })
	const around = 6 // the head and two empty lines, the table's head, what is not shown, the last event
	shown := min(len(nodes), max(rows-around, 1))
	var tab bytes.Buffer
	_ = table(&tab, nodes[:shown]) // a buffer takes everything
	lines := append([]string{fmt.Sprintf("%d nodes, %d online   (Ctrl-C ends)", len(nodes), online), ""}, strings.Split(strings.TrimSuffix(tab.String(), "\n"), "\n")...)
	if more := len(nodes) - shown; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	lines = append(lines, "", "last event: "+last)
	var b bytes.Buffer
	b.WriteString(home)
	for i, l := range lines[:min(len(lines), rows)] {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString(cut(l, cols-1)) // erasing from beyond the last column would take that one
		b.WriteString(eraseLine)
	}
	b.WriteString(eraseBelow)
	return b.Bytes()
}

// cut returns at most n characters of s.
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n])
}
