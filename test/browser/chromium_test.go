package browser_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/edgecam/edgecam/internal/testdata"
)

// tools are the programs that drive a browser.
type tools struct {
	node, chromium string
}

func findTools(t *testing.T) tools {
	t.Helper()
	var found tools
	var err error
	if found.node, err = exec.LookPath("node"); err != nil {
		testdata.Missing(t, "node is not installed (Debian: apt install nodejs npm)")
	}
	found.chromium = os.Getenv("CHROMIUM")
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found.chromium == "" {
			found.chromium, _ = exec.LookPath(name)
		}
	}
	if found.chromium == "" {
		testdata.Missing(t, "Chromium is not installed (Debian: apt install chromium), and CHROMIUM names none")
	}
	if _, err := os.Stat(filepath.Join("node_modules", "playwright-core", "package.json")); err != nil {
		npm, err := exec.LookPath("npm")
		if err != nil {
			testdata.Missing(t, "npm is not installed (Debian: apt install npm)")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
		defer cancel()
		// npm ci installs exactly what package-lock.json pins.
		if out, err := exec.CommandContext(ctx, npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts").CombinedOutput(); err != nil {
			testdata.Missing(t, "npm ci cannot install playwright-core: %v\n%s", err, out)
		}
	}
	return found
}

// result is a line that run.mjs writes: a finished scenario, or a question.
type result struct {
	Scenario string         `json:"scenario"`
	Error    string         `json:"error"`
	Skipped  string         `json:"skipped"`
	Seconds  float64        `json:"seconds"`
	Measured map[string]any `json:"measured"`
	Ask      string         `json:"ask"`
}

// run runs one set of scenarios and reports each as a subtest. answer is called
// when a scenario asks for something that only this side can do. What the
// scenarios measured is returned.
func (tl tools) run(t *testing.T, set string, options map[string]any, answer func(ask string) error) (measured map[string]any) {
	t.Helper()
	measured = map[string]any{}
	options["chromium"] = tl.chromium
	options["set"] = set
	if dir := os.Getenv("EDGECAM_ARTIFACTS"); dir != "" {
		abs, err := filepath.Abs(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(abs, 0o755); err != nil {
			t.Fatal(err)
		}
		options["artifacts"] = abs
	}
	config, err := json.Marshal(options)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, tl.node, "run.mjs", string(config))
	// A browser that hangs must not outlive the test: first ask the script to close it.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	seen := report(t, stdout, stdin, answer, measured)
	if err := cmd.Wait(); err != nil {
		t.Errorf("run.mjs: %v\n%s", err, stderr.String())
	}
	if seen == 0 && os.Getenv("EDGECAM_SCENARIO") == "" {
		t.Errorf("run.mjs ran no scenario of set %q\n%s", set, stderr.String())
	}
	return measured
}

func report(t *testing.T, stdout io.Reader, stdin io.Writer, answer func(string) error, measured map[string]any) (seen int) {
	t.Helper()
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r result
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Logf("run.mjs: %s", lines.Text())
			continue
		}
		if r.Ask != "" {
			reply := "ok"
			if err := answer(r.Ask); err != nil {
				reply = err.Error()
			}
			if _, err := io.WriteString(stdin, strings.ReplaceAll(reply, "\n", " ")+"\n"); err != nil {
				t.Errorf("answering %q: %v", r.Ask, err)
			}
			continue
		}
		seen++
		maps.Copy(measured, r.Measured)
		t.Run(r.Scenario, func(t *testing.T) {
			if r.Skipped != "" {
				testdata.Missing(t, "%s", r.Skipped)
			}
			if len(r.Measured) > 0 {
				m, _ := json.Marshal(r.Measured)
				t.Logf("%.1f s, measured: %s", r.Seconds, m)
			}
			if r.Error != "" {
				t.Error(r.Error)
			}
		})
	}
	if err := lines.Err(); err != nil {
		t.Errorf("reading run.mjs: %v", err)
	}
	return seen
}
