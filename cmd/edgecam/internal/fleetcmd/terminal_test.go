package fleetcmd

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// openTerminal makes a pseudo-terminal of that size and returns its two ends.
func openTerminal(t *testing.T, cols, rows int) (tty, far *os.File) {
	t.Helper()
	far, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { far.Close() })
	number, err := unix.IoctlGetInt(int(far.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(far.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(int(tty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: uint16(rows), Col: uint16(cols)})
	}
	if err != nil {
		t.Fatal(err)
	}
	return tty, far
}

// screenState is what a terminal shows, as far as this tool needs one.
type screenState struct {
	cells         [][]rune
	row, col      int
	scrolled      int
	other, hidden bool
	unknown       string // the first sequence that is not understood
	rest          string
}

func newScreen(cols, rows int) *screenState {
	s := &screenState{cells: make([][]rune, rows)}
	for i := range s.cells {
		s.cells[i] = []rune(strings.Repeat(" ", cols))
	}
	return s
}

func (s *screenState) lines() []string {
	var out []string
	for _, r := range s.cells {
		out = append(out, strings.TrimRight(string(r), " "))
	}
	return out
}

var sequence = regexp.MustCompile(`^\x1b\[([0-9;?]*)([A-Za-z])`)

func (s *screenState) write(p []byte) {
	text := s.rest + string(p)
	s.rest = ""
	for text != "" {
		if text[0] == '\x1b' {
			m := sequence.FindStringSubmatch(text)
			if m == nil {
				s.rest = text
				return
			}
			s.control(m[1], m[2])
			text = text[len(m[0]):]
			continue
		}
		r := []rune(text)[0]
		text = text[len(string(r)):]
		switch r {
		case '\r':
			s.col = 0
		case '\n':
			s.down()
		default:
			if s.col == len(s.cells[0]) {
				s.col = 0
				s.down()
			}
			s.cells[s.row][s.col] = r
			s.col++
		}
	}
}

func (s *screenState) down() {
	if s.row++; s.row < len(s.cells) {
		return
	}
	s.row--
	s.scrolled++
	s.cells = append(s.cells[1:], []rune(strings.Repeat(" ", len(s.cells[0]))))
}

func (s *screenState) control(args, what string) {
	erase := func(row, from int) {
		for i := from; i < len(s.cells[row]); i++ {
			s.cells[row][i] = ' '
		}
	}
	switch {
	case what == "H" && args == "":
		s.row, s.col = 0, 0
	case what == "K" && args == "":
		erase(s.row, s.col)
	case what == "J" && args == "":
		erase(s.row, s.col)
		for i := s.row + 1; i < len(s.cells); i++ {
			erase(i, 0)
		}
	case args == "?1049":
		s.other = what == "h"
	case args == "?25":
		s.hidden = what == "l"
	case s.unknown == "":
		s.unknown = strconv.Quote(args + what)
	}
}
