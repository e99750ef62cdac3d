// Package kerneltest has what tests of assembly kernels share: a check that
// encoded instructions are those of their comments, and memory that ends at a page
// that may not be touched.
package kerneltest

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/edgecam/edgecam/internal/testdata"
)

var (
	wordRE   = regexp.MustCompile(`^\tWORD \$0x([0-9a-f]{8}) // (.*)$`)
	branchRE = regexp.MustCompile(`@(\d+)$`)
)

// NEONWords assembles the comment beside each WORD of the package's arm64 files
// with GNU as and compares the bytes: what a reader sees is what runs. Files that
// are written in the Go assembler's own mnemonics are named in plain.
func NEONWords(t *testing.T, plain ...string) {
	t.Helper()
	as, err := exec.LookPath("aarch64-linux-gnu-as")
	if err != nil {
		testdata.Missing(t, "GNU as for arm64 is not installed (Debian: binutils-aarch64-linux-gnu)")
	}
	files, err := filepath.Glob("*_arm64.s")
	if err != nil || len(files) == 0 {
		t.Fatalf("no assembly files: %v", err)
	}
	for _, file := range files {
		if slices.Contains(plain, file) {
			continue
		}
		t.Run(file, func(t *testing.T) { compareWords(t, as, file) })
	}
}

func compareWords(t *testing.T, as, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var source strings.Builder
	source.WriteString(".text\n")
	var want []uint32
	var comments []string
	at := 0
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "TEXT ") {
			at = 0
		}
		m := wordRE.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		w, err := strconv.ParseUint(m[1], 16, 32)
		if err != nil {
			t.Fatal(err)
		}
		asm := m[2]
		if b := branchRE.FindStringSubmatch(asm); b != nil {
			target, _ := strconv.Atoi(b[1])
			asm = strings.TrimSuffix(asm, b[0]) + fmt.Sprintf(".+(%d)", target-at)
		}
		fmt.Fprintln(&source, asm)
		want, comments = append(want, uint32(w)), append(comments, m[2])
		at += 4
	}
	obj := filepath.Join(t.TempDir(), "words.o")
	cmd := exec.Command(as, "-march=armv8.2-a+dotprod", "-o", obj, "-")
	cmd.Stdin = strings.NewReader(source.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("as: %v\n%s", err, bytes.TrimSpace(out))
	}
	f, err := elf.Open(obj)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	code, err := f.Section(".text").Data()
	if err != nil {
		t.Fatal(err)
	}
	if len(code) != 4*len(want) || len(want) == 0 {
		t.Fatalf("%d bytes of code for %d words", len(code), len(want))
	}
	for i, w := range want {
		if got := binary.LittleEndian.Uint32(code[4*i:]); got != w {
			t.Errorf("%s: %#08x in the file, as says %#08x", comments[i], w, got)
		}
	}
}
