package httpd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/auth"
)

// routes lists everything that is served.
func (s *Server) routes() (http.Handler, error) {
	page, err := loadPage(s.opt.Page)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/", page)
	mux.HandleFunc("/api/", func(w http.ResponseWriter, _ *http.Request) {
		WriteProblem(w, http.StatusNotFound, "the API has nothing at this address")
	})
	mux.Handle("/healthz", methods{"GET": s.healthz})
	mux.Handle("/readyz", methods{"GET": s.readyz})
	mux.Handle("/api/login", methods{"POST": s.login})
	mux.Handle("/api/logout", methods{"POST": s.logout})
	mux.Handle("/api/session", methods{"GET": s.needs(0, s.session)})
	mux.Handle("/api/tokens", methods{"GET": s.needs(auth.Admin, s.listTokens), "POST": s.needs(auth.Admin, s.createToken)})
	mux.Handle("/api/tokens/{id}", methods{"DELETE": s.needs(auth.Admin, s.revokeToken)})
	if s.opt.Status != nil {
		mux.Handle("/api/status", methods{"GET": s.needs(auth.View, func(w http.ResponseWriter, _ *http.Request, g auth.Grant) {
			writeJSON(w, http.StatusOK, s.opt.Status(g))
		})})
	}
	if s.opt.OpenDoor != nil {
		mux.Handle("/api/door/open", methods{"POST": s.needs(auth.OpenDoor, s.openDoor)})
	}
	if s.opt.PressButton != nil {
		mux.Handle("/api/sim/button", methods{"POST": s.needs(auth.Admin, s.pressButton)})
	}
	if s.opt.Played != nil {
		mux.Handle("/api/sim/speaker", methods{"GET": s.needs(auth.Admin, s.played)})
	}
	if s.opt.Snapshot != nil {
		for _, path := range []string{"/snapshot.jpg", "/snapshot"} {
			mux.Handle(path, methods{"GET": s.needs(auth.View, s.snapshot)})
		}
	}
	if s.opt.Metrics != nil {
		mux.Handle("/metrics", methods{"GET": s.needs(auth.View, func(w http.ResponseWriter, r *http.Request, _ auth.Grant) {
			s.opt.Metrics.ServeHTTP(w, r)
		})})
	}
	if s.opt.WHEP != nil {
		h := http.MaxBytesHandler(openToOrigins(s.opt.WHEP), maxOfferBody)
		mux.Handle("/whep", h)
		mux.Handle("/whep/", h)
		return s.aliased(mux, h), nil
	}
	return mux, nil
}

// aliased serves WHEP under the camera's name too, at /NAME/whep, which is where
// programs for servers with several cameras look for it. NAME is the node's name
// as it is, or in lower case with "-" for what is no letter and no digit, or
// "camera".
func (s *Server) aliased(next, whep http.Handler) http.Handler {
	names := []string{"camera"}
	if s.opt.Camera != "" {
		names = append(names, s.opt.Camera, slug(s.opt.Camera))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		if rest != "whep" && !strings.HasPrefix(rest, "whep/") {
			next.ServeHTTP(w, r)
			return
		}
		if !slices.Contains(names, name) {
			WriteProblem(w, http.StatusNotFound, "this node has no camera "+strconv.Quote(name)+"; its own is at /"+names[len(names)-1]+"/whep")
			return
		}
		whep.ServeHTTP(w, r)
	})
}

// slug makes a name fit for a path.
func slug(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if len(words) == 0 {
		return "camera"
	}
	return strings.Join(words, "-")
}

// openToOrigins lets pages of other origins read the answers; the handler's
// own CORS headers say which.
func openToOrigins(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
		next.ServeHTTP(w, r)
	})
}

// methods dispatches by method; GET answers HEAD too.
type methods map[string]http.HandlerFunc

