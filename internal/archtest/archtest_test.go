// Package archtest holds the project's import rules as a test. It parses files
// instead of asking the go command, so that every GOOS, GOARCH and build tag is
// seen and no cached answer is trusted.
package archtest

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/edgecam/edgecam/"

// A layer may import the packages of its own subtree's leaves and what may
// lists. Patterns end in "/..." for a subtree. The first layer that matches a
// package decides. Do not loosen a rule to mend a build: move the code.
var layers = []struct {
	packages string
	may      []string
}{
	// Leaves.
	{"engine/media/...", nil},
	{"engine/fixed/...", []string{"internal/cpufeat"}},
	{"internal/...", []string{"internal/..."}},
	// The hardware layer: interfaces, then drivers that know only them.
	{"hal/haltest", []string{"hal", "engine/media"}},
	{"hal/sim/...", []string{"hal", "engine/media", "internal/..."}},
	{"hal/file/...", []string{"hal", "engine/media", "internal/..."}},
	{"hal/drm/...", []string{"hal", "engine/media", "internal/..."}},
	{"hal/pipe/...", []string{"hal", "engine/media", "internal/..."}},
	{"hal/fbdev/...", []string{"hal", "engine/media", "internal/..."}},
	{"hal/gpio/...", []string{"hal", "internal/..."}},
	{"hal", []string{"engine/media"}},
	{"v4l2/...", []string{"hal", "engine/media", "internal/..."}},
	{"alsa/...", []string{"hal", "engine/media", "internal/..."}},
	// Engines are libraries: codecs do not know each other.
	{"engine/video/vp8/...", []string{"engine/media", "engine/fixed", "engine/video/vp8/...", "internal/cpufeat"}},
	{"engine/video/*", []string{"engine/media", "engine/fixed", "internal/cpufeat"}},
	{"engine/voice/neteq", []string{"engine/media", "engine/fixed", "engine/voice/red", "engine/voice/dtmf"}},
	{"engine/voice/*", []string{"engine/media", "engine/fixed", "internal/cpufeat"}},
	// The chain of the microphone's stages is put together in one place.
	{"engine/voice", []string{"engine/media", "engine/fixed", "engine/voice/*"}},
	{"engine/session/...", []string{"engine/media", "engine/fixed", "engine/video/*", "engine/voice/*", "engine/session/..."}},
	// The indoor station is the other end of a session.
	{"engine/station", []string{"engine/media", "engine/session/...", "engine/video/*", "engine/voice/...", "hal"}},
	// The engine ties them together; it knows devices only through hal.
	{"engine", []string{"engine/...", "hal", "internal/cpufeat"}},
	{"web", nil},
	{"board-configs/...", nil},
	{"provisioning/...", []string{"provisioning/...", "internal/..."}},
	// The command may use everything; only its app package sees drivers.
	{"cmd/edgecam/internal/app/...", []string{"..."}},
	{"cmd/edgecam/internal/resetbutton", []string{"hal", "hal/sim"}}, // its tests press a simulated button
	{"cmd/...", []string{"cmd/...", "hal", "engine/...", "web", "board-configs/...", "provisioning/...", "internal/..."}},
	{"examples/...", []string{"..."}},
	{"packaging/...", nil},
	{"test/...", []string{"..."}},
}

// External modules with a side effect on the whole process stay in one place.
var external = []struct{ importPath, only string }{
	{"github.com/vladimirvivien/go4vl/", "v4l2/..."},
	{"github.com/gen2brain/malgo", "alsa/..."},
	{"periph.io/", "hal/gpio/..."},
	{"github.com/eclipse/paho.mqtt.golang", "provisioning/..."},
	{"github.com/prometheus/", "cmd/..."},
	{"github.com/spf13/", "cmd/..."},
}

// Codec and DSP packages are libraries: nothing of the outside world.
var forbiddenInDSP = []string{"os", "net", "log", "log/slog", "net/http", "os/exec"}

func TestImports(t *testing.T) {
	root := filepath.Join("..", "..")
	seen := 0
	for dir, files := range goFiles(t, root) {
		for _, file := range files {
			f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.ImportsOnly)
			if err != nil {
				t.Errorf("%v", err)
				continue
			}
			seen++
			isTest := strings.HasSuffix(file, "_test.go")
			for _, spec := range f.Imports {
				imp, _ := strconv.Unquote(spec.Path.Value)
				check(t, dir, file, imp, isTest, f.Name.Name == "main")
			}
		}
	}
	if seen < 20 {
		t.Fatalf("only %d files seen: the walk is broken", seen)
	}
}

