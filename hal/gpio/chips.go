package gpio

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/edgecam/edgecam/hal"
	"periph.io/x/conn/v3/driver/driverreg"
	"periph.io/x/host/v3/gpioioctl"
)

// chip is a GPIO chip as periph found it.
type chip struct {
	name  string // "gpiochip0"
	label string
	path  string
	lines []string
}

// readChips has periph read the chips, once in a process: it keeps them in a
// variable of its own.
var readChips = sync.OnceValues(func() ([]chip, string) {
	// Nothing but gpioioctl is registered here; that it finds no chip is its
	// only failure, and no failure of ours.
	said := catchLog(func() { _, _ = driverreg.Init() })
	var out []chip
	for _, c := range gpioioctl.Chips {
		lines := make([]string, 0, c.LineCount())
		for _, l := range c.Lines() {
			lines = append(lines, l.Name())
		}
		out = append(out, chip{name: c.Name(), label: c.Label(), path: c.Path(), lines: lines})
	}
	return out, said
})

// catchLog runs f with the standard logger's output caught. The output is
// returned, not passed on from within: slog's default handler ends in the
// standard logger.
func catchLog(f func()) string {
	var said bytes.Buffer
	before := log.Writer()
	log.SetOutput(&said)
	defer log.SetOutput(before)
	f()
	return strings.TrimSpace(said.String())
}

func periphChips(logger *slog.Logger) []chip {
	chips, said := readChips()
	if said != "" {
		logger.Debug("gpio: periph reported while reading chips", "text", said)
	}
	return present(chips, "/dev/gpiochip*", readChip)
}

// forbidden returns the reason if there are chips that may not be opened.
func forbidden() error {
	nodes, err := filepath.Glob("/dev/gpiochip*")
	if err != nil {
		return nil //nolint:nilerr // the pattern is constant and well formed
	}
	for _, n := range nodes {
		f, err := os.Open(n)
		if errors.Is(err, fs.ErrPermission) {
			return err
		}
		if err == nil {
			f.Close()
		}
	}
	return nil
}

// find returns the chip and offset that a reference means.
func find(chips []chip, ref hal.LineRef) (chip, int, error) {
	var found []chip
	offset := ref.Offset
	for _, c := range chips {
		if ref.Chip != "" && c.label != ref.Chip {
			continue
		}
		if ref.Name == "" {
			if ref.Chip != "" && offset >= 0 && offset < len(c.lines) {
				found = append(found, c)
			}
			continue
		}
		for i, name := range c.lines {
			// periph puts the chip's name before a line name that is taken.
			if name == ref.Name || name == c.name+"-"+ref.Name {
				found = append(found, c)
				offset = i
			}
		}
	}
	switch {
	case ref.Name == "" && ref.Chip == "":
		return chip{}, 0, errNoRef
	case len(found) == 0:
		return chip{}, 0, fmt.Errorf("%w: %s", errNoLine, describe(ref))
	case len(found) > 1:
		return chip{}, 0, fmt.Errorf("%w: %s", errAmbiguous, describe(ref))
	}
	return found[0], offset, nil
}

// describe is how messages name a line.
func describe(ref hal.LineRef) string {
	switch {
	case ref.Name == "":
		return fmt.Sprintf("%s line %d", ref.Chip, ref.Offset)
	case ref.Chip == "":
		return ref.Name
	}
	return ref.Chip + " " + ref.Name
}
