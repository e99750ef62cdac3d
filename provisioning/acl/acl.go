// Package acl says who may publish and subscribe to what, once, for the
// embedded broker and for the configuration of others.
//
// A client is who its certificate's common name says:
//
//	ec-<16 hex>   a node: writes below its own up, reads its own dn and groups
//	claim         shared by unclaimed nodes: may ask, nothing else
//	authority     answers claims and rotations
//	operator      and operator-<name>: reads nodes, writes to them
//	viewer        and viewer-<name>: signalling with nodes, nothing else
//	homeassistant Home Assistant: discovery, the nodes' ha topics
package acl

import (
	"strings"

	"github.com/edgecam/edgecam/provisioning/wire"
)

// Common names of services.
const (
	Claim     = "claim"
	Authority = "authority"
	Operator  = "operator"
	Viewer    = "viewer"
	Home      = "homeassistant"
)

// Rule allows publishing to, or subscribing to, a filter. In it "%u" stands
// for the client's common name.
type Rule struct {
	Write  bool
	Filter string
}

// The rules of each kind of client.
var (
	NodeRules = []Rule{
		{true, "ec1/d/%u/up/#"},
		{false, "ec1/d/%u/dn/#"},
		{false, "ec1/g/+/dn/des"},
		{true, "homeassistant/device/%u/config"},
		{false, "homeassistant/status"},
	}
	HomeRules = []Rule{
		{false, "homeassistant/#"}, {true, "homeassistant/status"}, {false, "ec1/d/+/up/ha/#"}, {true, "ec1/d/+/dn/ha/+"},
	}
	ClaimRules     = []Rule{{true, "ec1/prov/+/req"}, {false, "ec1/prov/+/res"}}
	AuthorityRules = []Rule{
		{false, "ec1/prov/+/req"},
		{true, "ec1/prov/+/res"},
		{false, "ec1/d/+/up/crt"},
		{false, "ec1/d/+/up/birth"},
		{true, "ec1/d/+/dn/crt"},
	}
	ViewerRules   = []Rule{{true, "ec1/d/+/dn/rtc"}, {false, "ec1/d/+/up/rtc/+"}}
	OperatorRules = []Rule{
		{false, "ec1/d/+/up/#"},
		{false, "ec1/d/+/dn/des"},
		{true, "ec1/d/+/dn/des"},
		{true, "ec1/d/+/dn/cmd"},
		{false, "ec1/g/+/dn/des"},
		{true, "ec1/g/+/dn/des"},
	}
)

// Rules returns the rules for a common name, nil for a stranger.
func Rules(cn string) []Rule {
	switch {
	case wire.ValidID(cn):
		return NodeRules
	case cn == Claim:
		return ClaimRules
	case cn == Authority:
		return AuthorityRules
	case cn == Home:
		return HomeRules
	case cn == Viewer || strings.HasPrefix(cn, Viewer+"-"):
		return ViewerRules
	case cn == Operator || strings.HasPrefix(cn, Operator+"-"):
		return OperatorRules
	}
	return nil
}

// Allowed reports whether the client may publish to a topic or, with write
// false, subscribe to a filter or be sent a topic.
func Allowed(cn, topic string, write bool) bool {
	for _, r := range Rules(cn) {
		if r.Write == write && covers(strings.ReplaceAll(r.Filter, "%u", cn), topic) {
			return true
		}
	}
	return false
}

// covers reports whether everything that b matches, a filter or a topic, is
// matched by filter a.
func covers(a, b string) bool {
	as, bs := strings.Split(a, "/"), strings.Split(b, "/")
	for i, level := range as {
		if level == "#" {
			return true
		}
		if i >= len(bs) || bs[i] == "#" || bs[i] != level && level != "+" {
			return false
		}
	}
	return len(as) == len(bs)
}

// ClientIDAllowed reports whether a client may use this client id. Who could
// take another's would throw it out.
func ClientIDAllowed(cn, clientID string) bool {
	if wire.ValidID(cn) {
		return clientID == cn || clientID == cn+"-ha"
	}
	return Rules(cn) != nil && (clientID == cn || strings.HasPrefix(clientID, cn+"-"))
}
