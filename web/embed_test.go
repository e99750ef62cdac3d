package web_test

import (
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/edgecam/edgecam/web"
)

var (
	imported   = regexp.MustCompile(`(?m)^(?:import|export)\b[^'";]*['"](\.[^'"]+)['"]`)
	referenced = regexp.MustCompile(`\b(?:src|href)="([^"#]+)"`)
	inline     = regexp.MustCompile(`(?i)<style|\sstyle=|\son[a-z]+=|<script(?:\s[^>]*)?>[^<]`)
	elsewhere  = regexp.MustCompile(`(?i)(?:src|href)="(?:https?:)?//`)
)

// Whatever a file of the page loads must be embedded too: nothing comes from
// elsewhere, and a module that is not embedded is a blank page.
func TestFilesAreComplete(t *testing.T) {
	modules := map[string]bool{}
	err := fs.WalkDir(web.FS, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(web.FS, name)
		if err != nil {
			return err
		}
		var targets [][]string
		switch path.Ext(name) {
		case ".js":
			modules[name] = true
			targets = imported.FindAllStringSubmatch(string(data), -1)
		case ".html":
			targets = referenced.FindAllStringSubmatch(string(data), -1)
		}
		for _, m := range targets {
			target := path.Join(path.Dir(name), m[1])
			if _, err := fs.Stat(web.FS, target); err != nil {
				t.Errorf("%s loads %s: %v", name, m[1], err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	index, err := fs.ReadFile(web.FS, "index.html")
	if err != nil {
		t.Fatal(err)
	}
	// Modules that are not named in the page are found one after the other,
	// a round trip each.
	for name := range modules {
		if !strings.Contains(string(index), `"`+name+`"`) {
			t.Errorf("index.html neither loads nor preloads %s", name)
		}
	}
}

// The content security policy forbids inline code and style, and other hosts.
func TestIndexKeepsToThePolicy(t *testing.T) {
	index, err := fs.ReadFile(web.FS, "index.html")
	if err != nil {
		t.Fatal(err)
	}
	if m := inline.Find(index); m != nil {
		t.Errorf("index.html has inline code or style: %q", m)
	}
	if m := elsewhere.Find(index); m != nil {
		t.Errorf("index.html loads from elsewhere: %q", m)
	}
}
