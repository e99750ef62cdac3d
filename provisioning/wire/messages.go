package wire

import "encoding/json"

// States of a node in Status.
const (
	Online  = "online"
	Offline = "offline"
	Gone    = "gone" // decommissioned or reset; its retained messages are gone too
)

// Status is retained on up/status and also the last will. The will carries the
// session number of its own connection, so that a late will of an old
// connection is told from the present one.
type Status struct {
	State    string `json:"s"`
	Session  uint64 `json:"sess"`
	Software string `json:"sw,omitempty"`
}

// Clock states in Birth.
const (
	ClockSynced   = "synced"
	ClockUnsynced = "unsynced"
)

// Birth is published at the begin of every connection, retained, so that who
// comes later knows the node too.
type Birth struct {
	Version    int      `json:"v"` // 1
	Session    uint64   `json:"sess"`
	Nonce      string   `json:"nonce"` // a controller echoes it in commands to a node without a clock
	Clock      string   `json:"clock"`
	BootID     string   `json:"boot_id,omitempty"`
	Board      string   `json:"board,omitempty"`
	Serial     string   `json:"serial,omitempty"`
	Software   string   `json:"sw,omitempty"`
	Slot       string   `json:"slot,omitempty"` // A/B slot that runs
	Group      string   `json:"group,omitempty"`
	Ops        []string `json:"ops,omitempty"` // commands that the node knows
	Revision   uint64   `json:"cfg_rev"`       // of the node's own desired configuration
	CertExpiry int64    `json:"cert_exp,omitempty"`
	CertSerial string   `json:"cert_serial,omitempty"` // hex
	KeySerial  uint64   `json:"keys,omitempty"`        // serial of the key set in force
	Insecure   bool     `json:"insecure,omitempty"`    // connected without TLS
}

// Desired is a desired configuration on dn/des. Revisions rise; the same or a
// lower one is ignored.
type Desired struct {
	Revision    uint64          `json:"rev"`
	MinSoftware string          `json:"min_sw,omitempty"`
	Group       *string         `json:"group,omitempty"` // node level only: moves the node
	Config      json.RawMessage `json:"cfg"`             // merged factory < group < node; null deletes
}

// States of a Report.
const (
	ReportOK         = "ok"
	ReportPending    = "pending"    // under probation
	ReportRejected   = "rejected"   // never applied
	ReportRolledBack = "rolledback" // applied, and taken back
)

// Report is retained on up/rep: what became of the desired configuration.
type Report struct {
	Revision      uint64  `json:"rev"`     // of the node's own document
	GroupRevision uint64  `json:"grev"`    // of its group's document
	Applied       string  `json:"applied"` // hash of the configuration in force, "factory" for none
	State         string  `json:"state"`   // ReportOK …
	Hash          string  `json:"hash"`    // hash of the configuration that State tells of
	Errors        []Fault `json:"errors,omitempty"`
}

// Fault is one thing wrong with a desired configuration.
type Fault struct {
	Path    string `json:"path,omitempty"`
	Code    string `json:"code"`
	Message string `json:"msg,omitempty"`
}

// Event is something that happened at the node. Receivers know duplicates by
// the id.
type Event struct {
	ID        string         `json:"id"`
	Seq       uint64         `json:"seq"`
	Session   uint64         `json:"sess"`
	Time      *int64         `json:"ts"`   // Unix milliseconds, null without a clock
	Monotonic int64          `json:"mono"` // milliseconds since the node's program began
	Type      string         `json:"type"` // "ring", "motion", "tamper", "door", "security" …
	Late      bool           `json:"late,omitempty"`
	Data      map[string]any `json:"data,omitempty"`
}

// Figures are what a node tells of itself on up/tel from time to time; nobody
// waits for them and some may be lost.
type Figures struct {
	Uptime   int64          `json:"uptime_s"` // of the node's program
	Queued   int            `json:"queued"`   // events that wait for the broker
	Dropped  uint64         `json:"dropped"`  // events that did not
	Connects uint64         `json:"connects"` // connections to the broker
	Viewers  *int           `json:"viewers,omitempty"`
	Camera   *bool          `json:"camera,omitempty"` // it streams
	Network  *NetworkReport `json:"network,omitempty"`
}

// NetworkReport is what stands between the node and the internet, as far as it
// is known.
type NetworkReport struct {
	IPv4 *NetworkFamily `json:"ipv4,omitempty"`
	IPv6 *NetworkFamily `json:"ipv6,omitempty"`
}

// NetworkFamily is that for one kind of addresses, in the words of RFC 4787.
type NetworkFamily struct {
	Kind      string `json:"kind"`
	UDP       string `json:"udp"`
	Mapping   string `json:"mapping"`
	Filtering string `json:"filtering"`
	Public    string `json:"public,omitempty"` // address
}

// States of an Ack.
const (
	AckAccepted  = "accepted"
	AckDone      = "done"
	AckFailed    = "failed"
	AckExpired   = "expired"
	AckRejected  = "rejected"
	AckDuplicate = "duplicate"
)

// Ack answers a command on up/ack; there may be several for one command.
type Ack struct {
	ID     string          `json:"id"`
	State  string          `json:"st"`
	Code   string          `json:"code,omitempty"`
	Text   string          `json:"msg,omitempty"`
	Result json.RawMessage `json:"res,omitempty"`
}

// Command is what an Envelope on dn/cmd holds.
type Command struct {
	ID      string          `json:"id"`
	Node    string          `json:"node"` // whom it is for
	Op      string          `json:"op"`
	Args    json.RawMessage `json:"args,omitempty"`
	Issued  int64           `json:"iat"`   // Unix seconds
	TTL     int64           `json:"ttl_s"` // seconds
	Session uint64          `json:"sess,omitempty"`
	Nonce   string          `json:"nonce,omitempty"` // of the node's birth
}
