package config

import "github.com/edgecam/edgecam/provisioning/update"

// Update is who may give the node another program. Without a key, here or in
// the fleet's key set, nobody may.
type Update struct {
	Keys []string `yaml:"keys" doc:"public keys (base64) that may sign updates, beside those that the fleet's key set names"`
}

// Defaults returns no keys.
func (Update) Defaults() Update { return Update{} }

// Validate returns the problems of the values.
func (u Update) Validate() Problems {
	p := checkTags(u)
	if _, err := update.TrustKeys(u.Keys...); err != nil {
		p.add("keys", "%v", err)
	}
	return p
}
