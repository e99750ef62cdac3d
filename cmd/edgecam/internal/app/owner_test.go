package app

import (
	"encoding/base64"
	"errors"
	"testing"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
	"github.com/edgecam/edgecam/provisioning/command"
	"github.com/edgecam/edgecam/provisioning/enrol"
	"github.com/edgecam/edgecam/provisioning/seal"
)

// TestOwner: for whom a node seals pictures, and that it sends none without
// being told for whom.
func TestOwner(t *testing.T) {
	own, err := seal.NewPrivate()
	must(t, err)
	fleets, err := seal.NewPrivate()
	must(t, err)
	text := base64.StdEncoding.EncodeToString(own.Public().Bytes())
	for _, c := range []struct {
		what string
		cfg  config.Fleet
		site enrol.Site
		want string
	}{
		{"the site's", config.Fleet{}, enrol.Site{OwnerKey: fleets.Public().Bytes()}, fleets.Public().ID()},
		{"the node's own before the site's", config.Fleet{OwnerKey: text}, enrol.Site{OwnerKey: fleets.Public().Bytes()}, own.Public().ID()},
		{"the node's own although the site says plain", config.Fleet{OwnerKey: text}, enrol.Site{PlainPictures: true}, own.Public().ID()},
		{"nobody", config.Fleet{}, enrol.Site{}, ""},
	} {
		owner, err := ownerOf(c.cfg, c.site)
		if err != nil || (owner == nil) != (c.want == "") || owner != nil && owner.ID() != c.want {
			t.Errorf("%s: %v, %v", c.what, owner, err)
		}
	}
	if _, err := ownerOf(config.Fleet{OwnerKey: "AAAA"}, enrol.Site{}); err == nil {
		t.Error("three bytes are taken as a key")
	}
	for _, key := range []string{"x", "AAAA", base64.StdEncoding.EncodeToString(make([]byte, 32))} {
		if p := (config.Fleet{OwnerKey: key}).Validate(); len(p) != 1 || p[0].Key != "owner_key" {
			t.Errorf("%q: %v", key, p)
		}
	}

	var refused *command.CodeError
	if _, err := (&fleet{}).sealed(t.Context(), command.Call{ID: "x"}, "image/jpeg", []byte("picture")); !errors.As(err, &refused) || refused.Code != "no-owner-key" {
		t.Errorf("a picture without an owner: %v", err)
	}
}
