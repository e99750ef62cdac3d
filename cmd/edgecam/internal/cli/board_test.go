package cli

import (
	"bytes"
	"strings"
	"testing"

	boards "github.com/edgecam/edgecam/board-configs"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
)

// TestBoardDefaults: every board's defaults are a configuration, below the file's
// values and above the program's own.
func TestBoardDefaults(t *testing.T) {
	for _, name := range boards.Names() {
		text, err := boardDefaults(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := config.Load(config.Sources{Board: text}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := boardDefaults("abacus"); err == nil || !strings.Contains(err.Error(), "raspberry-pi-5") {
		t.Errorf("an unknown board: %v", err)
	}
	r := onBoard(t, "raspberry-pi-5", "config", "show", "--set", "camera.height=600")
	if r.code != 0 || !strings.Contains(r.out, "width: 1280") || !strings.Contains(r.out, "board raspberry-pi-5") || !strings.Contains(r.out, "height: 600") {
		t.Errorf("config show: %d\n%s%s", r.code, r.out, r.err)
	}
	// Small boards get less enhancement; where they do, it can be asked for.
	for board, want := range map[string]string{"raspberry-pi-5": "denoise: auto", "raspberry-pi-zero-2-w": "denoise: fast", "raspberry-pi-3": "denoise: fast"} {
		if r := onBoard(t, board, "config", "show"); r.code != 0 || !strings.Contains(r.out, want) {
			t.Errorf("%s does not show %q", board, want)
		}
		if r := onBoard(t, board, "config", "show", "--set", "enhance.denoise=off"); !strings.Contains(r.out, "denoise: off") && !strings.Contains(r.out, `denoise: "off"`) {
			t.Errorf("%s: the default cannot be changed", board)
		}
	}
	if r := onBoard(t, "abacus", "config", "show"); r.code == 0 {
		t.Error("an unknown board is taken")
	}
}

func onBoard(t *testing.T, board string, args ...string) result {
	t.Helper()
	var out, errw bytes.Buffer
	env := []string{"EDGECAM_CONFIG=" + file(t, ""), boardVariable + "=" + board}
	code := Main(t.Context(), args, Commands{}, Streams{In: strings.NewReader(""), Out: &out, Err: &errw, Environ: env})
	return result{code, out.String(), errw.String()}
}
