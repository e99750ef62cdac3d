package wire

import (
	"crypto/ed25519"
	"strings"
	"testing"
	"time"
)

func FuzzParseTopic(f *testing.F) {
	f.Add(Up(id, UpEvent))
	f.Add(GroupDesired("lobby"))
	f.Fuzz(func(t *testing.T, s string) {
		if p, err := ParseTopic(s); err == nil && (p.Name == "" || !strings.HasPrefix(s, Root+"/"+p.Scope+"/"+p.Name)) {
			t.Errorf("%q: %+v", s, p)
		}
	})
}

func FuzzMessages(f *testing.F) {
	pub, key, _ := ed25519.GenerateKey(nil)
	f.Add(Encode(Sign(ContextKeys, RootKeyID, key, Encode(KeySet{Keys: []Key{{ID: "k", Public: pub}}}))))
	f.Add(Encode(Command{ID: "12345678", Op: "reboot"}))
	f.Add([]byte(`{"rev":1,"cfg":{"video":{"speed":4}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, v := range []any{
			&Status{}, &Birth{}, &Desired{}, &Report{}, &Event{}, &Ack{}, &Command{}, &CertRequest{}, &CertResponse{}, &Envelope{}, &KeySet{},
		} {
			if Decode(data, MaxMessage, v) == nil {
				Encode(v) // what was taken can be written again
			}
		}
		if ks, err := ParseKeySet(data, pub); err == nil {
			if _, err := ks.Verify(ContextCommand, Envelope{KeyID: "k", Sig: "AA=="}, "x", time.Now()); err == nil {
				t.Error("a forged signature was accepted")
			}
		}
	})
}