// ServeHTTP answers 405 with Allow for a method that is not there.
func (m methods) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if h := m[method]; h != nil {
		r.Body = http.MaxBytesReader(w, r.Body, maxAPIBody)
		h(w, r)
		return
	}
	var allowed []string
	for k := range m {
		allowed = append(allowed, k)
		if k == http.MethodGet {
			allowed = append(allowed, http.MethodHead)
		}
	}
	slices.Sort(allowed)
	list := strings.Join(allowed, ", ")
	w.Header().Set("Allow", list)
	WriteProblem(w, http.StatusMethodNotAllowed, "allowed here: "+list)
}

// needs wraps a handler that may be used with the scope; 0 means any grant.
func (s *Server) needs(scope auth.Scopes, next func(http.ResponseWriter, *http.Request, auth.Grant)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		g, err := s.opt.Auth.Authorize(r)
		if err == nil {
			err = g.Require(scope)
		}
		if err != nil {
			WriteAuthError(w, err)
			return
		}
		next(w, r, g)
	}
}

func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	io.WriteString(w, "ok\n")
}

func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	if s.opt.Ready != nil {
		if err := s.opt.Ready(); err != nil {
			// The reason may name devices: it is for the log, not for strangers.
			s.opt.Log.Debug("not ready", "error", err)
			w.Header().Set("Retry-After", "1")
			WriteProblem(w, http.StatusServiceUnavailable, "the node is not ready; see GET /api/status")
			return
		}
	}
	s.healthz(w, r)
}

// grantBody tells a client what it may do.
type grantBody struct {
	Subject string     `json:"subject"`
	Scopes  []string   `json:"scopes"`
	Expires *time.Time `json:"expires,omitempty"`
}

func bodyOf(g auth.Grant) grantBody {
	b := grantBody{Subject: g.Subject, Scopes: g.Scopes.Names()}
	if !g.Expires.IsZero() {
		b.Expires = &g.Expires
	}
	return b
}

func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Secret string `json:"secret"`
	}
	if !readJSON(w, r, &body) {
		return
	}
	g, err := s.opt.Auth.Login(w, r, body.Secret)
	if err != nil {
		WriteAuthError(w, err)
		return
	}
	writeJSON(w, http.StatusOK, bodyOf(g))
}

func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	if err := s.opt.Auth.Logout(w, r); err != nil {
		WriteAuthError(w, err)
		return
	}
	w.Header().Set("Clear-Site-Data", `"cache", "storage"`)
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) session(w http.ResponseWriter, _ *http.Request, g auth.Grant) {
	writeJSON(w, http.StatusOK, bodyOf(g))
}

func (s *Server) listTokens(w http.ResponseWriter, _ *http.Request, _ auth.Grant) {
	writeJSON(w, http.StatusOK, s.opt.Auth.Tokens())
}

func (s *Server) createToken(w http.ResponseWriter, r *http.Request, g auth.Grant) {
	var body struct {
		Name           string   `json:"name"`
		Scopes         []string `json:"scopes"`
		ExpiresSeconds int64    `json:"expires_s"` // 0: the configured default; -1: never
	}
	if !readJSON(w, r, &body) {
		return
	}
	scopes, err := auth.ParseScopes(strings.Join(body.Scopes, ","))
	const longest = 100 * 366 * 24 * 3600
	if err == nil && (body.ExpiresSeconds < -1 || body.ExpiresSeconds > longest) {
		err = fmt.Errorf("expires_s must be -1 (never), 0 (default) or a number of seconds up to %d", int64(longest))
	}
	if err != nil {
		WriteProblem(w, http.StatusBadRequest, err.Error())
		return
	}
	text, token, err := s.opt.Auth.CreateToken(body.Name, scopes, time.Duration(body.ExpiresSeconds)*time.Second)
	switch {
	case errors.Is(err, auth.ErrBadToken):
		WriteProblem(w, http.StatusBadRequest, err.Error())
	case err != nil:
		s.opt.Log.Error("token creation failed", "error", err)
		WriteProblem(w, http.StatusInternalServerError, "the token cannot be stored; see the node's log")
	default:
		s.opt.Log.Info("token created", "id", token.ID, "name", token.Name, "scopes", token.Scopes.String(), "by", g.Subject)
		writeJSON(w, http.StatusCreated, struct {
			auth.Token
			Text string `json:"token"` // shown this once
		}{token, text})
	}
}

