package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// testNames lists the test functions of each folder.
func testNames(t *testing.T, root string) map[string]map[string]bool {
	t.Helper()
	out := map[string]map[string]bool{}
	for dir, files := range goFiles(t, root) {
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range f.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && strings.HasPrefix(fn.Name.Name, "Test") {
					if out[dir] == nil {
						out[dir] = map[string]bool{}
					}
					out[dir][fn.Name.Name] = true
				}
			}
		}
	}
	return out
}

var tableTest = regexp.MustCompile("`(?:([a-z0-9]+)\\.)?(Test\\w+)`")

// checkBehaviours checks a table of behaviours, outcomes and tests, and returns how
// many rows it has and what is wrong: a row without a test, or with one that there is
// not. A name without package is of the package before it; those of a part that
// begins with "guest" are of the virtual machine's.
func checkBehaviours(table string, tests map[string]map[string]bool) (rows int, wrong []string) {
	has := func(pkg, name string) bool {
		for dir, names := range tests {
			guest := pkg == "guest" && (dir == "test/hardware/guest" || dir == "test/hardware/viewer")
			if (guest || path.Base(dir) == pkg) && names[name] {
				return true
			}
		}
		return false
	}
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.TrimSpace(line), " | ")
		if len(cells) != 3 || !strings.HasPrefix(cells[0], "| ") || cells[0] == "| behaviour" || strings.HasPrefix(cells[0], "|---") {
			continue
		}
		rows++
		found := 0
		for part := range strings.SplitSeq(cells[2], ";") {
			pkg := ""
			if strings.HasPrefix(strings.TrimSpace(part), "guest") {
				pkg = "guest"
			}
			for _, m := range tableTest.FindAllStringSubmatch(part, -1) {
				if m[1] != "" {
					pkg = m[1]
				}
				if found++; !has(pkg, m[2]) {
					wrong = append(wrong, cells[0]+": there is no test "+m[2]+" of "+pkg)
				}
			}
		}
		if found == 0 {
			wrong = append(wrong, cells[0]+": names no test")
		}
	}
	return rows, wrong
}

// TestBehaviours: each device behaviour in docs/hardware.md names tests that exist.
func TestBehaviours(t *testing.T) {
	root := filepath.Join("..", "..")
	tests := testNames(t, root)
	doc, err := os.ReadFile(filepath.Join(root, "docs", "hardware.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(doc), "## Device behaviours and outcomes\n")
	if !ok {
		t.Fatal("docs/hardware.md has no section of device behaviours")
	}
	table, _, _ = strings.Cut(table, "\n## ")
	rows, wrong := checkBehaviours(table, tests)
	if rows < 40 {
		t.Errorf("only %d rows were read: the table or its reader is broken", rows)
	}
	for _, w := range wrong {
		t.Error(w)
	}
	// The reader itself.
	bad := "| a | b | `v4l2.TestNoSuchThing` |\n| a | b | nothing |\n| a | b | guest `TestCrop` |\n| a | b | `v4l2.TestCrop`, `TestWatchdog`; guest `TestNode` |\n"
	if rows, wrong := checkBehaviours(bad, tests); rows != 4 || len(wrong) != 3 {
		t.Errorf("%d rows, wrong: %q", rows, wrong)
	}
}
