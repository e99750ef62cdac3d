package netlab

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// Signalling returns a reverse proxy for a WHEP endpoint that makes the media go
// through a relay: candidates are taken out of offers, so that the server knows
// no way around, and answers name the relay's address alone.
func Signalling(target *url.URL, relay netip.AddrPort) http.Handler {
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: func(resp *http.Response) error {
			if !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/sdp") {
				return nil
			}
			b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
			_ = resp.Body.Close()
			if err != nil {
				return err
			}
			b = []byte(RewriteAnswer(string(b), relay))
			resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
			resp.Header.Set("Content-Length", strconv.Itoa(len(b)))
			return nil
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPatch {
			w.WriteHeader(http.StatusNoContent) // a candidate is a way around
			return
		}
		if r.Method == http.MethodPost {
			b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			b = []byte(StripCandidates(string(b)))
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
		}
		proxy.ServeHTTP(w, r)
	})
}

// StripCandidates takes the ICE candidates out of a session description.
func StripCandidates(sdp string) string {
	var out strings.Builder
	for line := range strings.Lines(sdp) {
		if !strings.HasPrefix(line, "a=candidate:") && !strings.HasPrefix(line, "a=end-of-candidates") {
			out.WriteString(line)
		}
	}
	return out.String()
}

// RewriteAnswer leaves one UDP candidate per section: the relay.
func RewriteAnswer(sdp string, relay netip.AddrPort) string {
	var out strings.Builder
	done := false
	for line := range strings.Lines(sdp) {
		value, isCandidate := strings.CutPrefix(line, "a=candidate:")
		switch {
		case strings.HasPrefix(line, "m="):
			done = false
		case isCandidate:
			f := strings.Fields(value)
			if done || len(f) < 8 || !strings.EqualFold(f[2], "udp") {
				continue
			}
			done = true
			line = "a=candidate:" + f[0] + " " + f[1] + " udp " + f[3] + " " + relay.Addr().String() + " " + strconv.Itoa(int(relay.Port())) + " typ host\r\n"
		}
		out.WriteString(line)
	}
	return out.String()
}
