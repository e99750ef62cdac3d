package app

import (
	"errors"
	"fmt"
	"time"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/auth"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/httpd"
	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/engine/session/rtsp"
)

// rtsp opens the output for recorders; nil without.
func (n *node) rtsp(voice bool) (*rtsp.Server, error) {
	c := n.cfg.RTSP
	if c.Listen == "" {
		return nil, nil
	}
	if n.o.Dev && !auth.IsLoopbackHost(c.Listen) {
		err := errors.New("development mode listens on loopback only")
		return nil, &httpd.AddressError{Addr: c.Listen, Setting: "rtsp.listen", Err: err}
	}
	s, err := rtsp.New(n.engine.Sessions(), rtsp.Options{
		Listen: c.Listen, UDPPort: c.UDPPort, MaxReaders: c.MaxReaders, KeyFrameEvery: time.Duration(c.KeyFrameSeconds) * time.Second,
		Voice: voice, Realm: auth.DigestRealm, Authorize: n.authorizeRTSP, Log: n.log,
	})
	if err != nil {
		return nil, fmt.Errorf("app: %w", err)
	}
	return s, nil
}

func (n *node) authorizeRTSP(remote string, c *rtsp.Credential) (session.Grant, error) {
	var g auth.Grant
	var err error
	if c == nil {
		g, err = n.auth.AuthorizeLocal(remote)
	} else {
		g, err = n.auth.AuthorizeDigest(remote, auth.Digest(*c))
	}
	if err != nil {
		return session.Grant{}, err
	}
	if err := g.Require(auth.View); err != nil {
		return session.Grant{}, err
	}
	n.engine.Prewarm()
	return session.Grant{Subject: g.Subject, Expires: g.Expires, View: true}, nil
}
