package config

import (
	"encoding/base64"
	"path/filepath"
	"strings"

	"github.com/edgecam/edgecam/provisioning/seal"
)

// Fleet is how the node belongs to a fleet. Without a site file it belongs to
// none and connects nowhere.
type Fleet struct {
	SiteFile    string `yaml:"site_file" doc:"site.json of the fleet's authority; empty: no fleet"`
	OwnerSecret string `yaml:"owner_secret" doc:"claim secret that the authority knows too; empty: a person approves the claim there" secret:"true"`
	OwnerKey    string `yaml:"owner_key" doc:"public key (base64 of X25519) for which pictures that the fleet asks for are sealed; empty: that of the site file"`
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
	if f.OwnerKey != "" {
		data, err := base64.StdEncoding.DecodeString(f.OwnerKey)
		if err == nil {
			_, err = seal.ParsePublic(data)
		}
		if err != nil {
			p.add("owner_key", "is no X25519 public key in base64; 'edgecam authority owner-key' prints one (%v)", err)
		}
	}
	if f.Serial != strings.TrimSpace(f.Serial) || len(f.Serial) > 64 {
		p.add("serial", "must have at most 64 characters and no space around it")
	}
	return p
}
