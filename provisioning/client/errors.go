package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"slices"
	"strings"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// Kind says on whose side a connection failed, and so what helps.
type Kind uint8

// The kinds.
const (
	KindNetwork  Kind = iota // nobody there, reset, lost: try again
	KindServer               // the broker's certificate is not trusted: keep out
	KindOwnCert              // the broker does not take our certificate
	KindRefused              // CONNACK says no
	KindProtocol             // the broker does not keep to MQTT, or speaks no TLS that we do
	KindLocal                // we have nothing to connect with
	KindBusy                 // the broker takes the connection, and does not come to it
)

var kindNames = [...]string{"network", "server-certificate", "own-certificate", "refused", "protocol", "local", "busy"}

// String returns the kind's name.
func (k Kind) String() string { return kindNames[k] }

// ErrOffline is returned by Publish while there is no connection.
var ErrOffline = errors.New("client: not connected")

// ErrInsecure refuses a broker without TLS that was not allowed.
var ErrInsecure = errors.New("client: the broker's address is without TLS; use tls://HOST:PORT, or allow plain connections on purpose")

var errBusy = errors.New("client: the broker took the connection and has not answered in time")

// timedOut reports whether an error is that of a time limit.
func timedOut(err error) bool {
	var ne net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &ne) && ne.Timeout()
}

var errLocal = errors.New("client: cannot connect")

// remoteAlert begins what crypto/tls says of an alert (RFC 8446 section 6) that
// the broker has sent. It has no type outside of QUIC.
const remoteAlert = "remote error: tls: "

// foreignAlerts are those that another certificate would not help against. All
// others count as refusals of ours: implementations differ in which they send,
// "handshake failure" is among them.
var foreignAlerts = []string{
	"unexpected message", "record overflow", "protocol version not supported", "insufficient security level", "internal error",
	"inappropriate fallback", "unrecognized name", "no application protocol",
}

// KindOf classifies the error of an attempt to connect.
func KindOf(err error) Kind {
	var (
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		invalid  x509.CertificateInvalidError
		verify   *tls.CertificateVerificationError
		alert    tls.AlertError
		record   tls.RecordHeaderError
	)
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return KindNetwork
	case errors.Is(err, errBusy):
		return KindBusy
	case errors.Is(err, ErrInsecure), errors.Is(err, errLocal):
		return KindLocal
	case errors.As(err, &verify), errors.As(err, &unknown), errors.As(err, &hostname), errors.As(err, &invalid):
		return KindServer
	case errors.As(err, &alert), strings.Contains(err.Error(), remoteAlert):
		if slices.ContainsFunc(foreignAlerts, func(text string) bool { return strings.Contains(err.Error(), remoteAlert+text) }) {
			return KindProtocol
		}
		return KindOwnCert
	case errors.Is(err, errOversize), errors.As(err, &record):
		return KindProtocol
	}
	for _, e := range []error{
		packets.ErrorRefusedBadProtocolVersion, packets.ErrorRefusedIDRejected, packets.ErrorRefusedServerUnavailable,
		packets.ErrorRefusedBadUsernameOrPassword, packets.ErrorRefusedNotAuthorised,
	} {
		if errors.Is(err, e) {
			return KindRefused
		}
	}
	return KindNetwork
}
