package schema

import (
	"bytes"
	"os"
	"testing"
)

// TestFiles compares the files with the types. EDGECAM_UPDATE=1 writes them.
func TestFiles(t *testing.T) {
	for _, name := range Names() {
		want, err := generate(name)
		if err != nil {
			t.Fatal(err)
		}
		if os.Getenv("EDGECAM_UPDATE") == "1" {
			if err := os.WriteFile(name+".json", want, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if !bytes.Equal(Read(name), want) {
			t.Errorf("%s.json is not what the types say; run the test with EDGECAM_UPDATE=1", name)
		}
	}
	if Read("none") != nil {
		t.Error("a schema for an unknown name")
	}
}
