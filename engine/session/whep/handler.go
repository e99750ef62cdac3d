package whep

import (
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/edgecam/edgecam/engine/session"
)

// MaxBodyBytes bounds a request body.
const MaxBodyBytes = 64 << 10

const (
	typeSDP     = "application/sdp"
	typeSDPFrag = "application/trickle-ice-sdpfrag"
	// secretLen is the length of a session's name: 160 bits in base 32.
	secretLen = 32
)

// Errors for an Authorizer to return, wrapped or not. The error's text reaches
// the client.
var (
	// ErrUnauthorized: there is no token, or one that is not (or no longer) valid.
	ErrUnauthorized = errors.New("whep: unauthorized")
	// ErrForbidden: the token is valid, but does not allow this.
	ErrForbidden = errors.New("whep: forbidden")
)

// Authorizer decides who a request comes from and what it may do.
type Authorizer interface {
	// Authorize returns the grant of a request, or ErrUnauthorized or
	// ErrForbidden. Other errors are answered with 500 and not shown.
	Authorize(r *http.Request) (session.Grant, error)
}

// AuthorizerFunc makes an Authorizer of a function.
type AuthorizerFunc func(r *http.Request) (session.Grant, error)

// Authorize calls f.
func (f AuthorizerFunc) Authorize(r *http.Request) (session.Grant, error) { return f(r) }

// Options configure a Handler. The zero value is usable.
type Options struct {
	// Endpoint is the last path segment of the endpoint; "" means "whep".
	Endpoint string
	// AllowedOrigins are the web origins that may use the endpoint from
	// another site, such as "https://door.example.org"; "*" or none: any, but
	// then browsers send it no cookies, only tokens.
	AllowedOrigins []string
	// Log may be nil.
	Log *slog.Logger
}

// Handler serves WHEP. Make one with New.
type Handler struct {
	manager *session.Manager
	auth    Authorizer
	opts    Options
	log     *slog.Logger

	mu       sync.Mutex
	sessions map[string]*resource
}

// resource is a session as HTTP sees it.
type resource struct {
	viewer  *session.Viewer
	subject string

	mu   sync.Mutex // one PATCH at a time
	etag string
}

// New returns a handler that makes sessions with m for whom auth lets in.
func New(m *session.Manager, auth Authorizer, opts Options) *Handler {
	if opts.Endpoint == "" {
		opts.Endpoint = "whep"
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	return &Handler{
		manager: m, auth: auth, opts: opts, log: opts.Log,
		sessions: map[string]*resource{},
	}
}

// Close ends the sessions made by this handler.
func (h *Handler) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, res := range h.sessions {
		res.viewer.Close("endpoint closed")
	}
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.cors(w, r)
	dir, last := path.Split(strings.TrimSuffix(r.URL.Path, "/"))
	switch {
	case last == h.opts.Endpoint:
		h.endpoint(w, r)
	case len(last) == secretLen && path.Base(dir) == h.opts.Endpoint:
		h.session(w, r, last)
	default:
		fail(w, http.StatusNotFound, "not-found", "there is nothing at this path: POST an SDP offer to …/"+h.opts.Endpoint)
	}
}

func (h *Handler) endpoint(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodOptions:
		w.Header().Set("Allow", "OPTIONS, POST")
		w.Header().Set("Accept-Post", typeSDP)
		// Whoever shows a token learns the servers before making an offer, so
		// that gathering can begin with them.
		if r.Header.Get("Authorization") != "" || r.Header.Get("Cookie") != "" {
			if g, err := h.auth.Authorize(r); err == nil && g.View {
				h.addLinks(w, g)
			}
		}
		w.WriteHeader(http.StatusNoContent)
	case http.MethodPost:
		h.post(w, r)
	default:
		w.Header().Set("Allow", "OPTIONS, POST")
		fail(w, http.StatusMethodNotAllowed, "method", "POST an SDP offer to this address")
	}
}

func (h *Handler) session(w http.ResponseWriter, r *http.Request, name string) {
	const allow = "DELETE, OPTIONS, PATCH"
	switch r.Method {
	case http.MethodOptions:
		w.Header().Set("Allow", allow)
		w.Header().Set("Accept-Patch", typeSDPFrag)
		w.WriteHeader(http.StatusNoContent)
		return
	case http.MethodPatch, http.MethodDelete:
	default:
		w.Header().Set("Allow", allow)
		fail(w, http.StatusMethodNotAllowed, "method", "PATCH or DELETE this session")
		return
	}
	g, ok := h.authorize(w, r)
	if !ok {
		return
	}
	h.mu.Lock()
	res := h.sessions[name]
	h.mu.Unlock()
	// Somebody else's session is as good as none.
	if res == nil || res.subject != g.Subject {
		fail(w, http.StatusNotFound, "no-session", "this session has ended or never was: POST a new offer")
		return
	}
	if r.Method == http.MethodDelete {
		res.viewer.Close("deleted by the viewer")
		w.WriteHeader(http.StatusOK)
		return
	}
	h.patch(w, r, res)
}

