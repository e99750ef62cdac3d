package httpd

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/auth"
	"github.com/edgecam/edgecam/hal"
)

// Problem is the body of an error answer (RFC 9457).
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
}

// WriteProblem answers with an error. The detail goes to the client: it must
// say what to do and hold no secret.
func WriteProblem(w http.ResponseWriter, status int, detail string) {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	h.Del("ETag")
	w.WriteHeader(status)
	body, err := json.Marshal(Problem{"about:blank", http.StatusText(status), status, detail})
	if err == nil {
		w.Write(append(body, '\n'))
	}
}

// WriteAuthError answers with what package auth refused a request for.
func WriteAuthError(w http.ResponseWriter, err error) {
	auth.SetHeaders(w.Header(), err)
	status := auth.Status(err)
	if status == http.StatusInternalServerError {
		WriteProblem(w, status, "access control failed; see the node's log")
		return
	}
	WriteProblem(w, status, err.Error())
}

// deviceStatus returns the status for a failure of a device or the engine.
func deviceStatus(err error) (status int, detail string) {
	var he *hal.Error
	if errors.As(err, &he) {
		switch he.Kind {
		case hal.Gone, hal.Busy, hal.Timeout, hal.Permission, hal.Overrun:
			return http.StatusServiceUnavailable, "the device does not work at the moment: " + he.Kind.String()
		case hal.Unsupported:
			return http.StatusNotImplemented, "the device cannot do this"
		case hal.Other:
		}
	}
	return http.StatusInternalServerError, "it failed; see the node's log"
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		WriteProblem(w, http.StatusInternalServerError, "the answer cannot be encoded")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(append(body, '\n'))
}
