package httpd

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/auth"
)

// wrap puts around every answer: recovery, counting, security headers, the
// host check of development mode, and the redirect to HTTPS.
func (s *Server) wrap(next http.Handler) http.Handler {
	csp := contentSecurityPolicy(s.opt.HTTP.FrameAncestors)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := &recorder{ResponseWriter: w}
		defer func() {
			if p := recover(); p != nil {
				if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
					panic(p) // a handler's way to cut the connection
				}
				s.opt.Log.Error("request handler panicked", "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
				if rec.status == 0 {
					WriteProblem(rec, http.StatusInternalServerError, "it failed; see the node's log")
				}
			}
			s.opt.Count(rec.code())
		}()
		setSecurityHeaders(w.Header(), csp, len(s.opt.HTTP.FrameAncestors) > 0)
		switch {
		case s.opt.Dev && !auth.IsLoopbackHost(r.Host):
			WriteAuthError(rec, auth.ErrHost)
		case s.redirects(r):
			s.redirect(rec, r)
		default:
			next.ServeHTTP(rec, r)
		}
	})
}

// contentSecurityPolicy allows what the page has: its own files, pictures and
// media it makes itself, nothing inline, no WebAssembly, no plug-ins.
func contentSecurityPolicy(frameAncestors []string) string {
	return "default-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; " +
		"object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors " +
		strings.Join(append([]string{"'self'"}, frameAncestors...), " ")
}

// Strict-Transport-Security is left out on purpose: with the node's own
// certificate it would take from users the choice to go on.
func setSecurityHeaders(h http.Header, csp string, framed bool) {
	h.Set("Content-Security-Policy", csp)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Permissions-Policy", "microphone=(self), fullscreen=(self), camera=(), geolocation=(), payment=(), usb=()")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if !framed {
		h.Set("X-Frame-Options", "SAMEORIGIN")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
	}
}

// redirects reports whether r came over plain HTTP from outside this machine
// while HTTPS is on. The address that the connection came in at decides: no
// header can fake it.
func (s *Server) redirects(r *http.Request) bool {
	if r.TLS != nil || s.opt.Dev || s.opt.HTTP.HTTPSListen == "" || r.URL.Path == "/healthz" || r.URL.Path == "/readyz" {
		return false
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return true
	}
	a, err := netip.ParseAddrPort(local.String())
	return err != nil || !a.Addr().Unmap().IsLoopback()
}

func (s *Server) redirect(w http.ResponseWriter, r *http.Request) {
	// A request that changes something, or a token, is not sent on: it has
	// crossed the network in clear already, and its sender must learn that.
	if (r.Method != http.MethodGet && r.Method != http.MethodHead) || r.Header.Get("Authorization") != "" {
		WriteProblem(w, http.StatusForbidden, "use HTTPS: plain HTTP is served on loopback only")
		return
	}
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = strings.Trim(r.Host, "[]")
	}
	if host == "" || strings.ContainsAny(host, "/\\@ ") {
		WriteProblem(w, http.StatusBadRequest, "the Host header is not a host")
		return
	}
	port := "443"
	for _, l := range s.listeners {
		if a, ok := l.Addr().(*net.TCPAddr); ok && l.tls {
			_, port, _ = net.SplitHostPort(a.String())
		}
	}
	target := *r.URL
	target.Scheme, target.Host = "https", net.JoinHostPort(host, port)
	http.Redirect(w, r, target.String(), http.StatusFound)
}

// recorder remembers the status of an answer.
type recorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader remembers the status.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write counts as status 200 if none was set.
func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *recorder) code() int {
	if r.status == 0 {
		return http.StatusOK
	}
	return r.status
}
