// Package schema holds the JSON schemas (draft 2020-12) of the fleet protocol's
// messages, for those who write another end. The files beside this one are
// made from the Go types; a test holds them to be the same.
package schema

import (
	"embed"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/edgecam/edgecam/provisioning/enrol"
	"github.com/edgecam/edgecam/provisioning/signal"
	"github.com/edgecam/edgecam/provisioning/update"
	"github.com/edgecam/edgecam/provisioning/wire"
)

//go:embed *.json
var files embed.FS

// messages are the protocol's messages by name.
var messages = map[string]any{
	"status": wire.Status{}, "birth": wire.Birth{}, "desired": wire.Desired{}, "report": wire.Report{}, "event": wire.Event{},
	"command": wire.Command{}, "ack": wire.Ack{}, "envelope": wire.Envelope{}, "keyset": wire.KeySet{},
	"cert-request": wire.CertRequest{}, "cert-response": wire.CertResponse{}, "site": enrol.Site{},
	"manifest": update.Manifest{}, "figures": wire.Figures{}, "grant": signal.Grant{}, "rtc": signal.Body{},
}

// enums are the values of fields that have few.
var enums = map[string][]string{
	"status.s":         {wire.Online, wire.Offline, wire.Gone},
	"birth.clock":      {wire.ClockSynced, wire.ClockUnsynced},
	"report.state":     {wire.ReportOK, wire.ReportPending, wire.ReportRejected, wire.ReportRolledBack},
	"rtc.type":         {signal.TypeOffer, signal.TypeCandidates, signal.TypeRestart, signal.TypeBye, signal.TypeAnswer, signal.TypeError},
	"ack.st":           {wire.AckAccepted, wire.AckDone, wire.AckFailed, wire.AckExpired, wire.AckRejected, wire.AckDuplicate},
	"cert-response.st": {wire.CertSigned, wire.CertPending, wire.CertRejected},
}

// Names lists the messages.
func Names() []string { return slices.Sorted(maps.Keys(messages)) }

// Read returns a message's schema, nil for an unknown name.
func Read(name string) []byte {
	b, err := files.ReadFile(name + ".json")
	if err != nil {
		return nil
	}
	return b
}

func generate(name string) ([]byte, error) {
	s := of(name, reflect.TypeOf(messages[name]))
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = "ec1 " + name
	b, err := json.MarshalIndent(s, "", "  ")
	return append(b, '\n'), err
}

func of(path string, t reflect.Type) map[string]any {
	if t == reflect.TypeFor[json.RawMessage]() {
		return map[string]any{} // any JSON
	}
	switch t.Kind() {
	case reflect.Pointer:
		s := of(path, t.Elem())
		s["type"] = []any{s["type"], "null"}
		return s
	case reflect.Struct:
		props, required := map[string]any{}, []string{}
		for f := range t.Fields() {
			key, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
			props[key] = of(path+"."+key, f.Type)
			if opts != "omitempty" {
				required = append(required, key)
			}
		}
		return map[string]any{"type": "object", "properties": props, "required": required, "additionalProperties": false}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return map[string]any{"type": "string", "contentEncoding": "base64"}
		}
		return map[string]any{"type": "array", "items": of(path, t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Uint64:
		return map[string]any{"type": "integer", "minimum": 0}
	case reflect.Int, reflect.Int64:
		return map[string]any{"type": "integer"}
	default:
		s := map[string]any{"type": "string"}
		if e := enums[path]; e != nil {
			s["enum"] = e
		}
		return s
	}
}
