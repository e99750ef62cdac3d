package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWrite lists the modules of this test's own program, which are none, and
// the go.mod files of a go.sum.
func TestWrite(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cache := t.TempDir()
	dir := filepath.Join(cache, "cache", "download", "example.org", "!some", "mod", "@v")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "v1.0.0.mod"), []byte("module example.org/Some/mod\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	sums := filepath.Join(t.TempDir(), "go.sum")
	text := "example.org/Some/mod v1.0.0 h1:zip=\nexample.org/Some/mod v1.0.0/go.mod h1:mod=\n"
	if err := os.WriteFile(sums, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := write(&out, program, sums, cache); err != nil {
		t.Fatal(err)
	}
	want := "    gomod://example.org/Some/mod;version=v1.0.0;mod=1;sha256sum=01bb5d9abc79ecb937f36a3c01eb4eab20434d023b210d2af4bb382cb1f9f26a \\\n"
	if got := out.String(); !strings.Contains(got, want) || strings.Count(got, "gomod://") != 1 || !strings.HasSuffix(got, "\"\n") {
		t.Errorf("got %q, want the line %q", got, want)
	}
	if err := os.WriteFile(sums, []byte(strings.ReplaceAll(text, "v1.0.0", "v2.0.0")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := write(&out, program, sums, cache); err == nil {
		t.Error("a module that the cache lacks was left out in silence")
	}
}
