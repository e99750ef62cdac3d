package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// The compiler's flags. Go keeps X18 (platform), X27 (assembler's temporary),
// X28 (goroutine) and X29 (frame) for itself; everything else belongs to the
// called function, so nothing need be saved.
var flags = []string{
	"-O2", "-std=gnu11", "-Wall", "-Werror", "-mcpu=cortex-a72", "-fomit-frame-pointer",
	"-fno-tree-vectorize", "-fno-tree-loop-distribute-patterns", "-fno-jump-tables", "-fno-tree-switch-conversion",
	"-fno-asynchronous-unwind-tables", "-fno-stack-protector", "-fno-stack-clash-protection", "-fno-plt",
	"-ffixed-x18", "-ffixed-x27", "-ffixed-x28", "-ffixed-x29", "-ffixed-x30",
}

func compilerFlags() []string {
	f := slices.Clone(flags)
	for i := 19; i <= 26; i++ {
		f = append(f, fmt.Sprintf("-fcall-used-x%d", i))
	}
	for i := 8; i <= 15; i++ {
		f = append(f, fmt.Sprintf("-fcall-used-v%d", i))
	}
	return f
}

// function is one compiled kernel.
type function struct {
	name  string
	words []uint32
	text  []string // disassembly, one entry per word
}

// compile returns the functions of a C file in the order they stand in it.
func compile(src string) ([]function, error) {
	dir, err := os.MkdirTemp("", "neongen")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	obj := filepath.Join(dir, "kernels.o")
	args := append(compilerFlags(), "-c", "-o", obj, src)
	if out, err := exec.Command("aarch64-linux-gnu-gcc", args...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("aarch64-linux-gnu-gcc: %w\n%s", err, out)
	}
	return readObject(obj)
}

func readObject(obj string) ([]function, error) {
	f, err := elf.Open(obj)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text := f.Section(".text")
	if text == nil {
		return nil, errors.New("no code")
	}
	code, err := text.Data()
	if err != nil {
		return nil, err
	}
	if r := f.Section(".rela.text"); r != nil && r.Size > 0 {
		return nil, errors.New("code refers to memory outside itself (a constant or a call): pass constants in by pointer")
	}
	dis, err := disassemble(obj)
	if err != nil {
		return nil, err
	}
	syms, err := f.Symbols()
	if err != nil {
		return nil, err
	}
	slices.SortFunc(syms, func(a, b elf.Symbol) int { return int(a.Value) - int(b.Value) })
	var out []function
	for _, s := range syms {
		if elf.ST_TYPE(s.Info) != elf.STT_FUNC {
			continue
		}
		fn := function{name: s.Name}
		for a := s.Value; a < s.Value+s.Size; a += 4 {
			t := dis[a]
			if err := check(t); err != nil {
				return nil, fmt.Errorf("%s: %w", s.Name, err)
			}
			fn.words = append(fn.words, binary.LittleEndian.Uint32(code[a:]))
			fn.text = append(fn.text, relative(t, s.Value))
		}
		out = append(out, fn)
	}
	return out, nil
}

var lineRE = regexp.MustCompile(`(?m)^\s*([0-9a-f]+):\s+(.*)$`)

func disassemble(obj string) (map[uint64]string, error) {
	out, err := exec.Command("aarch64-linux-gnu-objdump", "-d", "--no-show-raw-insn", obj).Output()
	if err != nil {
		return nil, fmt.Errorf("aarch64-linux-gnu-objdump: %w", err)
	}
	lines := map[uint64]string{}
	for _, m := range lineRE.FindAllSubmatch(out, -1) {
		var a uint64
		if _, err := fmt.Sscanf(string(m[1]), "%x", &a); err != nil {
			return nil, err
		}
		t, _, _ := bytes.Cut(m[2], []byte("//"))
		lines[a] = strings.Join(strings.Fields(string(t)), " ")
	}
	return lines, nil
}

// forbidden are Go's registers, the stack, and calls.
var forbidden = regexp.MustCompile(`\b(sp|[xw]18|[xw]27|[xw]28|[xw]29|[xw]30|bl|blr|br|adrp?)\b`)

func check(t string) error {
	if t == "ret" {
		return nil
	}
	if m := forbidden.FindString(t); m != "" {
		return fmt.Errorf("%q uses %s, which a kernel may not", t, m)
	}
	return nil
}

var targetRE = regexp.MustCompile(`^(b|b\.\w+|cbn?z [xw]\d+,|tbn?z [xw]\d+, #\d+,) ([0-9a-f]+) <.*>$`)

// relative rewrites a branch's target as GNU as takes it back: ".+distance".
func relative(t string, base uint64) string {
	m := targetRE.FindStringSubmatch(t)
	if m == nil {
		return t
	}
	var a uint64
	_, _ = fmt.Sscanf(m[2], "%x", &a)
	return fmt.Sprintf("%s @%d", m[1], a-base)
}
