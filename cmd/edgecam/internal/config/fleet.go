package config

import (
	"path/filepath"
	"strings"
)

// Fleet is how the node belongs to a fleet. Without a site file it belongs to
// none and connects nowhere.
type Fleet struct {
	SiteFile    string `yaml:"site_file" doc:"site.json of the fleet's authority; empty: no fleet"`
	OwnerSecret string `yaml:"owner_secret" doc:"claim secret that the authority knows too; empty: a person approves the claim there" secret:"true"`
	Serial      string `yaml:"serial" doc:"serial number that the node's id follows from; empty: the board's own"`
}

// Defaults returns no fleet.
func (Fleet) Defaults() Fleet { return Fleet{} }

// Validate returns the problems of the values.
func (f Fleet) Validate() Problems {
	p := checkTags(f)
	if f.SiteFile != "" && !filepath.IsAbs(f.SiteFile) {
		p.add("site_file", "is %q, must be an absolute path", f.SiteFile)
	}
	if n := len(f.OwnerSecret); n > 0 && n < 12 {
		p.add("owner_secret", "has %d characters, must have at least 12", n)
	}
	if f.Serial != strings.TrimSpace(f.Serial) || len(f.Serial) > 64 {
		p.add("serial", "must have at most 64 characters and no space around it")
	}
	return p
}
