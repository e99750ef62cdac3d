package schema

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edgecam/edgecam/provisioning/acl"
	"github.com/edgecam/edgecam/provisioning/wire"
)

// TestFiles compares the files with the types. EDGECAM_UPDATE=1 writes them.
func TestFiles(t *testing.T) {
	for _, name := range Names() {
		want, err := generate(name)
		if err != nil {
			t.Fatal(err)
		}
		if os.Getenv("EDGECAM_UPDATE") == "1" {
			if err := os.WriteFile(name+".json", want, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if !bytes.Equal(Read(name), want) {
			t.Errorf("%s.json is not what the types say; run the test with EDGECAM_UPDATE=1", name)
		}
	}
	if Read("none") != nil {
		t.Error("a schema for an unknown name")
	}
}

// fill sets everything in v, so that no field is left out of the message.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Slice:
		switch {
		case v.Type() == reflect.TypeFor[json.RawMessage]():
			v.SetBytes([]byte(`{"any":["thing",1]}`))
		case v.Type().Elem().Kind() == reflect.Uint8:
			v.SetBytes([]byte("bytes"))
		default:
			v.Set(reflect.MakeSlice(v.Type(), 2, 2))
			fill(v.Index(0))
			fill(v.Index(1))
		}
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]any{"x": 1.5}))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint64:
		v.SetUint(7)
	case reflect.Int, reflect.Int64:
		v.SetInt(-7)
	case reflect.String:
		v.SetString("text")
	default:
		panic(v.Kind())
	}
}

// node is a schema, as far as these files use JSON schema.
type node struct {
	Type       any             `json:"type"`
	Properties map[string]node `json:"properties"`
	Required   []string        `json:"required"`
	Additional *bool           `json:"additionalProperties"`
	Items      *node           `json:"items"`
	Enum       []string        `json:"enum"`
	Encoding   string          `json:"contentEncoding"`
	Minimum    *float64        `json:"minimum"`
	Schema     string          `json:"$schema"`
	Title      string          `json:"title"`
}

// faults returns what a message does that its schema does not allow.
func (n node) faults(path string, v any) (out []string) {
	types, _ := n.Type.([]any)
	if s, ok := n.Type.(string); ok {
		types = []any{s}
	}
	is := "null"
	switch x := v.(type) {
	case map[string]any:
		is = "object"
		for key, below := range x {
			p, known := n.Properties[key]
			if !known && n.Additional != nil && !*n.Additional {
				out = append(out, path+"."+key+" is not a property")
			} else if known {
				out = append(out, p.faults(path+"."+key, below)...)
			}
		}
		for _, key := range n.Required {
			if _, ok := x[key]; !ok {
				out = append(out, path+"."+key+" is required and missing")
			}
		}
	case []any:
		is = "array"
		for _, below := range x {
			if n.Items != nil {
				out = append(out, n.Items.faults(path+"[]", below)...)
			}
		}
	case string:
		is = "string"
		if n.Enum != nil && x != "text" && !slices.Contains(n.Enum, x) {
			out = append(out, path+" is none of its values")
		}
		if _, err := base64.StdEncoding.DecodeString(x); n.Encoding == "base64" && err != nil {
			out = append(out, path+" is not base 64")
		}
	case float64:
		if is = "number"; x == math.Trunc(x) {
			is = "integer"
		}
		if n.Minimum != nil && x < *n.Minimum {
			out = append(out, path+" is below its minimum")
		}
	case bool:
		is = "boolean"
	}
	if n.Type != nil && !slices.Contains(types, any(is)) {
		out = append(out, fmt.Sprintf("%s is %s, not %v", path, is, n.Type))
	}
	return out
}

