package archtest

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	namedTest = regexp.MustCompile("`(Test[A-Z]\\w*|Fuzz[A-Z]\\w*|Benchmark[A-Z]\\w*)(…?)`")
	testFunc  = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`)
)

// TestDocumentedTests: the tests that the documentation names as proof are
// there; a name that ends in … stands for all that begin with it.
func TestDocumentedTests(t *testing.T) {
	root := filepath.Join("..", "..")
	known := map[string]bool{}
	var docs []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") && d.Name() != ".." || d.Name() == "node_modules"):
			return filepath.SkipDir
		case strings.HasSuffix(path, "_test.go"):
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, m := range testFunc.FindAllStringSubmatch(string(text), -1) {
				known[m[1]] = true
			}
		case strings.HasSuffix(path, ".md") && d.Name() != "CHANGELOG.md":
			docs = append(docs, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, path := range docs {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range namedTest.FindAllStringSubmatch(string(text), -1) {
			named++
			found := known[m[1]]
			for name := range known {
				found = found || m[2] != "" && strings.HasPrefix(name, m[1])
			}
			if !found {
				t.Errorf("%s names %s, which is not there", path, m[1])
			}
		}
	}
	if named < 20 || len(known) < 200 {
		t.Fatalf("only %d tests named and %d known: the walk is broken", named, len(known))
	}
}
