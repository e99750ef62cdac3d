package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/auth"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/enhancecmd"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/httpd"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/voicecmd"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/vp8cmd"
	"github.com/edgecam/edgecam/engine/video/vp8"
	"github.com/edgecam/edgecam/hal"
)

// The exit codes. They are part of the interface: scripts and service managers
// act on them.
const (
	ExitOK       = 0
	ExitFailure  = 1  // anything not listed below; doctor: something does not work
	ExitUsage    = 2  // wrong command line, configuration or input
	ExitDevice   = 3  // a device is absent, busy or not permitted
	ExitAddress  = 4  // an address or port cannot be used
	ExitWarnings = 5  // doctor: works, with warnings
	ExitRestart  = 75 // run: an update is to be started
)

func exitCodesTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "exit-codes",
		Short: "Exit codes and what they mean",
		Long: `Exit codes:

  0  success; for run: stopped by SIGINT or SIGTERM
  1  failure; for doctor: something does not work
  2  wrong usage, configuration or input
  3  a device is absent, busy or not permitted
  4  an address or port cannot be used
  5  doctor: everything works, with warnings
 75  run: an update is ready, the launcher is to start it

A second SIGINT or SIGTERM ends the program at once (128 + number of the signal).`,
	}
}

// ErrRestart ends a node that the launcher is to start again, from another slot.
var ErrRestart = errors.New("an update is ready, the launcher starts it")

// ExitCode returns the exit code that tells err.
func ExitCode(err error) int {
	var (
		usage    usageError
		problems config.Problems
		device   *hal.Error
		address  *httpd.AddressError
	)
	switch {
	case err == nil:
		return ExitOK
	case errors.Is(err, ErrRestart):
		return ExitRestart
	case errors.As(err, &usage), errors.As(err, &problems),
		errors.Is(err, vp8cmd.ErrUsage), errors.Is(err, voicecmd.ErrUsage), errors.Is(err, enhancecmd.ErrUsage), errors.Is(err, vp8.ErrEncoderConfig),
		errors.Is(err, auth.ErrBadToken), errors.Is(err, auth.ErrNoToken):
		return ExitUsage
	case errors.As(err, &address), errors.Is(err, syscall.EADDRINUSE), errors.Is(err, syscall.EADDRNOTAVAIL):
		return ExitAddress
	case errors.As(err, &device):
		return ExitDevice
	}
	return ExitFailure
}

// printError writes err as one line per problem, with what to do about it.
func printError(w io.Writer, err error) {
	var problems config.Problems
	if errors.As(err, &problems) {
		for _, p := range problems {
			fmt.Fprintf(w, "edgecam: %s\n", p)
		}
		return
	}
	text := strings.TrimSpace(err.Error())
	// The library's "unknown command" comes on several lines.
	text = strings.Join(strings.Fields(strings.ReplaceAll(text, "\n", " ")), " ")
	fmt.Fprintf(w, "edgecam: %s%s\n", text, advice(err))
}

func advice(err error) string {
	var device *hal.Error
	var usage usageError
	switch {
	case errors.As(err, &device):
		switch device.Kind {
		case hal.Gone:
			return "; 'edgecam devices' lists what is there"
		case hal.Busy:
			return "; another program uses it, 'edgecam doctor' says which (a running node gives pictures at /snapshot.jpg)"
		case hal.Permission:
			return "; 'edgecam doctor' says which group this user lacks"
		case hal.Unsupported:
			return "; 'edgecam devices' lists what the device can do"
		case hal.Other, hal.Overrun, hal.Timeout:
			return "; try again, or unplug the device and plug it in"
		}
	case errors.As(err, &usage) && !strings.Contains(err.Error(), "--help"):
		return "; 'edgecam --help' shows the usage"
	case errors.Is(err, fs.ErrPermission):
		return "; run it as the node's user or with sudo"
	}
	return ""
}

func isatty(fd uintptr) bool {
	_, err := unix.IoctlGetTermios(int(fd), unix.TCGETS)
	return err == nil
}