// TestMessages: what the program writes is what its schemas say, with every
// field and with as few as there can be.
func TestMessages(t *testing.T) {
	for _, name := range Names() {
		var s node
		d := json.NewDecoder(bytes.NewReader(Read(name)))
		d.DisallowUnknownFields()
		if err := d.Decode(&s); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		full := reflect.New(reflect.TypeOf(messages[name])).Elem()
		fill(full)
		for _, v := range []reflect.Value{full, reflect.Zero(full.Type())} {
			text, err := json.Marshal(v.Interface())
			var message any
			if err == nil {
				err = json.Unmarshal(text, &message)
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for _, f := range s.faults(name, message) {
				// An empty message has neither lists nor states, which the program always gives.
				if !v.IsZero() || !strings.Contains(f, "is null") && !strings.Contains(f, "is none of its values") {
					t.Errorf("%s: %s", f, text)
				}
			}
		}
		if got := s.faults(name, map[string]any{"unheard-of": 1.0}); len(got) == 0 {
			t.Errorf("%s: the schema takes anything", name)
		}
	}
}

var schemaLink = regexp.MustCompile(`\]\(\.\./provisioning/schema/([a-z-]+)\.json\)`)

// TestDocumented: the protocol's description leads to every schema, and to none
// that is not there.
func TestDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/fleet-protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	linked := map[string]bool{}
	for _, m := range schemaLink.FindAllStringSubmatch(string(text), -1) {
		linked[m[1]] = true
		if Read(m[1]) == nil {
			t.Errorf("docs/fleet-protocol.md leads to %s.json, which is not there", m[1])
		}
	}
	for _, name := range Names() {
		if !linked[name] {
			t.Errorf("docs/fleet-protocol.md does not lead to %s.json", name)
		}
	}
}

// topicRow is a row of the topics' table: topics, QoS, retained, message, who
// writes.
var topicRow = regexp.MustCompile("(?m)^\\| (`ec1/[^|]*) \\| ([01]) \\| ([^|]*) \\| ([^|]*) \\| ([^|]*) \\|$")

// TestTopicsDocumented: each documented topic is one of the protocol's, and the
// access rules let those write it who are named, and nobody else.
func TestTopicsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/fleet-protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	const id = "ec-10000000abcdef01"
	who := map[string]string{"node": id, "claim": acl.Claim, "authority": acl.Authority, "operator": acl.Operator, "viewer": acl.Viewer}
	kinds := map[string]bool{}
	rows := topicRow.FindAllStringSubmatch(string(text), -1)
	for _, row := range rows {
		topics := regexp.MustCompile("`(ec1/[^`]*)`").FindAllStringSubmatch(row[1], -1)
		writers := strings.Split(row[5], ", ")
		for i, m := range topics {
			topic := strings.NewReplacer("NONCE", "0123456789abcdef", "ID", id, "COMMAND", wire.NewULID(time.Now()), "PEER", "0123456789abcdef", "GROUP", "lobby").Replace(m[1])
			parsed, err := wire.ParseTopic(topic)
			if err != nil {
				t.Errorf("%s: %v", m[1], err)
				continue
			}
			kinds[parsed.Dir+" "+parsed.Kind] = true
			writer := writers[min(i, len(writers)-1)]
			if who[writer] == "" {
				t.Fatalf("%s: %q writes it", m[1], writer)
			}
			for name, cn := range who {
				if got := acl.Allowed(cn, topic, true); got != (name == writer) {
					t.Errorf("%s: %s may write it: %v", m[1], name, got)
				}
			}
		}
	}
	for _, k := range []string{
		"up " + wire.UpStatus, "up " + wire.UpBirth, "up " + wire.UpReport, "up " + wire.UpEvent, "up " + wire.UpAck, "up " + wire.UpTel, "up " + wire.UpCert,
		"up " + wire.UpBlob, "up " + wire.UpRTC, "dn " + wire.DnDesired, "dn " + wire.DnCommand, "dn " + wire.DnCert, "dn " + wire.DnRTC, "req ", "res ",
	} {
		if !kinds[k] {
			t.Errorf("%s is not in the table (%d rows)", k, len(rows))
		}
	}
}