// authorize answers the request itself when it is not let in.
func (h *Handler) authorize(w http.ResponseWriter, r *http.Request) (session.Grant, bool) {
	g, err := h.auth.Authorize(r)
	switch {
	case err == nil:
		return g, true
	case errors.Is(err, ErrUnauthorized):
		w.Header().Set("WWW-Authenticate", `Bearer realm="edgecam"`)
		fail(w, http.StatusUnauthorized, "unauthorized", detail(err, ErrUnauthorized, "send a valid token: Authorization: Bearer <token>"))
	case errors.Is(err, ErrForbidden):
		fail(w, http.StatusForbidden, "forbidden", detail(err, ErrForbidden, "the token does not allow this"))
	default:
		h.log.Error("authorize request", "err", err)
		fail(w, http.StatusInternalServerError, "internal", "the request could not be checked; the node's log says why")
	}
	return session.Grant{}, false
}

func (h *Handler) post(w http.ResponseWriter, r *http.Request) {
	g, ok := h.authorize(w, r)
	if !ok {
		return
	}
	if !contentType(r, typeSDP) {
		w.Header().Set("Accept-Post", typeSDP)
		fail(w, http.StatusUnsupportedMediaType, "media-type", "the body must be an SDP offer with Content-Type: application/sdp")
		return
	}
	if !accepts(r, typeSDP) {
		fail(w, http.StatusNotAcceptable, "not-acceptable", "the answer is application/sdp: allow it in Accept")
		return
	}
	body, ok := readBody(w, r)
	if !ok {
		return
	}
	if strings.TrimSpace(body) == "" {
		fail(w, http.StatusBadRequest, "bad-offer", "the body is empty: the viewer makes the offer")
		return
	}
	v, answer, err := h.manager.Answer(r.Context(), body, g)
	if err != nil {
		h.refuse(w, err)
		return
	}
	ice, err := v.LocalICE()
	if err != nil {
		v.Close("ended while answering")
		h.refuse(w, err)
		return
	}
	res := &resource{viewer: v, subject: g.Subject, etag: etag(ice)}
	name := h.keep(res)
	hd := w.Header()
	hd.Set("Content-Type", typeSDP)
	hd.Set("Location", location(r, name))
	hd.Set("ETag", res.etag)
	hd.Set("Accept-Patch", typeSDPFrag)
	hd.Set("ID", string(v.ID()))
	hd.Set("Cache-Control", "no-store")
	h.addLinks(w, g)
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, answer)
}

// keep files a session until it ends.
func (h *Handler) keep(res *resource) string {
	var raw [20]byte
	_, _ = rand.Read(raw[:]) // does not fail (crypto/rand)
	name := strings.ToLower(base32.StdEncoding.EncodeToString(raw[:]))
	h.mu.Lock()
	h.sessions[name] = res
	h.mu.Unlock()
	go func() {
		<-res.viewer.Done()
		h.mu.Lock()
		delete(h.sessions, name)
		h.mu.Unlock()
	}()
	return name
}

// location is the session's path, below the path that the client used (which a
// mux may have shortened in r.URL).
func location(r *http.Request, name string) string {
	p, _, _ := strings.Cut(r.RequestURI, "?")
	if !strings.HasPrefix(p, "/") || strings.HasPrefix(p, "//") {
		p = r.URL.EscapedPath()
	}
	return strings.TrimSuffix(p, "/") + "/" + name
}

func etag(ice session.LocalICE) string { return `"` + ice.Ufrag + `"` }

// refuse answers with what Manager.Answer says.
func (h *Handler) refuse(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, session.ErrNoVP8):
		fail(w, http.StatusNotAcceptable, "no-vp8", detail(err, session.ErrBadOffer, "offer VP8"))
	case errors.Is(err, session.ErrBadOffer):
		fail(w, http.StatusBadRequest, "bad-offer", detail(err, session.ErrBadOffer, "the offer cannot be answered"))
	case errors.Is(err, session.ErrForbidden):
		fail(w, http.StatusForbidden, "forbidden", detail(err, session.ErrForbidden, "the token does not allow this"))
	case errors.Is(err, session.ErrFull):
		w.Header().Set("Retry-After", "5")
		fail(w, http.StatusServiceUnavailable, "full", detail(err, session.ErrFull, "try again later"))
	case errors.Is(err, session.ErrClosed):
		w.Header().Set("Retry-After", "5")
		fail(w, http.StatusServiceUnavailable, "stopping", "the node is stopping: try again later")
	default:
		h.log.Error("answer offer", "err", err)
		fail(w, http.StatusInternalServerError, "internal", "the session could not be made; the node's log says why")
	}
}

// readBody reads a body of at most MaxBodyBytes.
func readBody(w http.ResponseWriter, r *http.Request) (string, bool) {
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBodyBytes))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		fail(w, http.StatusRequestEntityTooLarge, "too-large", fmt.Sprintf("the body is longer than %d bytes: send fewer candidates or codecs", MaxBodyBytes))
		return "", false
	case err != nil:
		fail(w, http.StatusBadRequest, "bad-body", "the body could not be read to its end")
		return "", false
	}
	return string(b), true
}

func contentType(r *http.Request, want string) bool {
	t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && t == want
}

// accepts reports whether the Accept header (RFC 9110 section 12.5.1) allows a
// type; without one everything is allowed.
func accepts(r *http.Request, want string) bool {
	values := r.Header.Values("Accept")
	if len(values) == 0 {
		return true
	}
	group, _, _ := strings.Cut(want, "/")
	for _, item := range strings.Split(strings.Join(values, ","), ",") {
		t, params, err := mime.ParseMediaType(strings.TrimSpace(item))
		if err != nil || params["q"] == "0" {
			continue
		}
		if slices.Contains([]string{want, group + "/*", "*/*"}, t) {
			return true
		}
	}
	return false
}
