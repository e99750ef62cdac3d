package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/doctor"
	"github.com/edgecam/edgecam/hal"
)

func (a *app) devicesCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "devices",
		Short: "List cameras, sound cards and GPIO chips",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, log, _, _, err := a.load(nil)
			if err != nil {
				return err
			}
			inv, err := a.commands.Devices(cmd.Context(), l.Config, log)
			if asJSON {
				if jerr := printJSON(a.streams.Out, wireInventory(inv)); jerr != nil {
					return jerr
				}
			} else if perr := printInventory(a.streams.Out, inv); perr != nil {
				return perr
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func printJSON(w io.Writer, v any) error {
	out, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("cli: %w", err)
	}
	_, err = w.Write(append(out, '\n'))
	return err
}

// wireMode is a video mode as JSON has it.
type wireMode struct {
	Format string  `json:"format"`
	Width  int     `json:"width"`
	Height int     `json:"height"`
	FPS    float64 `json:"fps"`
}

type wireCamera struct {
	hal.CameraInfo
	Modes []wireMode `json:"modes"`
}

func wireInventory(inv doctor.Inventory) any {
	cameras := []wireCamera{}
	for _, c := range inv.Cameras {
		modes := []wireMode{}
		for _, m := range c.Modes {
			modes = append(modes, wireMode{m.Format.String(), m.Width, m.Height, float64(int(m.FPS()*100+0.5)) / 100})
		}
		cameras = append(cameras, wireCamera{c, modes})
	}
	return struct {
		Cameras []wireCamera   `json:"cameras"`
		Cards   []hal.CardInfo `json:"cards"`
		Chips   []hal.ChipInfo `json:"chips"`
	}{cameras, append([]hal.CardInfo{}, inv.Cards...), append([]hal.ChipInfo{}, inv.Chips...)}
}

func printInventory(w io.Writer, inv doctor.Inventory) error {
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(tw, "CAMERA\tNAME\tDRIVER\tPATH")
	for _, c := range inv.Cameras {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\n", c.ID, c.Name, c.Driver, c.Path)
		for _, line := range modeLines(c.Modes) {
			fmt.Fprintf(tw, "\t%s\t\t\n", line)
		}
		if c.Problem != "" {
			fmt.Fprintf(tw, "\t! %s\t\t\n", c.Problem)
		}
	}
	fmt.Fprintln(tw, "\nSOUND CARD\tNAME\tDRIVER\tUSE")
	for _, c := range inv.Cards {
		var use []string
		if c.Capture {
			use = append(use, "microphone")
		}
		if c.Playback {
			use = append(use, "speaker")
		}
		if c.IsDefault {
			use = append(use, "default")
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\n", c.ID, c.Name, c.Driver, strings.Join(use, ", "))
		if c.Problem != "" {
			fmt.Fprintf(tw, "\t! %s\t\t\n", c.Problem)
		}
	}
	fmt.Fprintln(tw, "\nGPIO CHIP\tLINES\tPATH\t")
	for _, c := range inv.Chips {
		fmt.Fprintf(tw, "%s\t%d\t%s\t\n", c.Label, len(c.Lines), c.Path)
	}
	return tw.Flush()
}

// modeLines groups modes by format and size: "YUYV 640x480 30 15 fps".
func modeLines(modes []hal.VideoMode) []string {
	var order []string
	rates := map[string][]string{}
	for _, m := range modes {
		key := fmt.Sprintf("%s %dx%d", m.Format, m.Width, m.Height)
		if _, ok := rates[key]; !ok {
			order = append(order, key)
		}
		rates[key] = append(rates[key], fmt.Sprintf("%.4g", m.FPS()))
	}
	for i, key := range order {
		order[i] = key + " at " + strings.Join(rates[key], ", ") + " fps"
	}
	return order
}

func (a *app) snapshotCommand() *cobra.Command {
	var camera string
	cmd := &cobra.Command{
		Use:   "snapshot OUT.jpg",
		Short: "Take one picture of the camera (- writes it to standard output)",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			flags := map[string]string{}
			if camera != "" {
				flags["camera.source"] = camera
			}
			l, log, _, _, err := a.load(flags)
			if err != nil {
				return err
			}
			// Nothing is written unless the whole picture is there.
			var buf bytes.Buffer
			if err := a.commands.Snapshot(cmd.Context(), l.Config, log, &buf); err != nil {
				return err
			}
			if args[0] == "-" {
				_, err = a.streams.Out.Write(buf.Bytes())
			} else {
				err = os.WriteFile(args[0], buf.Bytes(), 0o644)
			}
			if err != nil {
				return fmt.Errorf("cli: %w", err)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&camera, "camera", "", "auto, sim, v4l2:ID or file:PATH")
	return cmd
}
