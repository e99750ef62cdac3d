// Command gomods writes the include file by which a Yocto recipe fetches a
// program's Go modules: one gomod address with a SHA-256 each, for the zips of
// the modules that the program contains and the go.mod files that the Go tool
// reads to choose them. The module cache must hold them ("go mod download").
//
//	go run ./packaging/gomods PROGRAM GO.SUM >edgecam-go-mods.inc
package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"fmt"
	"go/build"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: gomods PROGRAM GO.SUM")
		os.Exit(2)
	}
	cache := os.Getenv("GOMODCACHE")
	if cache == "" {
		cache = filepath.Join(build.Default.GOPATH, "pkg", "mod")
	}
	if err := write(os.Stdout, os.Args[1], os.Args[2], cache); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func write(w io.Writer, program, sumFile, cache string) error {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return fmt.Errorf("gomods: %w", err)
	}
	sums, err := os.ReadFile(sumFile)
	if err != nil {
		return fmt.Errorf("gomods: %w", err)
	}
	var lines []string
	add := func(path, version, file, more string) error {
		data, err := os.ReadFile(filepath.Join(cache, "cache", "download", escaped(path), "@v", escaped(version)+file))
		if err != nil {
			return fmt.Errorf("gomods: 'go mod download' first: %w", err)
		}
		sum := sha256.Sum256(data)
		lines = append(lines, fmt.Sprintf("    gomod://%s;version=%s%s;sha256sum=%s \\\n", path, version, more, hex.EncodeToString(sum[:])))
		return nil
	}
	zipped := map[string]bool{}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		zipped[m.Path+" "+m.Version] = true
		if err := add(m.Path, m.Version, ".zip", ""); err != nil {
			return err
		}
	}
	for line := range strings.Lines(string(sums)) {
		f := strings.Fields(line)
		if len(f) != 3 {
			continue
		}
		version, isMod := strings.CutSuffix(f[1], "/go.mod")
		if !isMod || zipped[f[0]+" "+version] {
			continue
		}
		if err := add(f[0], version, ".mod", ";mod=1"); err != nil {
			return err
		}
	}
	slices.Sort(lines)
	_, err = fmt.Fprintf(w, "# Written by 'make yocto' from go.sum. Do not edit.\nSRC_URI += \" \\\n%s\"\n", strings.Join(lines, ""))
	return err
}

// escaped returns a path as the module cache writes it: capitals as an
// exclamation mark and the small letter.
func escaped(s string) string {
	var b strings.Builder
	for _, r := range s {
		if unicode.IsUpper(r) {
			b.WriteByte('!')
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return b.String()
}
