package enrol

import (
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"

	"github.com/edgecam/edgecam/provisioning/pki"
	"github.com/edgecam/edgecam/provisioning/seal"
	"github.com/edgecam/edgecam/provisioning/wire"
)

// Site is what a node must be given to find and trust its fleet. It is the
// same for all nodes of a fleet, and the authority prints it.
type Site struct {
	Version     int    `json:"v"`
	Broker      string `json:"broker"`       // tls://HOST:PORT
	Root        string `json:"root"`         // PEM; certificates must lead to it
	CommandRoot []byte `json:"command_root"` // ed25519 public key; signs key sets
	ClaimCert   string `json:"claim_cert"`   // PEM with chain; may ask, nothing else
	ClaimKey    string `json:"claim_key"`    // PEM
	// OwnerKey is the X25519 public key for which pictures are sealed. Without
	// it none are sent, unless PlainPictures lets them go as they are.
	OwnerKey      []byte `json:"owner_key,omitempty"`
	PlainPictures bool   `json:"plain_pictures,omitempty"`
}

// ErrSite tells that a site file is unusable.
var ErrSite = errors.New("enrol: the site file is unusable")

// ParseSite reads and checks a site file.
func ParseSite(data []byte) (Site, error) {
	var s Site
	if err := wire.Decode(data, wire.MaxMessage, &s); err != nil {
		return s, fmt.Errorf("%w: %w", ErrSite, err)
	}
	return s, s.check()
}

func (s Site) check() error {
	switch {
	case s.Version != 1:
		return fmt.Errorf("%w: version %d, this program knows 1", ErrSite, s.Version)
	case !strings.HasPrefix(s.Broker, "tls://") && !strings.HasPrefix(s.Broker, "mqtts://"):
		return fmt.Errorf("%w: broker %q must be like tls://HOST:8883", ErrSite, s.Broker)
	case len(s.CommandRoot) != ed25519.PublicKeySize:
		return fmt.Errorf("%w: command_root is not an ed25519 public key", ErrSite)
	}
	if len(s.OwnerKey) > 0 {
		if _, err := seal.ParsePublic(s.OwnerKey); err != nil {
			return fmt.Errorf("%w: owner_key: %w", ErrSite, err)
		}
		if s.PlainPictures {
			return fmt.Errorf("%w: owner_key and plain_pictures are both given; which of them holds?", ErrSite)
		}
	}
	if _, err := pki.Pool(s.Root); err != nil {
		return fmt.Errorf("%w: root: %w", ErrSite, err)
	}
	if _, err := tls.X509KeyPair([]byte(s.ClaimCert), []byte(s.ClaimKey)); err != nil {
		return fmt.Errorf("%w: claim certificate: %w", ErrSite, err)
	}
	return nil
}
