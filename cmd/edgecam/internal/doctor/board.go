package doctor

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	boards "github.com/edgecam/edgecam/board-configs"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
	"github.com/edgecam/edgecam/hal"
)

// checkBoard compares what is known of the board with the configuration and with
// what is there.
func checkBoard(r *Report, sys System, s Subject) boards.Board {
	const name = "board"
	b, entry, err := boards.Detect(sys.Root)
	if err == nil && s.Board != "" {
		b, err = boards.Get(s.Board)
		entry = "EDGECAM_BOARD"
	}
	if err != nil {
		r.add(name, Failure, "unset EDGECAM_BOARD, or name one of "+strings.Join(boards.Names(), ", "), "%v", err)
		return b
	}
	known := boards.Compatible(sys.Root)
	switch {
	case entry != "":
		r.add(name, OK, "", "%s (%s)%s", b.Title, entry, notes(b))
	case len(known) > 0:
		r.add(name, Note, "if it is like one of these, start with EDGECAM_BOARD=NAME: "+strings.Join(boards.Names(), ", "),
			"not known: %s; plain defaults are used", strings.Join(known, " "))
	default:
		r.add(name, OK, "", "%s", b.Title)
	}
	checkBoardLines(r, s, b)
	checkPWM(r, sys, s)
	checkBoardSound(r, sys, s, b)
	checkBoardWatchdog(r, sys, b)
	checkBoardEncoder(r, sys, s, b)
	return b
}

func notes(b boards.Board) string {
	if len(b.Notes) == 0 {
		return ""
	}
	return ": " + strings.Join(b.Notes, "; ")
}

// configuredLines are the lines with their keys.
func configuredLines(l config.Lines) map[string]hal.LineRef {
	lines := map[string]hal.LineRef{}
	for key, line := range map[string]config.InputLine{"button": l.Button, "pir": l.PIR, "reset": l.Reset} {
		if line.Configured() {
			lines[key] = line.HAL().Line
		}
	}
	for key, line := range map[string]config.OutputLine{"relay": l.Relay, "ir_filter": l.IRFilter, "ir_filter_out": l.IRFilterOut, "ir_light": l.IRLight, "reset_light": l.ResetLight} {
		if line.Configured() {
			lines[key] = line.HAL().Line
		}
	}
	return lines
}

// checkBoardLines looks for the chips of the configured lines.
func checkBoardLines(r *Report, s Subject, b boards.Board) {
	if s.Inventory == nil {
		return
	}
	var labels, names []string
	width := map[string]int{}
	for _, c := range s.Inventory.Chips {
		labels = append(labels, c.Label)
		names = append(names, c.Lines...)
		width[c.Label] = len(c.Lines)
	}
	lines := configuredLines(s.Config.Lines)
	for _, key := range []string{"button", "pir", "relay", "ir_filter", "ir_filter_out", "ir_light", "reset", "reset_light"} {
		ref, ok := lines[key]
		switch {
		case !ok:
		case ref.Name != "" && !slices.Contains(names, ref.Name):
			r.add("gpio", Failure, "'edgecam devices' lists the lines' names; or give chip and offset", "lines.%s.name is %q, and no line is called so", key, ref.Name)
		case ref.Name != "":
		case !slices.Contains(labels, ref.Chip):
			remedy := "'edgecam devices' lists the chips"
			if b.GPIO.Chip != "" && slices.Contains(labels, b.GPIO.Chip) {
				remedy = fmt.Sprintf("set lines.%s.chip to %s, the header of this board", key, b.GPIO.Chip)
			}
			r.add("gpio", Failure, remedy, "lines.%s.chip is %q, and there is no such chip", key, ref.Chip)
		case ref.Offset >= width[ref.Chip]:
			r.add("gpio", Failure, "give an offset below "+strconv.Itoa(width[ref.Chip]), "lines.%s.offset is %d, and %s has %d lines", key, ref.Offset, ref.Chip, width[ref.Chip])
		}
	}
	if b.GPIO.Chip != "" && len(labels) > 0 && !slices.Contains(labels, b.GPIO.Chip) {
		r.add("gpio", Warning, "enable the GPIO driver of this board, or update its device tree", "the header's chip %s is not there, only %s", b.GPIO.Chip, strings.Join(labels, ", "))
	}
}

// cardIDs reads the ids of the sound cards: " 0 [Device         ]: USB-Audio".
func cardIDs(sys System) (ids []string) {
	for line := range strings.Lines(sys.read("/proc/asound/cards")) {
		if _, rest, ok := strings.Cut(line, "["); ok {
			if id, _, ok := strings.Cut(rest, "]:"); ok {
				ids = append(ids, strings.TrimSpace(id))
			}
		}
	}
	return ids
}

// checkBoardSound looks for the cards that are asked for, and for a sound board
// that is there and not used.
func checkBoardSound(r *Report, sys System, s Subject, b boards.Board) {
	ids := cardIDs(sys)
	for key, on := range map[string]bool{"microphone": s.Config.Microphone.Enabled, "speaker": s.Config.Speaker.Enabled} {
		source := s.Config.Microphone.Source
		if key == "speaker" {
			source = s.Config.Speaker.Source
		}
		src, err := config.ParseSource(source)
		if err != nil || !on {
			continue
		}
		card, _, _ := strings.Cut(src.Arg, ",")
		if src.Kind == "alsa" && !slices.Contains(ids, card) {
			remedy := "plug it in, or set " + key + ".source to auto"
			if len(ids) > 0 {
				remedy = "set " + key + ".source to auto or alsa:" + strings.Join(ids, ", alsa:")
			}
			r.add("sound", Failure, remedy, "%s.source is %s, and there is no such card", key, source)
		}
		if src.Kind == "auto" && len(ids) > 1 {
			for _, hat := range b.SoundCards {
				if slices.Contains(ids, hat) && ids[0] != hat {
					r.add("sound", Note, "set "+key+".source to alsa:"+hat, "the sound board %s is there, and %s.source auto takes %s", hat, key, ids[0])
				}
			}
		}
	}
}

func checkBoardWatchdog(r *Report, sys System, b boards.Board) {
	if b.Watchdog.Device == "" {
		return
	}
	if len(sys.glob(b.Watchdog.Device)) == 0 {
		r.add("watchdog", Note, "enable the board's watchdog driver, then RuntimeWatchdogSec in /etc/systemd/system.conf", "%s is not there: a hung kernel is not restarted", b.Watchdog.Device)
		return
	}
	limit := ""
	if b.Watchdog.LongestS > 0 {
		limit = fmt.Sprintf(", at most %d s (RuntimeWatchdogSec)", b.Watchdog.LongestS)
	}
	r.add("watchdog", OK, "", "%s is there%s", b.Watchdog.Device, limit)
}

// stackRemedy says what to type for a sensor behind a camera stack.
func stackRemedy(b boards.Board, driver string) string {
	c, ok := b.Backend(driver)
	switch {
	case ok && c.Backend == "rpicam":
		return "set camera.source to rpicam (it starts the program rpicam-vid; sudo apt install rpicam-apps-lite); 'rpicam-hello --list-cameras' must show the sensor"
	case ok && c.Backend == "argus":
		return "set camera.source to argus (it starts gst-launch-1.0 with nvarguscamerasrc; sudo apt install gstreamer1.0-tools nvidia-l4t-gstreamer)"
	}
	return ""
}
