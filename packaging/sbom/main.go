// Command sbom writes the bill of materials of a program, and of an image that
// it is part of, as an SPDX 2.3 document in JSON. What the program consists of
// is read from the program itself, where the Go tool has recorded it; the same
// inputs give the same bytes.
//
//	go run ./packaging/sbom [-dpkg STATUS] [-name NAME] [-version V] [-epoch S] PROGRAM
package main

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

type options struct {
	program, dpkg, name, version string
	epoch                        int64
	modCache                     string
}

func main() {
	var o options
	flag.StringVar(&o.dpkg, "dpkg", "", "dpkg's status file of the image that the program is in")
	flag.StringVar(&o.name, "name", "edgecam", "what the document describes")
	flag.StringVar(&o.version, "version", "unknown", "its version")
	flag.Int64Var(&o.epoch, "epoch", 0, "the document's time, seconds since 1970")
	flag.StringVar(&o.modCache, "modcache", os.Getenv("GOMODCACHE"), "the Go module cache, for licences; empty: GOPATH/pkg/mod")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "sbom: give the program; -h shows the flags")
		os.Exit(2)
	}
	o.program = flag.Arg(0)
	if err := write(os.Stdout, o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Document is an SPDX 2.3 document, as far as it is used here.
type Document struct {
	SPDXVersion       string         `json:"spdxVersion"`
	DataLicense       string         `json:"dataLicense"`
	SPDXID            string         `json:"SPDXID"`
	Name              string         `json:"name"`
	DocumentNamespace string         `json:"documentNamespace"`
	CreationInfo      CreationInfo   `json:"creationInfo"`
	Packages          []Package      `json:"packages"`
	Relationships     []Relationship `json:"relationships"`
}

// CreationInfo says when and by what the document was made.
type CreationInfo struct {
	Created  string   `json:"created"`
	Creators []string `json:"creators"`
}

// Package is a thing that was delivered or that something was made of.
type Package struct {
	SPDXID           string        `json:"SPDXID"`
	Name             string        `json:"name"`
	VersionInfo      string        `json:"versionInfo,omitempty"`
	DownloadLocation string        `json:"downloadLocation"`
	FilesAnalyzed    bool          `json:"filesAnalyzed"`
	LicenseConcluded string        `json:"licenseConcluded"`
	LicenseDeclared  string        `json:"licenseDeclared"`
	CopyrightText    string        `json:"copyrightText"`
	SourceInfo       string        `json:"sourceInfo,omitempty"`
	Checksums        []Checksum    `json:"checksums,omitempty"`
	ExternalRefs     []ExternalRef `json:"externalRefs,omitempty"`
}

// Checksum is a digest in hexadecimal digits.
type Checksum struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"checksumValue"`
}

// ExternalRef is a package URL.
type ExternalRef struct {
	Category string `json:"referenceCategory"`
	Type     string `json:"referenceType"`
	Locator  string `json:"referenceLocator"`
}

// Relationship connects two packages.
type Relationship struct {
	Element string `json:"spdxElementId"`
	Type    string `json:"relationshipType"`
	Related string `json:"relatedSpdxElement"`
}

const unknown = "NOASSERTION"

func write(w io.Writer, o options) error {
	info, err := buildinfo.ReadFile(o.program)
	if err != nil {
		return fmt.Errorf("sbom: %w", err)
	}
	sum, err := digest(o.program)
	if err != nil {
		return err
	}
	program := Package{
		SPDXID: "SPDXRef-program", Name: "edgecam", VersionInfo: o.version, DownloadLocation: unknown,
		LicenseConcluded: unknown, LicenseDeclared: "Apache-2.0", CopyrightText: unknown,
		Checksums: []Checksum{{"SHA256", sum}}, ExternalRefs: purl("golang/" + info.Main.Path),
	}
	doc := Document{
		SPDXVersion: "SPDX-2.3", DataLicense: "CC0-1.0", SPDXID: "SPDXRef-DOCUMENT",
		Name: o.name + " " + o.version, DocumentNamespace: "https://github.com/edgecam/edgecam/sbom/" + o.name + "/" + sum,
		CreationInfo: CreationInfo{time.Unix(o.epoch, 0).UTC().Format(time.RFC3339), []string{"Tool: edgecam-sbom"}},
		Packages:     []Package{program},
	}
	relate := func(a, kind, b string) { doc.Relationships = append(doc.Relationships, Relationship{a, kind, b}) }
	top := program.SPDXID
	if o.dpkg != "" {
		top = "SPDXRef-image"
		doc.Packages = append([]Package{{
			SPDXID: top, Name: o.name, VersionInfo: o.version, DownloadLocation: unknown,
			LicenseConcluded: unknown, LicenseDeclared: unknown, CopyrightText: unknown,
		}}, doc.Packages...)
		relate(top, "CONTAINS", program.SPDXID)
	}
	relate(doc.SPDXID, "DESCRIBES", top)
	for _, p := range modules(info, o.modCache) {
		doc.Packages = append(doc.Packages, p)
		relate(program.SPDXID, "CONTAINS", p.SPDXID)
	}
	if o.dpkg != "" {
		installed, err := debian(o.dpkg)
		if err != nil {
			return err
		}
		for _, p := range installed {
			doc.Packages = append(doc.Packages, p)
			relate(top, "CONTAINS", p.SPDXID)
		}
	}
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(doc)
}

func digest(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("sbom: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("sbom: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func purl(s string) []ExternalRef { return []ExternalRef{{"PACKAGE-MANAGER", "purl", "pkg:" + s}} }

// modules returns the Go modules in a program, the standard library first.
func modules(info *buildinfo.BuildInfo, cache string) []Package {
	goVersion := strings.TrimPrefix(info.GoVersion, "go")
	out := []Package{{
		SPDXID: "SPDXRef-go-std", Name: "std", VersionInfo: goVersion, DownloadLocation: unknown,
		LicenseConcluded: unknown, LicenseDeclared: "BSD-3-Clause", CopyrightText: unknown, ExternalRefs: purl("golang/std@" + goVersion),
	}}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		out = append(out, Package{
			SPDXID: "SPDXRef-go-" + id(m.Path), Name: m.Path, VersionInfo: m.Version, DownloadLocation: unknown,
			LicenseConcluded: unknown, LicenseDeclared: licence(cache, m.Path, m.Version), CopyrightText: unknown,
			SourceInfo: m.Sum, ExternalRefs: purl("golang/" + m.Path + "@" + m.Version),
		})
	}
	return out
}

// id turns s into the letters that SPDX identifiers have.
func id(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' {
			return r
		}
		return '-'
	}, s)
}

// debian returns the packages that dpkg's status file lists as installed.
func debian(status string) ([]Package, error) {
	f, err := os.Open(status)
	if err != nil {
		return nil, fmt.Errorf("sbom: %w", err)
	}
	defer f.Close()
	var out []Package
	fields := map[string]string{}
	flush := func() {
		if fields["Status"] == "install ok installed" {
			name, version, arch := fields["Package"], fields["Version"], fields["Architecture"]
			out = append(out, Package{
				SPDXID: "SPDXRef-deb-" + id(name+"-"+arch), Name: name, VersionInfo: version, DownloadLocation: unknown,
				LicenseConcluded: unknown, LicenseDeclared: unknown, CopyrightText: unknown,
				SourceInfo:   fields["Source"],
				ExternalRefs: purl("deb/debian/" + strings.ReplaceAll(name, "+", "%2B") + "@" + strings.ReplaceAll(version, "+", "%2B") + "?arch=" + arch),
			})
		}
		clear(fields)
	}
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		line := s.Text()
		if line == "" {
			flush()
			continue
		}
		if key, value, ok := strings.Cut(line, ": "); ok && line[0] != ' ' {
			fields[key] = value
		}
	}
	flush()
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("sbom: %w", err)
	}
	slices.SortFunc(out, func(a, b Package) int { return cmp.Compare(a.SPDXID, b.SPDXID) })
	return out, nil
}
