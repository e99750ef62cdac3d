package seal

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"testing"
)

var purpose = Purpose{Node: "ec-0000000000000001", Command: "01M83DX413KH8W4FKR05TQ8EG6", Type: "image/jpeg"}

func newKey(t testing.TB) Private {
	t.Helper()
	k, err := NewPrivate()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSeal(t *testing.T) {
	k := newKey(t)
	text, err := k.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if k, err = ParsePrivate(text); err != nil {
		t.Fatal(err)
	}
	pub, err := ParsePublic(k.Public().Bytes())
	if err != nil || pub.ID() != k.Public().ID() || len(pub.ID()) != 16 {
		t.Fatalf("%v, %s and %s", err, pub.ID(), k.Public().ID())
	}
	picture := bytes.Repeat([]byte("a picture of who rings "), 1000)
	sealed, err := pub.Seal(purpose, picture)
	if err != nil || len(sealed) != len(picture)+Overhead || bytes.Contains(sealed, picture[:16]) {
		t.Fatalf("%d bytes of %d, %v", len(sealed), len(picture), err)
	}
	again, err := pub.Seal(purpose, picture)
	if err != nil || bytes.Equal(again[:32], sealed[:32]) {
		t.Errorf("the ephemeral key is the same twice (%v)", err)
	}
	if got, err := k.Open(purpose, sealed); err != nil || !bytes.Equal(got, picture) {
		t.Fatal(err)
	}

	// Another key, node, command or kind; changed; cut off.
	refused := func(what string, k Private, p Purpose, data []byte) {
		t.Helper()
		if got, err := k.Open(p, data); !errors.Is(err, ErrOpen) || got != nil {
			t.Errorf("%s: %d bytes, %v", what, len(got), err)
		}
	}
	refused("another key", newKey(t), purpose, sealed)
	for _, change := range []func(*Purpose){
		func(p *Purpose) { p.Node = "ec-0000000000000002" }, func(p *Purpose) { p.Command = "x" }, func(p *Purpose) { p.Type = "application/zip" },
	} {
		p := purpose
		change(&p)
		refused("another purpose", k, p, sealed)
	}
	for _, at := range []int{0, 31, 32, len(sealed) / 2, len(sealed) - 1} {
		changed := bytes.Clone(sealed)
		changed[at] ^= 1
		refused("changed", k, purpose, changed)
	}
	for _, n := range []int{0, 1, 32, Overhead - 1, Overhead, len(sealed) - 1} {
		refused("cut off", k, purpose, sealed[:n])
	}
	if _, err := pub.Seal(Purpose{Node: "a\nb"}, nil); err == nil {
		t.Error("a line feed in the purpose is taken")
	}
}

// TestKeys: what cannot be an owner's key is refused when it is configured, not
// when somebody rings.
func TestKeys(t *testing.T) {
	for _, bad := range []string{
		"", "00",
		"0000000000000000000000000000000000000000000000000000000000000000", // of small order
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
	} {
		data, err := hex.DecodeString(bad)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParsePublic(data); !errors.Is(err, ErrKey) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if _, err := (Public{}).Seal(purpose, nil); !errors.Is(err, ErrKey) {
		t.Errorf("no key: %v", err)
	}
	_, signing, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	p256, err := ecdh.P256().GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []any{signing, p256} {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParsePrivate(pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der})); !errors.Is(err, ErrKey) {
			t.Errorf("%T: %v", key, err)
		}
	}
	for _, text := range []string{"", "no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		if _, err := ParsePrivate([]byte(text)); !errors.Is(err, ErrKey) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	k := newKey(f)
	sealed, err := k.Public().Seal(purpose, []byte("x"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed, "image/jpeg")
	f.Add(sealed[:40], "")
	f.Fuzz(func(t *testing.T, data []byte, kind string) {
		p := purpose
		p.Type = kind
		got, err := k.Open(p, data)
		if err == nil && (!bytes.Equal(data, sealed) || kind != purpose.Type || string(got) != "x") {
			t.Fatalf("opened %x as %q", data, kind)
		}
	})
}
