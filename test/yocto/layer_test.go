// Package yocto checks the Yocto layer without bitbake: what it requires of
// itself, files that recipes name, licences, units, revisions.
package yocto

import (
	"crypto/md5"
	"encoding/hex"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

const (
	root  = "../.."
	layer = "../../yocto/meta-edgecam"
)

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// recipes returns the files of the layer with one of the endings.
func recipes(t *testing.T, endings ...string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(layer, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && slices.Contains(endings, filepath.Ext(path)) {
			out = append(out, path)
		}
		return err
	})
	if err != nil || len(out) < 2 {
		t.Fatalf("%q, %v", out, err)
	}
	return out
}

// value returns what a recipe assigns to a variable last, "" if nothing.
func value(text, name string) string {
	text = strings.ReplaceAll(text, "\\\n", " ")
	m := regexp.MustCompile(`(?m)^`+regexp.QuoteMeta(name)+`\s*(?:\?\?|\?|:|\+|\.)?=\s*"([^"]*)"`).FindAllStringSubmatch(text, -1)
	if len(m) == 0 {
		return ""
	}
	return m[len(m)-1][1]
}

// withIncludes returns a recipe with the files that it requires put in.
func withIncludes(t *testing.T, path string) string {
	t.Helper()
	return regexp.MustCompile(`(?m)^require (\S+)$`).ReplaceAllStringFunc(read(t, path), func(line string) string {
		return read(t, filepath.Join(filepath.Dir(path), strings.TrimPrefix(line, "require ")))
	})
}