func (s *Server) revokeToken(w http.ResponseWriter, r *http.Request, g auth.Grant) {
	id := r.PathValue("id")
	switch err := s.opt.Auth.RevokeToken(id); {
	case errors.Is(err, auth.ErrNoToken):
		WriteProblem(w, http.StatusNotFound, err.Error())
	case err != nil:
		s.opt.Log.Error("token revocation failed", "error", err)
		WriteProblem(w, http.StatusInternalServerError, "the change cannot be stored; see the node's log")
	default:
		s.opt.Log.Info("token revoked", "id", id, "by", g.Subject)
		w.WriteHeader(http.StatusNoContent)
	}
}

func (s *Server) openDoor(w http.ResponseWriter, r *http.Request, g auth.Grant) {
	s.act(w, r, g, "door released", func(ctx context.Context) error { return s.opt.OpenDoor(ctx, g.Subject) })
}

func (s *Server) pressButton(w http.ResponseWriter, r *http.Request, g auth.Grant) {
	s.act(w, r, g, "simulated button pressed", s.opt.PressButton)
}

// played answers GET /api/sim/speaker?hz=1000.
func (s *Server) played(w http.ResponseWriter, r *http.Request, _ auth.Grant) {
	hz := 0.0
	if q := r.URL.Query().Get("hz"); q != "" {
		var err error
		if hz, err = strconv.ParseFloat(q, 64); err != nil || !(hz > 0 && hz < 24000) {
			WriteProblem(w, http.StatusBadRequest, "hz must be a frequency between 0 and 24000")
			return
		}
	}
	writeJSON(w, http.StatusOK, s.opt.Played(hz))
}

// act does something to the world and leaves a line in the log of who did it.
func (s *Server) act(w http.ResponseWriter, r *http.Request, g auth.Grant, what string, do func(context.Context) error) {
	if err := do(r.Context()); err != nil {
		status, detail := deviceStatus(err)
		s.opt.Log.Error("request failed", "path", r.URL.Path, "subject", g.Subject, "error", err)
		WriteProblem(w, status, detail)
		return
	}
	s.opt.Log.Info("request carried out", "what", what, "subject", g.Subject, "remote", r.RemoteAddr)
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) snapshot(w http.ResponseWriter, r *http.Request, _ auth.Grant) {
	ctx, cancel := context.WithTimeout(r.Context(), snapshotTimeout)
	defer cancel()
	// The picture is complete before the status is sent: an error must not
	// arrive as half a picture.
	var buf bytes.Buffer
	if err := s.opt.Snapshot(ctx, &buf); err != nil {
		status, detail := deviceStatus(err)
		if errors.Is(err, context.DeadlineExceeded) {
			status, detail = http.StatusServiceUnavailable, "the camera gives no picture at the moment"
		}
		if status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", "2")
		}
		s.opt.Log.Warn("snapshot failed", "error", err)
		WriteProblem(w, status, detail)
		return
	}
	w.Header().Set("Content-Type", "image/jpeg")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Length", fmt.Sprint(buf.Len()))
	w.Write(buf.Bytes())
}

// readJSON decodes the body or answers why it cannot.
func readJSON(w http.ResponseWriter, r *http.Request, v any) bool {
	if ct, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || ct != "application/json" {
		w.Header().Set("Accept-Post", "application/json")
		WriteProblem(w, http.StatusUnsupportedMediaType, "send Content-Type: application/json")
		return false
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err == nil {
		if _, end := d.Token(); end != io.EOF {
			err = errors.New("more than one JSON value")
		}
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		WriteProblem(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body may have %d bytes", tooLarge.Limit))
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF):
		WriteProblem(w, http.StatusBadRequest, "the JSON body is empty or cut off")
	case err != nil:
		WriteProblem(w, http.StatusBadRequest, "the JSON body is wrong: "+strings.TrimPrefix(err.Error(), "json: "))
	default:
		return true
	}
	return false
}
