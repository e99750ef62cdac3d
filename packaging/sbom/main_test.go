package main

import (
	"bytes"
	"debug/buildinfo"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

// TestDocument describes this test's own program and a small image.
func TestDocument(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	status := filepath.Join(t.TempDir(), "status")
	if err := os.WriteFile(status, []byte(`Package: libstdc++6
Status: install ok installed
Architecture: arm64
Version: 12.2.0-14+deb12u1
Description: library
 Version: of a continued line

Package: gone
Status: deinstall ok config-files
Architecture: arm64
Version: 1
`), 0o600); err != nil {
		t.Fatal(err)
	}
	o := options{program: program, dpkg: status, name: "image", version: "1.2.3", epoch: 1790000000}
	var first, second bytes.Buffer
	if err := write(&first, o); err != nil {
		t.Fatal(err)
	}
	if err := write(&second, o); err != nil || !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Errorf("two runs differ (%v)", err)
	}
	var doc Document
	if err := json.Unmarshal(first.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.CreationInfo.Created != "2026-09-21T14:13:20Z" {
		t.Errorf("created %s", doc.CreationInfo.Created)
	}
	ids := map[string]bool{doc.SPDXID: true}
	for _, p := range doc.Packages {
		if ids[p.SPDXID] {
			t.Errorf("%s is there twice", p.SPDXID)
		}
		ids[p.SPDXID] = true
	}
	for _, r := range doc.Relationships {
		if !ids[r.Element] || !ids[r.Related] {
			t.Errorf("%+v names what is not there", r)
		}
	}
	if len(doc.Relationships) != len(doc.Packages) {
		t.Errorf("%d packages, %d relationships", len(doc.Packages), len(doc.Relationships))
	}
	i := slices.IndexFunc(doc.Packages, func(p Package) bool { return p.Name == "libstdc++6" })
	if i < 0 || doc.Packages[i].VersionInfo != "12.2.0-14+deb12u1" ||
		doc.Packages[i].ExternalRefs[0].Locator != "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14%2Bdeb12u1?arch=arm64" {
		t.Errorf("the Debian package: %+v", doc.Packages)
	}
	if ids["SPDXRef-deb-gone-arm64"] {
		t.Error("a package that was removed is listed")
	}
	if err := write(&first, options{program: status}); err == nil {
		t.Error("a text was taken for a program")
	}
}

func TestModules(t *testing.T) {
	info := &buildinfo.BuildInfo{GoVersion: "go1.26.1", Deps: []*debug.Module{
		{Path: "example.org/Some/mod", Version: "v1.0.0", Sum: "h1:x"},
		{Path: "example.org/old", Version: "v1.0.0", Replace: &debug.Module{Path: "example.org/new", Version: "v2.0.0"}},
	}}
	cache := t.TempDir()
	dir := filepath.Join(cache, "example.org", "!some", "mod@v1.0.0")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "LICENSE.md"), []byte("Permission is hereby granted, free of charge,\nto any person obtaining a copy of"), 0o600); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range modules(info, cache) {
		got = append(got, strings.Join([]string{p.Name, p.VersionInfo, p.LicenseDeclared}, " "))
	}
	if want := []string{"std 1.26.1 BSD-3-Clause", "example.org/Some/mod v1.0.0 MIT", "example.org/new v2.0.0 NOASSERTION"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