func check(t *testing.T, dir, file, imp string, isTest, isMain bool) {
	t.Helper()
	ours, isOurs := strings.CutPrefix(imp, module)
	if !isOurs {
		for _, e := range external {
			if strings.HasPrefix(imp, e.importPath) && !match(e.only, dir) {
				t.Errorf("%s imports %s, which only %s may use", file, imp, e.only)
			}
		}
		if !isTest && !isMain && dsp(dir) && slices.Contains(forbiddenInDSP, imp) {
			t.Errorf("%s imports %q: codec and DSP packages do no I/O and no logging", file, imp)
		}
		return
	}
	if isTest && (strings.HasPrefix(ours, "internal/") || ours == "hal/haltest" || ours == dir) {
		return
	}
	for _, l := range layers {
		if !match(l.packages, dir) {
			continue
		}
		if ours == dir || slices.ContainsFunc(l.may, func(p string) bool { return match(p, ours) }) {
			return
		}
		// Drivers are checked against the simulated ones.
		if isTest && strings.HasPrefix(dir, "hal/") && ours == "hal/sim" {
			return
		}
		// Tests of one codec may use another to check against, never a driver.
		if isTest && strings.HasPrefix(dir, "engine/") && strings.HasPrefix(ours, "engine/") {
			return
		}
		t.Errorf("%s imports %s: layer %q may import only %v", file, ours, l.packages, l.may)
		return
	}
	t.Errorf("%s: package %s belongs to no layer; add it to the table", file, dir)
}

func dsp(dir string) bool {
	return match("engine/video/...", dir) || match("engine/voice/...", dir) || match("engine/fixed/...", dir)
}

// match reports whether dir matches pattern: exact, "x/*" (one level) or
// "x/..." (x and everything below).
func match(pattern, dir string) bool {
	if pattern == "..." {
		return true
	}
	if base, ok := strings.CutSuffix(pattern, "/..."); ok {
		return dir == base || strings.HasPrefix(dir, base+"/")
	}
	ok, _ := path.Match(pattern, dir)
	return ok
}

func goFiles(t *testing.T, root string) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if p != root && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "testdata" && p != filepath.Join(root, "internal", "testdata") || name == "bin") {
				return filepath.SkipDir
			}
			if p != root {
				if _, err := os.Stat(filepath.Join(p, "go.mod")); err == nil {
					return filepath.SkipDir
				}
			}
			return nil
		}
		if strings.HasSuffix(name, ".go") {
			rel, err := filepath.Rel(root, p)
			if err != nil {
				return err
			}
			dir := filepath.ToSlash(filepath.Dir(rel))
			out[dir] = append(out[dir], filepath.ToSlash(rel))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestFileSizes keeps files readable: none written by hand over 800 lines.
func TestFileSizes(t *testing.T) {
	root := filepath.Join("..", "..")
	for _, files := range goFiles(t, root) {
		for _, file := range files {
			data, err := os.ReadFile(filepath.Join(root, file))
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(data[:min(len(data), 400)]), "Code generated") {
				continue
			}
			if n := strings.Count(string(data), "\n"); n > 800 {
				t.Errorf("%s has %d lines; split it (limit 800)", file, n)
			}
		}
	}
}

// TestRulesBite proves that the table refuses what it is there to refuse.
func TestRulesBite(t *testing.T) {
	for _, c := range []struct{ dir, imp string }{
		{"engine", "v4l2"},
		{"engine/video/vp8", "engine/video/enhance"},
		{"v4l2", "engine"},
		{"hal/sim", "engine/video/vp8"},
		{"engine/voice/opus", "engine/session"},
		{"engine/session", "engine"},
		{"cmd/edgecam/internal/cli", "v4l2"},
	} {
		allowed := false
		for _, l := range layers {
			if match(l.packages, c.dir) {
				allowed = slices.ContainsFunc(l.may, func(p string) bool { return match(p, c.imp) })
				break
			}
		}
		if allowed {
			t.Errorf("the table lets %s import %s", c.dir, c.imp)
		}
	}
}
