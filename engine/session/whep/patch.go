package whep

import (
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/edgecam/edgecam/engine/session"
)

// patch takes candidates or restarts ICE (RFC 9725 section 4.3). The entity tag
// names the ICE exchange: candidates must name the one they are for, a restart
// says If-Match: * since it is for whichever is in force.
func (h *Handler) patch(w http.ResponseWriter, r *http.Request, res *resource) {
	if !contentType(r, typeSDPFrag) {
		w.Header().Set("Accept-Patch", typeSDPFrag)
		fail(w, http.StatusUnsupportedMediaType, "media-type", "the body must be an SDP fragment with Content-Type: "+typeSDPFrag)
		return
	}
	body, ok := readBody(w, r)
	if !ok {
		return
	}
	f, err := parseFragment(body)
	if err != nil {
		fail(w, http.StatusBadRequest, "bad-fragment", "not an SDP fragment: "+err.Error())
		return
	}
	match := strings.TrimSpace(strings.Join(r.Header.Values("If-Match"), ","))
	if match == "" {
		fail(w, http.StatusPreconditionRequired, "no-if-match", "send If-Match with the ETag of the session, or * to restart ICE")
		return
	}
	res.mu.Lock()
	defer res.mu.Unlock()
	w.Header().Set("ETag", res.etag)
	restart := f.ufrag != "" && f.ufrag != res.viewer.RemoteUfrag()
	switch {
	case restart && match != "*":
		fail(w, http.StatusPreconditionFailed, "stale", "these ICE credentials are not in force: to restart ICE with them send If-Match: *")
		return
	case !restart && match != "*" && !matches(match, res.etag):
		fail(w, http.StatusPreconditionFailed, "stale", "the candidates are for an ICE exchange that is no longer in force; its ETag is in the header of this answer")
		return
	case restart:
		h.restart(w, r, res, f)
		return
	}
	for _, c := range f.candidates {
		if err := res.viewer.AddCandidate(c); err != nil {
			h.refusePatch(w, err)
			return
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

func (h *Handler) restart(w http.ResponseWriter, r *http.Request, res *resource, f fragment) {
	ice, err := res.viewer.Restart(r.Context(), f.ufrag, f.pwd, f.candidates)
	if err != nil {
		h.refusePatch(w, err)
		return
	}
	res.etag = etag(ice)
	hd := w.Header()
	hd.Set("ETag", res.etag)
	hd.Set("Content-Type", typeSDPFrag)
	hd.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	_, _ = io.WriteString(w, writeFragment(ice))
}

func (h *Handler) refusePatch(w http.ResponseWriter, err error) {
	if errors.Is(err, session.ErrClosed) {
		fail(w, http.StatusNotFound, "no-session", "this session has ended: POST a new offer")
		return
	}
	if errors.Is(err, session.ErrBadOffer) {
		fail(w, http.StatusBadRequest, "bad-fragment", detail(err, session.ErrBadOffer, "the fragment cannot be used"))
		return
	}
	h.log.Error("patch session", "err", err)
	fail(w, http.StatusInternalServerError, "internal", "the session could not be changed; the node's log says why")
}

// matches reports whether an If-Match list contains a tag, by strong comparison
// (RFC 9110 section 8.8.3.2).
func matches(list, tag string) bool {
	for _, t := range strings.Split(list, ",") {
		if strings.TrimSpace(t) == tag {
			return true
		}
	}
	return false
}
