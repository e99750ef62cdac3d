// Command neongen turns NEON kernels written in C with vector types into Go
// assembly, because Go's arm64 assembler lacks most integer NEON instructions.
// It compiles each file with aarch64-linux-gnu-gcc and writes the machine code
// as WORD data, each with its disassembly as comment:
//
//	neongen -decl kernels_arm64.go -out . neon/sad.c neon/sse.c
//
// writes sad_arm64.s and sse_arm64.s beside the declarations. The Go signatures
// come from the declarations; the functions must be leaves that need neither
// stack nor constants in memory (no relocations), and at most eight arguments.
// A result of 64 bits comes back in a register, two of 32 bits in its halves.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	decl := flag.String("decl", "kernels_arm64.go", "Go file that declares the kernels")
	out := flag.String("out", ".", "folder for the assembly files")
	flag.Parse()
	if err := run(*decl, *out, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "neongen:", err)
		os.Exit(1)
	}
}

func run(decl, out string, sources []string) error {
	sigs, err := readDeclarations(decl)
	if err != nil {
		return err
	}
	for _, src := range sources {
		funcs, err := compile(src)
		if err != nil {
			return fmt.Errorf("%s: %w", src, err)
		}
		text, err := render(filepath.Base(src), funcs, sigs)
		if err != nil {
			return fmt.Errorf("%s: %w", src, err)
		}
		name := strings.TrimSuffix(filepath.Base(src), ".c") + "_arm64.s"
		if err := os.WriteFile(filepath.Join(out, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
