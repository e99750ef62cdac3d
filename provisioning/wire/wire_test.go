package wire

import (
	"crypto/ed25519"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

const id = "ec-10000000abcdef01"

func TestTopics(t *testing.T) {
	for _, c := range []struct {
		topic string
		want  Topic
	}{
		{Up(id, UpStatus), Topic{"d", id, "up", "status", ""}},
		{Up(id, UpBlob) + "/" + NewULID(time.Now())[:8], Topic{"d", id, "up", "blob", ""}},
		{Down(id, DnDesired), Topic{"d", id, "dn", "des", ""}},
		{GroupDesired("lobby"), Topic{"g", "lobby", "dn", "des", ""}},
		{ProvRequest("0123456789abcdef"), Topic{"prov", "0123456789abcdef", "req", "", ""}},
	} {
		got, err := ParseTopic(c.topic)
		got.Sub = ""
		if err != nil || got != c.want {
			t.Errorf("%s: %+v, %v", c.topic, got, err)
		}
	}
	for _, bad := range []string{
		"", "ec1", "ec2/d/" + id + "/up/evt", "ec1/d/" + id + "/up", "ec1/d/x/up/evt", "ec1/d/" + id + "/in/evt",
		"ec1/g/lobby/up/des", "ec1/prov/xyz/req", "ec1/d/" + id + "/up/e.t", "ec1/d//up/evt",
		"ec1/d/" + id + "/up/" + strings.Repeat("x", 64), "ec1/d/+/up/evt",
	} {
		if got, err := ParseTopic(bad); !errors.Is(err, ErrTopic) {
			t.Errorf("%q: %+v, %v", bad, got, err)
		}
	}
	longest := Up(id, UpBlob) + "/" + strings.Repeat("0", 26)
	if len(longest) > MaxTopic {
		t.Errorf("%s has %d bytes", longest, len(longest))
	}
}

func TestIDs(t *testing.T) {
	if got := NodeID(" 10000000ABCDEF01\n"); got != id {
		t.Error(got)
	}
	if got := NodeID("1424719000123"); !ValidID(got) || got == NodeID("1424719000124") {
		t.Error(got)
	}
	now := time.UnixMilli(1469918176385)
	if got := NewULID(now); len(got) != 26 || !strings.HasPrefix(got, "01ARYZ6S41") || !ValidMessageID(got) {
		t.Error(got) // the first ten characters are ULID's own example
	}
	a, b := NewNonce(), NewNonce()
	u, v := NewULID(now), NewULID(now)
	if u == v || a == b || !ValidNonce(a) {
		t.Error("not unique")
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, c := range []struct {
		in   string
		want error
	}{
		{`{"s":"online","sess":1}`, nil},
		{`{"s":"online","sess":1,"x":2}`, ErrFormat},
		{`{"s":"online","sess":1} {}`, ErrFormat},
		{`{"s":"online","sess":-1}`, ErrFormat},
		{`{"s":"onl`, io.ErrUnexpectedEOF},
		{``, io.ErrUnexpectedEOF},
		{`[]`, ErrFormat},
		{"{\"s\":\"\xff\"}", ErrFormat},
		{strings.Repeat("[", 9) + strings.Repeat("]", 9), ErrTooDeep},
		{strings.Repeat("[", 100000), ErrTooLong},
		{`{"s":"[[[[[[[[[[[[\"[["}`, nil},
	} {
		var s Status
		if err := Decode([]byte(c.in), MaxMessage, &s); !errors.Is(err, c.want) || (c.want == nil) != (err == nil) {
			t.Errorf("%.40q: %v, want %v", c.in, err, c.want)
		}
	}
	var s Status
	if err := DecodeLoose([]byte(`{"s":"online","new":[]}`), MaxMessage, &s); err != nil || s.State != Online {
		t.Error(err)
	}
}

func keys(t *testing.T) (ed25519.PublicKey, ed25519.PrivateKey) {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return pub, key
}

func TestEnvelope(t *testing.T) {
	pub, key := keys(t)
	other, _ := keys(t)
	e := Sign(ContextCommand, "k1", key, []byte("payload"))
	if got, err := e.Verify(ContextCommand, pub); err != nil || string(got) != "payload" {
		t.Fatal(err)
	}
	if _, err := e.Verify(ContextKeys, pub); !errors.Is(err, ErrSignature) {
		t.Errorf("other purpose: %v", err)
	}
	if _, err := e.Verify(ContextCommand, other); !errors.Is(err, ErrSignature) {
		t.Errorf("other key: %v", err)
	}
	changed := e
	changed.Payload = Unsigned([]byte("Payload")).Payload
	if _, err := changed.Verify(ContextCommand, pub); !errors.Is(err, ErrSignature) {
		t.Errorf("changed: %v", err)
	}
	if _, err := Unsigned(nil).Verify(ContextCommand, pub); !errors.Is(err, ErrUnsigned) {
		t.Errorf("unsigned: %v", err)
	}
}

func TestKeySet(t *testing.T) {
	rootPub, root := keys(t)
	pub, key := keys(t)
	now := time.Unix(1000, 0)
	signed := Encode(Sign(ContextKeys, RootKeyID, root, Encode(KeySet{Serial: 3, Keys: []Key{
		{ID: "all", Public: pub}, {ID: "few", Public: pub, Ops: []string{"reboot"}}, {ID: "old", Public: pub, Expires: 999},
	}})))
	ks, err := ParseKeySet(signed, rootPub)
	if err != nil || ks.Serial != 3 {
		t.Fatal(err)
	}
	if _, err := ParseKeySet(signed, pub); !errors.Is(err, ErrSignature) {
		t.Errorf("not the root's: %v", err)
	}
	for _, c := range []struct {
		kid, op string
		want    error
	}{
		{"all", "open-door", nil},
		{"few", "reboot", nil},
		{"few", "open-door", ErrUnknownKey},
		{"old", "reboot", ErrUnknownKey},
		{"none", "reboot", ErrUnknownKey},
	} {
		if _, err := ks.Verify(ContextCommand, Sign(ContextCommand, c.kid, key, []byte("{}")), c.op, now); !errors.Is(err, c.want) {
			t.Errorf("%s %s: %v", c.kid, c.op, err)
		}
	}
	if _, err := ks.Verify(ContextCommand, Sign(ContextCommand, "old", key, nil), "reboot", time.Time{}); err != nil {
		t.Errorf("expired, but there is no clock: %v", err)
	}
}

func TestOwnerProof(t *testing.T) {
	p := OwnerProof("secret", "0123456789abcdef", "csr")
	if !CheckOwnerProof("secret", "0123456789abcdef", "csr", p) {
		t.Error("right proof refused")
	}
	for _, x := range [][3]string{{"Secret", "0123456789abcdef", "csr"}, {"secret", "0123456789abcdee", "csr"}, {"secret", "0123456789abcdef", "cs"}} {
		if CheckOwnerProof(x[0], x[1], x[2], p) {
			t.Errorf("wrong proof accepted for %v", x)
		}
	}
}
