package whep

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// problem is the body of an error (RFC 9457).
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

// fail answers with a problem. kind is the last part of its type URI, which
// clients may test for.
func fail(w http.ResponseWriter, status int, kind, detail string) {
	b, err := json.Marshal(problem{
		Type: "urn:edgecam:problem:" + kind, Title: http.StatusText(status), Status: status, Detail: detail,
	})
	if err != nil { // strings and a number
		panic(err)
	}
	hd := w.Header()
	hd.Set("Content-Type", "application/problem+json")
	hd.Set("Content-Length", strconv.Itoa(len(b)))
	hd.Set("Cache-Control", "no-store")
	hd.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(b)
}

// detail takes the sentinel's own words off an error's text.
func detail(err, sentinel error, otherwise string) string {
	s := strings.TrimPrefix(err.Error(), sentinel.Error())
	if s = strings.TrimPrefix(s, ": "); s == "" {
		return otherwise
	}
	return strings.ToValidUTF8(s, "?")
}
