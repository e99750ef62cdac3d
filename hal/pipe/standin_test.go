package pipe

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// standInVariable makes this test program behave like rpicam-vid, in the way it
// names.
const standInVariable = "PIPE_STAND_IN"

func TestMain(m *testing.M) {
	if how := os.Getenv(standInVariable); how != "" {
		standIn(how)
	}
	goleak.VerifyTestMain(m)
}

// standIn writes frames as rpicam-vid does, every sample of a frame its number,
// until it misbehaves.
func standIn(how string) {
	value := func(name string, def int) int {
		for _, a := range os.Args[1:] {
			if text, ok := strings.CutPrefix(a, "--"+name+"="); ok {
				n, _ := strconv.Atoi(text)
				return n
			}
		}
		return def
	}
	frame := make([]byte, value("width", 0)*value("height", 0)*3/2)
	pace := time.NewTicker(time.Second / time.Duration(value("framerate", 30)))
	switch how {
	case "no camera":
		fmt.Fprintln(os.Stderr, "\x1b[1;31mERROR\x1b[0m: *** no cameras available ***")
		os.Exit(255)
	case "mute":
		time.Sleep(time.Hour)
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
	case "noisy":
		go func() {
			for {
				fmt.Fprintln(os.Stderr, strings.Repeat("frame statistics ", 400))
			}
		}()
	case "with child": // one that keeps the output open, as a shell script would
		child := exec.Command("sleep", "60")
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		if child.Start() != nil {
			os.Exit(1)
		}
	}
	for n := 0; ; n++ {
		<-pace.C
		for i := range frame {
			frame[i] = byte(n)
		}
		part := frame
		if n == 4 {
			switch how {
			case "dies":
				part = frame[:len(frame)/2]
			case "stops":
				time.Sleep(time.Hour)
			case "shuts":
				os.Stdout.Close()
				time.Sleep(time.Hour)
			case "dribbles":
				for i := range 20 {
					os.Stdout.Write(frame[i*len(frame)/20 : (i+1)*len(frame)/20])
					time.Sleep(2 * time.Millisecond)
				}
				continue
			}
		}
		if _, err := os.Stdout.Write(part); err != nil {
			os.Exit(3)
		}
		if len(part) < len(frame) {
			fmt.Fprintln(os.Stderr, "ERROR: device timeout detected, attempting a restart is recommended!!!")
			os.Exit(1)
		}
	}
}
