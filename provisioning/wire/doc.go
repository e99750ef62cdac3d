// Package wire is the protocol "ec1" as bytes: topics, identifiers, messages
// and the signed envelope. It knows no connection and no file.
//
// What comes from outside passes [Decode] first, which refuses what is too
// long, too deep, not UTF-8 or holds unknown keys, so that no handler sees it.
//
// The protocol assumes little of a broker: MQTT 3.1.1, QoS 0 and 1, topics of
// at most six levels and 64 bytes of the characters A-Z a-z 0-9 _ -, payloads
// of at most 128 KiB, no order, and duplicates. docs/fleet-protocol.md has the
// whole of it.
package wire
