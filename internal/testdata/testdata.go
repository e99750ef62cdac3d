// Package testdata finds the recordings, clips and conformance vectors that
// tests use. They are not part of the project: they lie in a folder named
// "shared" beside the checkout, or where EDGECAM_SHARED points.
package testdata

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// Shared returns the path of elem inside the shared folder. If it is not there,
// the test is skipped, or fails where EDGECAM_CI=1: in CI nothing may be left
// untested in silence.
func Shared(tb testing.TB, elem ...string) string {
	tb.Helper()
	path := filepath.Join(append([]string{root()}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		Missing(tb, "test data %s is not there (set EDGECAM_SHARED to the folder that holds clips, voice and vectors)", filepath.Join(elem...))
	}
	return path
}

// Missing skips the test because something it needs is absent, or fails it
// where EDGECAM_CI=1.
func Missing(tb testing.TB, format string, args ...any) {
	tb.Helper()
	if os.Getenv("EDGECAM_CI") == "1" {
		tb.Fatalf(format, args...)
	}
	tb.Skipf(format, args...)
}

func root() string {
	if dir := os.Getenv("EDGECAM_SHARED"); dir != "" {
		return dir
	}
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		return "shared"
	}
	// With -trimpath the file name is not a path on disk; the working
	// directory of a test is its package's folder, so walk up from there.
	if !filepath.IsAbs(file) {
		file, _ = os.Getwd()
		for dir := file; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
			if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
				return filepath.Join(filepath.Dir(dir), "shared")
			}
		}
	}
	return filepath.Join(filepath.Dir(file), "..", "..", "..", "shared")
}
