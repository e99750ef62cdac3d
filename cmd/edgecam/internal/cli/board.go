package cli

import (
	"fmt"

	boards "github.com/edgecam/edgecam/board-configs"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
)

// boardVariable names the board where it is not recognised.
const boardVariable = "EDGECAM_BOARD"

// boardDefaults returns what the board's own file sets: of the board with that
// name, or of the one this machine is.
func boardDefaults(name string) (config.Text, error) {
	b, _, err := boards.Detect("/")
	if name != "" {
		b, err = boards.Get(name)
	}
	if err != nil {
		return config.Text{}, fmt.Errorf("%s: %w", boardVariable, err)
	}
	return config.Text{Name: b.Name, YAML: b.Defaults}, nil
}
