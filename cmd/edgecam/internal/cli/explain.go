package cli

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strings"
	"syscall"

	"github.com/edgecam/edgecam/engine/session/whep"
)

// explain says what may be done about a call that failed, "" where the error says
// it already.
func explain(err error) string {
	var status *whep.StatusError
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	switch {
	case err == nil:
	case errors.As(err, &status):
		switch status.Code {
		case http.StatusUnauthorized:
			return "make a token at the node with `edgecam token create NAME --scopes view,talk,open`, and give it with --token-file"
		case http.StatusForbidden:
			return "make a token that does at the node: `edgecam token create NAME --scopes view,talk,open`"
		case http.StatusNotFound, http.StatusMethodNotAllowed:
			return "a node's address has no path, as in https://door.local:8443; another WHEP server's is its endpoint"
		}
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there: does the node run, and is the port right (8443, or 8080 in development)?"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "there is no way to that address: are both machines in one network?"
	case errors.As(err, &dns):
		return "the name is not known here: try the node's IP address"
	case errors.As(err, &unknown), errors.As(err, &certificate) && !errors.As(err, &name):
		return "the node made its certificate itself: give the fingerprint that it prints when it starts with --fingerprint, or the signing certificate with --ca"
	case errors.As(err, &name):
		return "the certificate is for another name: call the node by that, or trust its certificate with --fingerprint"
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return "that port speaks HTTP: call http://… (a node in development mode does), or the HTTPS port 8443"
	case strings.Contains(err.Error(), "malformed HTTP response"):
		return "that port does not speak HTTP: call https://…"
	}
	return ""
}
