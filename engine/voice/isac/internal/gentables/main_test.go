package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/edgecam/edgecam/internal/testdata"
)

// TestGenerated sees that the package's tables are what the specification's files
// make of them today, and that no table file is left over.
func TestGenerated(t *testing.T) {
	dir := testdata.Shared(t, "spec", "isac", "tables")
	made := map[string]bool{}
	for _, f := range files {
		want, err := generate(filepath.Join(dir, f.json), f.tables)
		if err != nil {
			t.Errorf("%s: %v", f.json, err)
			continue
		}
		got, err := os.ReadFile(filepath.Join("..", "..", f.out))
		if err != nil {
			t.Error(err)
			continue
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what %s gives: run 'go generate'", f.out, f.json)
		}
		made[f.out] = true
	}
	present, err := filepath.Glob(filepath.Join("..", "..", "tables_*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range present {
		if name := filepath.Base(p); name != "tables_test.go" && !made[name] {
			t.Errorf("%s is made by nothing", name)
		}
	}
}
