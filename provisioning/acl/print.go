package acl

import (
	"fmt"
	"strings"
)

// Mosquitto returns an ACL file. Operators are the common names to allow
// besides "operator", since mosquitto has no patterns for names.
func Mosquitto(operators ...string) string {
	var b strings.Builder
	b.WriteString("# Nodes: %u is the certificate's common name. A pattern holds for every user,\n" +
		"# but services' names are no node ids, so nothing publishes or listens there.\n")
	for _, r := range NodeRules {
		fmt.Fprintf(&b, "pattern %s %s\n", verb(r), r.Filter)
	}
	for _, u := range append([]string{Claim, Authority, Operator, Viewer, Home}, operators...) {
		fmt.Fprintf(&b, "\nuser %s\n", u)
		for _, r := range Rules(u) {
			fmt.Fprintf(&b, "topic %s %s\n", verb(r), r.Filter)
		}
	}
	return b.String()
}

func verb(r Rule) string {
	if r.Write {
		return "write"
	}
	return "read"
}

// MosquittoConfig returns a listener's configuration for mosquitto 2. Paths
// are those of the authority's folder on the broker's machine.
func MosquittoConfig(dir string, port int) string {
	return fmt.Sprintf(`# mosquitto 2: one listener with mutual TLS. After a change of crl.pem or of the
# certificates, send SIGHUP or restart.
listener %d
cafile %s/ca-chain.crt
certfile %s/broker.crt
keyfile %s/broker.key
crlfile %s/crl.pem
require_certificate true
use_identity_as_username true
allow_anonymous false
tls_version tlsv1.2
acl_file %s/mosquitto.acl
max_packet_size 262144
message_size_limit 131072
max_keepalive 1200
# Services get a whole fleet's retained messages at once: three for each node.
max_inflight_messages 200
max_queued_messages 100000
persistence true
`, port, dir, dir, dir, dir, dir)
}

// EMQX returns authorisation rules in EMQX's file format and, as comments, the
// listener settings that they need.
func EMQX() string {
	var b strings.Builder
	b.WriteString(`%% EMQX 5: acl.conf. The listener needs
%%   ssl_options.verify = verify_peer, fail_if_no_peer_cert = true
%%   mqtt.peer_cert_as_username = cn
%%   mqtt.peer_cert_as_clientid = cn for nodes, but not where they show themselves
%%   to Home Assistant over this broker: they have two connections then
%%   authorization.no_match = deny, authorization.deny_action = ignore
`)
	for _, x := range []struct {
		who   string
		rules []Rule
	}{
		{`{username, {re, "^ec-[0-9a-f]{16}$"}}`, NodeRules},
		{`{username, "claim"}`, ClaimRules},
		{`{username, "authority"}`, AuthorityRules},
		{`{username, "homeassistant"}`, HomeRules},
		{`{username, {re, "^viewer(-[A-Za-z0-9_-]+)?$"}}`, ViewerRules},
		{`{username, {re, "^operator(-[A-Za-z0-9_-]+)?$"}}`, OperatorRules},
	} {
		for _, r := range x.rules {
			action := "subscribe"
			if r.Write {
				action = "publish"
			}
			fmt.Fprintf(&b, "{allow, %s, %s, [\"%s\"]}.\n", x.who, action, strings.ReplaceAll(r.Filter, "%u", "${username}"))
		}
	}
	b.WriteString("{deny, all}.\n")
	return b.String()
}
