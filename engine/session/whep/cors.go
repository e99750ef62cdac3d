package whep

import (
	"net/http"
	"slices"
	"strings"

	"github.com/edgecam/edgecam/engine/session"
)

// cors lets pages of other sites use the endpoint (Fetch standard, section
// 3.2). Named origins may send cookies, others only tokens.
func (h *Handler) cors(w http.ResponseWriter, r *http.Request) {
	hd := w.Header()
	switch origin := r.Header.Get("Origin"); {
	case len(h.opts.AllowedOrigins) == 0 || slices.Contains(h.opts.AllowedOrigins, "*"):
		hd.Set("Access-Control-Allow-Origin", "*")
	default:
		hd.Add("Vary", "Origin")
		if origin == "" || !slices.Contains(h.opts.AllowedOrigins, origin) {
			return
		}
		hd.Set("Access-Control-Allow-Origin", origin)
		hd.Set("Access-Control-Allow-Credentials", "true")
	}
	hd.Set("Access-Control-Expose-Headers", "ETag, ID, Accept-Patch, Link, Location, Retry-After")
	if r.Method == http.MethodOptions {
		hd.Set("Access-Control-Allow-Methods", "OPTIONS, POST, PATCH, DELETE")
		hd.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match")
		hd.Set("Access-Control-Max-Age", "86400")
	}
}

func (h *Handler) addLinks(w http.ResponseWriter, g session.Grant) {
	for _, l := range iceServerLinks(h.manager.ICEServers(g)) {
		w.Header().Add("Link", l)
	}
}

// iceServerLinks writes one Link header (RFC 8288) per URL of a server, in the
// form of RFC 9725 section 4.6.
func iceServerLinks(servers []session.ICEServer) []string {
	var links []string
	for _, s := range servers {
		for _, u := range s.URLs {
			l := "<" + u + `>; rel="ice-server"`
			if s.Username != "" {
				l += `; username=` + quote(s.Username) + `; credential=` + quote(s.Credential) + `; credential-type="password"`
			}
			links = append(links, l)
		}
	}
	return links
}

// quote writes a quoted-string (RFC 9110 section 5.6.4). Control characters
// cannot be in one and are left out.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(s) {
		switch {
		case c < 0x20 || c == 0x7f:
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
