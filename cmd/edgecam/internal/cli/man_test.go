package cli

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestManualPages: every command that help shows has a page, the pages are the
// same for the same date, and man finds nothing to complain of.
func TestManualPages(t *testing.T) {
	write := func() string {
		dir := t.TempDir()
		var out, errs bytes.Buffer
		streams := Streams{Out: &out, Err: &errs, Environ: []string{"SOURCE_DATE_EPOCH=1790000000"}}
		run := func(context.Context, RunOptions) error { return nil }
		if code := Main(t.Context(), []string{"man", dir}, Commands{Run: run}, streams); code != ExitOK {
			t.Fatalf("exit code %d: %s", code, errs.String())
		}
		return dir
	}
	first, second := write(), write()
	pages, err := filepath.Glob(filepath.Join(first, "*.1"))
	if err != nil || len(pages) < 20 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	man, manErr := exec.LookPath("man")
	for _, path := range pages {
		page, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		again, err := os.ReadFile(filepath.Join(second, filepath.Base(path)))
		if err != nil || !bytes.Equal(page, again) {
			t.Errorf("%s differs from one run to the next", filepath.Base(path))
		}
		if !strings.Contains(string(page), " 1 2026-09-21 ") {
			t.Errorf("%s has another date: %.80s", filepath.Base(path), page)
		}
		if base := filepath.Base(path); manErr != nil || base != "edgecam.1" && base != "edgecam-exit-codes.1" && base != "edgecam-run.1" {
			continue // each takes a moment
		}
		cmd := exec.CommandContext(t.Context(), man, "--warnings", "-E", "UTF-8", "-l", "-Tutf8", path)
		cmd.Env = append(os.Environ(), "MANROFFSEQ=", "MANWIDTH=80", "LC_ALL=C.UTF-8")
		var errs bytes.Buffer
		cmd.Stderr = &errs
		if out, err := cmd.Output(); err != nil || errs.Len() > 0 || len(out) < 200 {
			t.Errorf("%s: %v\n%s", filepath.Base(path), err, errs.String())
		}
	}
	for _, name := range []string{"edgecam.1", "edgecam-run.1", "edgecam-config-show.1", "edgecam-exit-codes.1"} {
		if _, err := os.Stat(filepath.Join(first, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestRoff(t *testing.T) {
	for in, want := range map[string]string{
		".TH x":       `\&.TH x`,
		"'quoted'":    `\&'quoted'`,
		`C:\n --flag`: `C:\en \-\-flag`,
	} {
		if got := roff(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}