func TestLayerConf(t *testing.T) {
	conf := read(t, filepath.Join(layer, "conf/layer.conf"))
	for name, want := range map[string]string{
		"BBFILE_COLLECTIONS": "edgecam", "BBFILE_PATTERN_edgecam": "^${LAYERDIR}/", "LAYERDEPENDS_edgecam": "core",
		"BBFILE_PRIORITY_edgecam": "8", "LAYERVERSION_edgecam": "1",
	} {
		if got := value(conf, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	series := strings.Fields(value(conf, "LAYERSERIES_COMPAT_edgecam"))
	if !slices.Contains(series, "wrynose") || !slices.Contains(series, "scarthgap") {
		t.Errorf("series %q", series)
	}
	// Every file is reached by a pattern, and every folder of a foreign layer
	// has one.
	patterns := strings.Fields(value(conf, "BBFILES"))
	for _, entry := range strings.Fields(value(conf, "BBFILES_DYNAMIC")) {
		collection, pattern, ok := strings.Cut(entry, ":")
		if !ok || !strings.Contains(pattern, "/dynamic-layers/"+collection+"/") {
			t.Errorf("BBFILES_DYNAMIC has %q", entry)
		}
		patterns = append(patterns, pattern)
	}
	for _, path := range recipes(t, ".bb", ".bbappend") {
		if !slices.ContainsFunc(patterns, func(p string) bool {
			ok, _ := filepath.Match(strings.ReplaceAll(p, "${LAYERDIR}", layer), path)
			return ok
		}) {
			t.Errorf("%s is reached by no pattern", path)
		}
	}
}

func TestRecipes(t *testing.T) {
	for _, path := range recipes(t, ".bb", ".bbappend", ".inc") {
		text := read(t, path)
		for _, bad := range []string{"AUTOREV", "UNPACKDIR ?", "UNPACKDIR=", "_append", "_prepend", "FILES_${PN}", "@SRCREV@"} {
			if strings.Contains(text, bad) {
				t.Errorf("%s has %s", path, bad)
			}
		}
		if strings.Count(text, "\"")%2 != 0 {
			t.Errorf("%s has an open quotation", path)
		}
		if filepath.Ext(path) != ".bb" {
			continue
		}
		full := withIncludes(t, path)
		if value(full, "SUMMARY") == "" || value(full, "LICENSE") == "" {
			t.Errorf("%s lacks SUMMARY or LICENSE", path)
		}
		if base := filepath.Base(path); !strings.HasPrefix(base, "edgecam") {
			t.Errorf("%s: another name than the layer's", base)
		}
		for _, uri := range regexp.MustCompile(`file://[^\s";]+`).FindAllString(value(full, "SRC_URI"), -1) {
			name := strings.TrimPrefix(uri, "file://")
			dir := filepath.Dir(path)
			found, _ := filepath.Glob(filepath.Join(dir, "*", name))
			if len(found) == 0 {
				t.Errorf("%s names %s, which is not there", path, uri)
			}
		}
		if strings.Contains(full, "git://") {
			if rev := value(full, "SRCREV"); !regexp.MustCompile(`^[0-9a-f]{40}$`).MatchString(rev) {
				t.Errorf("%s: SRCREV is %q", path, rev)
			}
		}
	}
}

// TestLicence: the checksum is that of the file in this tree.
func TestLicence(t *testing.T) {
	sum := md5.Sum([]byte(read(t, filepath.Join(root, "LICENSE"))))
	text := read(t, filepath.Join(layer, "recipes-edgecam/edgecam/edgecam_git.bb"))
	if want := "LICENSE;md5=" + hex.EncodeToString(sum[:]); !strings.Contains(value(text, "LIC_FILES_CHKSUM"), want) {
		t.Errorf("LIC_FILES_CHKSUM is %q, want %s", value(text, "LIC_FILES_CHKSUM"), want)
	}
}

// TestUnits: every file that the recipe installs is there, is in FILES, and
// the user and the groups are those of sysusers.d.
func TestUnits(t *testing.T) {
	inc := read(t, filepath.Join(layer, "recipes-edgecam/edgecam/edgecam.inc"))
	_, body, _ := strings.Cut(inc, "install_units()")
	seen := 0
	for _, m := range regexp.MustCompile(`\$\{EDGECAM_UNITS\}(/\S+)`).FindAllStringSubmatch(body, -1) {
		found, _ := filepath.Glob(filepath.Join(root, "systemd", m[1]))
		if len(found) == 0 {
			t.Errorf("systemd%s is not there", m[1])
		}
		seen++
	}
	if seen < 6 {
		t.Errorf("only %d files are installed", seen)
	}
	files := value(inc, "FILES:${PN}")
	for _, unit := range strings.Fields(value(inc, "SYSTEMD_SERVICE:${PN}")) {
		if !strings.Contains(files, "${systemd_system_unitdir}/"+unit) || !strings.Contains(body, unit) {
			t.Errorf("%s is not installed or not in FILES", unit)
		}
	}
	users := value(inc, "USERADD_PARAM:${PN}")
	for line := range strings.Lines(read(t, filepath.Join(root, "systemd/sysusers.d/edgecam.conf"))) {
		f := strings.Fields(line)
		if len(f) > 2 && f[0] == "m" && !strings.Contains(users, f[2]) {
			t.Errorf("the user is not in group %s: %s", f[2], users)
		}
	}
}

// TestLauncher: the service starts through the launcher unless RAUC updates the
// system, both recipes know how, and the drop-in names what they install.
func TestLauncher(t *testing.T) {
	const dir = layer + "/recipes-edgecam/edgecam/"
	inc := read(t, dir+"edgecam.inc")
	if got := value(inc, "PACKAGECONFIG"); got != "${@bb.utils.contains('DISTRO_FEATURES', 'rauc', '', 'launcher', d)}" {
		t.Errorf("PACKAGECONFIG is %q", got)
	}
	if !strings.Contains(inc, "\nPACKAGECONFIG[launcher] = \"\"\n") || !strings.Contains(value(inc, "FILES:${PN}"), "${systemd_system_unitdir}/edgecam.service.d/launcher.conf") {
		t.Error("the variant is not declared, or its drop-in not packaged")
	}
	conf := read(t, root+"/systemd/launcher.conf")
	if !strings.Contains(conf, "ExecStart=/usr/lib/edgecam/edgecam-launcher --installed /usr/bin/edgecam ") {
		t.Errorf("the drop-in starts something else:\n%s", conf)
	}
	if git := read(t, dir+"edgecam_git.bb"); !strings.Contains(value(git, "GO_INSTALL"), "${GO_IMPORT}/cmd/edgecam-launcher") {
		t.Error("the launcher is not built")
	}
	for _, recipe := range []string{"edgecam_git.bb", "edgecam-bin_0.1.0.bb"} {
		if !regexp.MustCompile(`(?m)^    install_launcher \S+/edgecam-launcher \S+/launcher\.conf$`).MatchString(read(t, dir+recipe)) {
			t.Errorf("%s does not install the launcher", recipe)
		}
	}
	// What install_launcher does, with and without, in a real shell.
	_, body, _ := strings.Cut(inc, "install_launcher() {\n")
	body, _, ok := strings.Cut(body, "\n}\n")
	if !ok {
		t.Fatal("no install_launcher")
	}
	for _, with := range []bool{true, false} {
		d := t.TempDir()
		script := body
		for from, to := range map[string]string{
			"${@bb.utils.contains('PACKAGECONFIG', 'launcher', 'true', 'false', d)}": strconv.FormatBool(with),
			"${D}": d, "${nonarch_libdir}": "/usr/lib", "${bindir}": "/usr/bin", "${systemd_system_unitdir}": "/usr/lib/systemd/system",
		} {
			script = strings.ReplaceAll(script, from, to)
		}
		if strings.Contains(script, "${") {
			t.Fatalf("not replaced: %s", script)
		}
		for _, at := range []string{"/usr/bin", "/usr/lib/edgecam"} { // built, and unpacked
			program := d + at + "/edgecam-launcher"
			if err := os.MkdirAll(filepath.Dir(program), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(program, []byte("x"), 0o755); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command("sh", "-ec", script, "sh", program, root+"/systemd/launcher.conf").CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			for _, file := range []string{"/usr/lib/edgecam/edgecam-launcher", "/usr/lib/systemd/system/edgecam.service.d/launcher.conf"} {
				if _, err := os.Stat(d + file); (err == nil) != with {
					t.Errorf("launcher %v, from %s: %s: %v", with, at, file, err)
				}
			}
			if _, err := os.Stat(d + "/usr/bin/edgecam-launcher"); err == nil {
				t.Errorf("launcher %v: it stays in the path of programs", with)
			}
		}
	}
}

// TestModules: the recipe fetches every module of go.mod in its version.
func TestModules(t *testing.T) {
	inc := read(t, filepath.Join(layer, "recipes-edgecam/edgecam/edgecam-go-mods.inc"))
	mod := read(t, filepath.Join(root, "go.mod"))
	seen := 0
	for _, m := range regexp.MustCompile(`(?m)^\s+(\S+) (v\S+)`).FindAllStringSubmatch(mod, -1) {
		entry := "gomod://" + m[1] + ";version=" + m[2] + ";"
		if !strings.Contains(inc, entry) {
			t.Errorf("%s is missing: run 'make yocto'", entry)
		}
		seen++
	}
	if seen < 10 {
		t.Errorf("only %d modules in go.mod", seen)
	}
	if bad := regexp.MustCompile(`gomod://\S+`).FindAllString(inc, -1); len(bad) == 0 || slices.ContainsFunc(bad, func(s string) bool {
		return !regexp.MustCompile(`;sha256sum=[0-9a-f]{64}$`).MatchString(s)
	}) {
		t.Error("a module has no checksum")
	}
}

func TestKas(t *testing.T) {
	paths, err := filepath.Glob(root + "/yocto/kas/*.yml")
	if err != nil || len(paths) < 5 {
		t.Fatalf("%q, %v", paths, err)
	}
	for _, path := range paths {
		var file struct {
			Header struct {
				Version  int
				Includes []string
			}
			Machine string
			Distro  string
			Repos   map[string]struct {
				URL, Branch, Commit string
				Layers              map[string]any
			}
		}
		if err := yaml.Unmarshal([]byte(read(t, path)), &file); err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		base := filepath.Base(path) == "base.yml"
		if file.Header.Version == 0 || base != (file.Distro != "") {
			t.Errorf("%s: header or distro: %+v", path, file)
		}
		if !base && (file.Machine != strings.TrimSuffix(filepath.Base(path), ".yml") || !slices.Equal(file.Header.Includes, []string{"base.yml"})) {
			t.Errorf("%s: machine %q, includes %q", path, file.Machine, file.Header.Includes)
		}
		for name, repo := range file.Repos {
			if repo.URL == "" {
				for dir := range repo.Layers {
					if _, err := os.Stat(filepath.Join(root, dir, "conf/layer.conf")); err != nil {
						t.Errorf("%s: %s: %v", path, name, err)
					}
				}
			} else if repo.Branch == "" && repo.Commit == "" {
				t.Errorf("%s: %s has neither branch nor commit", path, name)
			}
		}
	}
}
