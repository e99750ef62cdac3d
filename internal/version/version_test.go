package version

import (
	"runtime/debug"
	"strings"
	"testing"
)

func TestFill(t *testing.T) {
	bi := &debug.BuildInfo{Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0123456789abcdef0123"},
		{Key: "vcs.time", Value: "2026-01-02T03:04:05Z"},
		{Key: "vcs.modified", Value: "true"},
		{Key: "CGO_ENABLED", Value: "1"},
		{Key: "-tags", Value: "noasm"},
	}}
	bi.Main.Version = "v1.4.0"
	got := Info{Go: "go1.26", OS: "linux", Arch: "arm64"}
	got.fill(bi)
	if want := "v1.4.0 (0123456789ab+changes, go1.26, linux/arm64)"; got.String() != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !got.CGO || got.Tags != "noasm" || got.Date != "2026-01-02T03:04:05Z" {
		t.Errorf("settings lost: %+v", got)
	}
	flags := Info{Version: "v2.0.0", Commit: "feed", Date: "then"}
	flags.fill(bi)
	if flags.Version != "v2.0.0" || flags.Commit != "feed" || flags.Date != "then" {
		t.Errorf("linker's flags were overruled: %+v", flags)
	}
}

func TestGet(t *testing.T) {
	i := Get()
	if i.Version == "" || !strings.HasPrefix(i.Go, "go") && !strings.HasPrefix(i.Go, "devel") {
		t.Errorf("incomplete: %+v", i)
	}
}
