package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edgecam/edgecam/internal/testdata"
)

func TestCheck(t *testing.T) {
	for text, ok := range map[string]bool{
		"ret": true, "add x1, x2, x3": true, "uabal v0.8h, v2.8b, v3.8b": true, "b.ne 40 <f+0x8>": true, "ldr q0, [x0, x18]": false,
		"stp x29, x30, [sp, #-16]!": false, "bl 0 <memcpy>": false, "adrp x0, 0 <f>": false, "mov w27, w1": false, "add x28, x1, x2": false,
	} {
		if err := check(text); (err == nil) != ok {
			t.Errorf("check(%q) = %v, want allowed %v", text, err, ok)
		}
	}
}

func TestRelative(t *testing.T) {
	for text, want := range map[string]string{
		"b.ne 48 <f+0x8>":         "b.ne @8",
		"cbz x3, 60 <f+0x20>":     "cbz x3, @32",
		"tbnz w4, #4, 44 <f+0x4>": "tbnz w4, #4, @4",
		"add x1, x2, x3":          "add x1, x2, x3",
		"movi v0.4s, #0x0":        "movi v0.4s, #0x0",
		"b 40 <f>":                "b @0",
	} {
		if got := relative(text, 0x40); got != want {
			t.Errorf("relative(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestRender(t *testing.T) {
	sigs := map[string]signature{"f": {text: "func f(a *byte, n int) (x uint32, y int32)", args: []string{"a", "n"}, results: []result{{"x", 4}, {"y", 4}}}}
	fn := function{name: "f", words: []uint32{0xb4000041, 0xd65f03c0, 0x8b000000, 0xd65f03c0}, text: []string{"cbz x1, @8", "ret", "add x0, x0, x0", "ret"}}
	got, err := render("k.c", []function{fn}, sigs)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"TEXT ·f(SB), NOSPLIT, $0-24\n", "\tMOVD a+0(FP), R0\n\tMOVD n+8(FP), R1\n",
		"\tWORD $0x14000002 // b @12\n", // a return in the middle: to the epilogue
		"\tMOVW R0, x+16(FP)\n\tLSR $32, R0, R0\n\tMOVW R0, y+20(FP)\n\tRET\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	if strings.Contains(got, "// ret") {
		t.Error("a machine return was left in")
	}
	sigs["f"] = signature{text: "func f(a *byte, n int) int64", args: []string{"a", "n"}, results: []result{{"ret", 8}}}
	if got, err = render("k.c", []function{fn}, sigs); err != nil || !strings.Contains(got, "$0-24\n") || !strings.Contains(got, "\tMOVD R0, ret+16(FP)\n\tRET\n") {
		t.Errorf("a result of 64 bits: %v\n%s", err, got)
	}
	if _, err := render("k.c", []function{{name: "g"}}, sigs); err == nil {
		t.Error("an undeclared function was rendered")
	}
}

// What the compiler must not do is refused.
func TestCompileRefuses(t *testing.T) {
	if _, err := exec.LookPath("aarch64-linux-gnu-gcc"); err != nil {
		testdata.Missing(t, "the arm64 C compiler is not installed (Debian: gcc-aarch64-linux-gnu)")
	}
	for name, src := range map[string]string{
		"constant": "extern const int k; int f(void) { return k; }",
		"call":     "int g(int); int f(int a) { return g(a) + 1; }",
		"stack":    "int f(int i) { volatile int a[8]; a[i] = i; return a[3]; }",
	} {
		path := filepath.Join(t.TempDir(), name+".c")
		if err := os.WriteFile(path, []byte(src), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := compile(path); err == nil {
			t.Errorf("%s: compiled without complaint", name)
		}
	}
	path := filepath.Join(t.TempDir(), "good.c")
	if err := os.WriteFile(path, []byte("long f(long a, long b) { return a + b; }"), 0o600); err != nil {
		t.Fatal(err)
	}
	if fns, err := compile(path); err != nil || len(fns) != 1 || len(fns[0].words) != 2 {
		t.Errorf("a leaf: %v, %v", fns, err)
	}
}
