package wire

import (
	"errors"
	"fmt"
	"strings"
)

// Root is the first level of all topics.
const Root = "ec1"

// MaxTopic is the length of the longest topic in bytes.
const MaxTopic = 64

// What a node publishes, below ec1/d/<id>/up/.
const (
	UpStatus = "status" // retained, QoS 1, also the last will: Status
	UpBirth  = "birth"  // retained, QoS 1: Birth
	UpReport = "rep"    // retained, QoS 1: Report
	UpEvent  = "evt"    // QoS 1: Event
	UpAck    = "ack"    // QoS 1: Ack
	UpTel    = "tel"    // QoS 0: telemetry
	UpCert   = "crt"    // QoS 1: CertRequest for rotation
	UpBlob   = "blob"   // QoS 1, below it the command's id: bytes
	UpRTC    = "rtc"    // QoS 1, below it the viewer's name: package signal
	UpHA     = "ha"     // below it: Home Assistant's view
)

// What a node reads, below ec1/d/<id>/dn/.
const (
	DnDesired = "des" // retained, QoS 1: Desired; also ec1/g/<group>/dn/des
	DnCommand = "cmd" // QoS 1, never retained: Envelope of a Command
	DnCert    = "crt" // QoS 1: CertResponse
	DnRTC     = "rtc" // QoS 1, never retained: package signal
	DnHA      = "ha"  // below it: Home Assistant's commands
)

// Up returns the topic that node id publishes kind on.
func Up(id, kind string) string { return Root + "/d/" + id + "/up/" + kind }

// Down returns the topic that node id reads kind on.
func Down(id, kind string) string { return Root + "/d/" + id + "/dn/" + kind }

// GroupDesired returns the topic of a group's desired configuration.
func GroupDesired(group string) string { return Root + "/g/" + group + "/dn/des" }

// ProvRequest and ProvResponse return the topics of one claim attempt.
func ProvRequest(nonce string) string { return Root + "/prov/" + nonce + "/req" }

// ProvResponse returns the topic on which the answer to a claim comes.
func ProvResponse(nonce string) string { return Root + "/prov/" + nonce + "/res" }

// Topic is a parsed topic.
type Topic struct {
	Scope string // "d", "g" or "prov"
	Name  string // node id, group or nonce
	Dir   string // "up", "dn", "req" or "res"
	Kind  string // such as UpStatus; empty with prov
	Sub   string // last level, if there is one
}

// ErrTopic tells that a topic is none of the protocol's.
var ErrTopic = errors.New("wire: topic is not one of ec1")

// ParseTopic takes a topic apart.
func ParseTopic(s string) (Topic, error) {
	if len(s) > MaxTopic {
		return Topic{}, fmt.Errorf("%w: longer than %d bytes", ErrTopic, MaxTopic)
	}
	p := strings.Split(s, "/")
	for _, level := range p {
		if !Word(level) {
			return Topic{}, fmt.Errorf("%w: level %q", ErrTopic, level)
		}
	}
	if p[0] != Root || len(p) < 4 || len(p) > 6 {
		return Topic{}, fmt.Errorf("%w: %q", ErrTopic, s)
	}
	t := Topic{Scope: p[1], Name: p[2], Dir: p[3]}
	switch {
	case t.Scope == "prov" && len(p) == 4 && (t.Dir == "req" || t.Dir == "res") && validHex(t.Name, nonceLen):
		return t, nil
	case t.Scope == "g" && len(p) == 5 && t.Dir == "dn" && p[4] == DnDesired && ValidGroup(t.Name):
	case t.Scope == "d" && len(p) >= 5 && (t.Dir == "up" || t.Dir == "dn") && ValidID(t.Name):
		if len(p) == 6 {
			t.Sub = p[5]
		}
	default:
		return Topic{}, fmt.Errorf("%w: %q", ErrTopic, s)
	}
	t.Kind = p[4]
	return t, nil
}

// Word reports whether s is a legal level of a topic.
func Word(s string) bool {
	if s == "" {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-') {
			return false
		}
	}
	return true
}

// ValidGroup reports whether s can be a group's name: 1 to 24 legal characters.
func ValidGroup(s string) bool { return len(s) <= 24 && Word(s) }
