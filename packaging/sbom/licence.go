package main

import (
	"go/build"
	"os"
	"path/filepath"
	"strings"
	"unicode"
)

// licence returns the SPDX name of a module's licence, found by the sentences
// that tell one from another, unknown if the text is not there or says
// something else.
func licence(cache, path, version string) string {
	if cache == "" {
		cache = filepath.Join(build.Default.GOPATH, "pkg", "mod")
	}
	dir := filepath.Join(cache, escaped(path)+"@"+escaped(version))
	names, err := os.ReadDir(dir)
	if err != nil {
		return unknown
	}
	for _, n := range names {
		base := strings.ToUpper(n.Name())
		if n.IsDir() || !strings.HasPrefix(base, "LICEN") && !strings.HasPrefix(base, "COPYING") && !strings.HasPrefix(base, "UNLICENSE") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, n.Name()))
		if err != nil {
			continue
		}
		if l := classify(string(text)); l != unknown {
			return l
		}
	}
	return unknown
}

// classify names the licence of a text.
func classify(text string) string {
	text = strings.ToLower(strings.Join(strings.Fields(text), " "))
	has := func(s string) bool { return strings.Contains(text, s) }
	switch {
	case has("eclipse public license - v 2.0"), has("eclipse public license 2.0"):
		return "EPL-2.0"
	case has("mozilla public license version 2.0"):
		return "MPL-2.0"
	case has("apache license") && has("version 2.0"):
		return "Apache-2.0"
	case has("redistributions of source code") && (has("neither the name") || has("may not be used to endorse")):
		return "BSD-3-Clause"
	case has("redistributions of source code"):
		return "BSD-2-Clause"
	case has("permission to use, copy, modify, and/or distribute"), has("permission to use, copy, modify, and distribute this software for any"):
		return "ISC"
	case has("permission is hereby granted, free of charge, to any person obtaining a copy"):
		return "MIT"
	case has("this is free and unencumbered software released into the public domain"):
		return "Unlicense"
	}
	return unknown
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
