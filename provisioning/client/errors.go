package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// Kind says on whose side a connection failed, and so what helps.
type Kind uint8

// The kinds.
const (
	KindNetwork  Kind = iota // no answer, reset, time-out: try again
	KindServer               // the broker's certificate is not trusted: keep out
	KindOwnCert              // the broker does not take our certificate
	KindRefused              // CONNACK says no
	KindProtocol             // the broker does not keep to MQTT
	KindLocal                // we have nothing to connect with
)

var kindNames = [...]string{"network", "server-certificate", "own-certificate", "refused", "protocol", "local"}

// String returns the kind's name.
func (k Kind) String() string { return kindNames[k] }

// ErrOffline is returned by Publish while there is no connection.
var ErrOffline = errors.New("client: not connected")

// ErrInsecure refuses a broker without TLS that was not allowed.
var ErrInsecure = errors.New("client: the broker's address is without TLS; use tls://HOST:PORT, or allow plain connections on purpose")

var errLocal = errors.New("client: cannot connect")

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
	case errors.Is(err, ErrInsecure), errors.Is(err, errLocal):
		return KindLocal
	case errors.As(err, &verify), errors.As(err, &unknown), errors.As(err, &hostname), errors.As(err, &invalid):
		return KindServer
	case errors.As(err, &alert), strings.Contains(err.Error(), "remote error: tls:"):
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
