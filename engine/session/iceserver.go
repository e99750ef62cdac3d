package session

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/edgecam/edgecam/engine/session/nat"
)

// ICEServer is a STUN or TURN server.
type ICEServer struct {
	// URLs are of the forms of RFC 7064 and RFC 7065, such as
	// "stun:stun.example.org:3478" or "turns:turn.example.org".
	URLs []string
	// Username and Credential are the long-term credentials of TURN servers.
	Username, Credential string
	// Secret, in their place, is shared with the TURN servers: everybody gets
	// credentials of their own, valid for a time. It is told to nobody.
	Secret string
}

// credentialLife is how long time-limited credentials are valid: longer than a
// session lasts, since each refresh of an allocation is checked again.
const credentialLife = 24 * time.Hour

// forUser returns the servers with the credentials of one user, valid until a time,
// or for a day if that is zero.
func forUser(servers []ICEServer, user string, until time.Time) []ICEServer {
	limit := time.Now().Add(credentialLife)
	if until.IsZero() || until.After(limit) {
		until = limit
	}
	out := make([]ICEServer, len(servers))
	for i, s := range servers {
		out[i] = s
		if s.Secret != "" {
			out[i].Username, out[i].Credential = nat.Credential(s.Secret, user, until)
			out[i].Secret = ""
		}
	}
	return out
}

// isTURN reports whether a server is one, by its first address.
func (s ICEServer) isTURN() bool {
	return len(s.URLs) > 0 && strings.HasPrefix(strings.ToLower(s.URLs[0]), "turn")
}

// relays returns the TURN servers in the library's form: addresses from STUN
// servers are the keeper's task.
func relays(servers []ICEServer, user string) (out []webrtc.ICEServer) {
	for _, s := range forUser(servers, user, time.Time{}) {
		if s.isTURN() {
			out = append(out, webrtc.ICEServer{URLs: s.URLs, Username: s.Username, Credential: s.Credential})
		}
	}
	return out
}

func (s ICEServer) validate() (errs []error) {
	if len(s.URLs) == 0 {
		errs = append(errs, errors.New("session: ICE server without a URL"))
	}
	if s.Secret != "" && (s.Username != "" || s.Credential != "") {
		errs = append(errs, errors.New("session: ICE server with a secret and with a user name or credential: give one or the other"))
	}
	first := s.isTURN()
	for i, u := range s.URLs {
		parsed, err := nat.ParseURI(u)
		if err != nil {
			errs = append(errs, fmt.Errorf("session: ICE server: %w", err))
			continue
		}
		turn := strings.HasPrefix(parsed.Scheme, "turn")
		if i > 0 && turn != first {
			errs = append(errs, fmt.Errorf("session: ICE server %q: STUN and TURN servers are separate entries", u))
		}
		if turn && s.Secret == "" && (s.Username == "" || s.Credential == "") {
			errs = append(errs, fmt.Errorf("session: ICE server %q: a TURN server needs a user name and a credential, or the secret that is shared with it", u))
		}
	}
	return errs
}
