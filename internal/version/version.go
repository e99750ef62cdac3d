// Package version says which build this is: from the linker's flags where a
// release sets them, else from what the Go tool recorded in the binary.
package version

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// Set by -ldflags "-X github.com/edgecam/edgecam/internal/version.version=v1.2.3 …".
var (
	version string
	commit  string
	date    string
)

// Info describes a build.
type Info struct {
	Version  string `json:"version"`            // "v1.2.3", or "devel"
	Commit   string `json:"commit,omitempty"`   // full hash
	Date     string `json:"date,omitempty"`     // of the commit, RFC 3339
	Modified bool   `json:"modified,omitempty"` // built from a changed tree
	Go       string `json:"go"`                 // toolchain
	OS       string `json:"os"`
	Arch     string `json:"arch"`
	CGO      bool   `json:"cgo"`
	Tags     string `json:"tags,omitempty"`
}

// Get returns the build's description.
func Get() Info {
	info := Info{Version: version, Commit: commit, Date: date, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	if bi, ok := debug.ReadBuildInfo(); ok {
		info.fill(bi)
	}
	if info.Version == "" {
		info.Version = "devel"
	}
	return info
}

// fill takes from bi what the linker's flags left open.
func (i *Info) fill(bi *debug.BuildInfo) {
	if i.Version == "" && bi.Main.Version != "(devel)" {
		i.Version = bi.Main.Version
	}
	for _, s := range bi.Settings {
		switch s.Key {
		case "vcs.revision":
			if i.Commit == "" {
				i.Commit = s.Value
			}
		case "vcs.time":
			if i.Date == "" {
				i.Date = s.Value
			}
		case "vcs.modified":
			i.Modified = s.Value == "true"
		case "CGO_ENABLED":
			i.CGO = s.Value == "1"
		case "-tags":
			i.Tags = s.Value
		}
	}
}

// String returns one line such as "v1.2.3 (4f1c0d2a91b3, go1.26, linux/arm64)".
func (i Info) String() string {
	c := i.Commit
	if len(c) > 12 {
		c = c[:12]
	}
	if i.Modified && c != "" {
		c += "+changes"
	}
	if c != "" {
		c += ", "
	}
	return fmt.Sprintf("%s (%s%s, %s/%s)", i.Version, c, i.Go, i.OS, i.Arch)
}
