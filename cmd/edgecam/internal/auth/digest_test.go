package auth

import (
	"errors"
	"testing"
	"time"
)

// answer is what a client computes from a token's text.
func answer(text, nonce, method, uri string) Digest {
	id := text[3 : 3+idSymbols]
	return Digest{id, nonce, method, uri, md5Hex(md5Hex(id, "edgecam", text), nonce, md5Hex(method, uri))}
}

func TestDigest(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	s, err := Open(t.TempDir(), Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	text, tok, err := s.CreateToken("recorder", View, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	const remote = "192.0.2.9:4711"
	good := answer(text, "n1", "DESCRIBE", "rtsp://node:8554/live")
	g, err := s.AuthorizeDigest(remote, good)
	if err != nil || g.Subject != "token recorder" || !g.Allows(View) || g.Allows(Talk) || !g.Expires.Equal(now.Add(time.Hour)) {
		t.Fatalf("grant %+v, error %v", g, err)
	}
	for name, change := range map[string]func(*Digest){
		"user":   func(d *Digest) { d.Username = "AAAAAAAA" },
		"nonce":  func(d *Digest) { d.Nonce = "n2" },
		"method": func(d *Digest) { d.Method = "SETUP" },
		"uri":    func(d *Digest) { d.URI = "rtsp://node:8554/other" },
		"answer": func(d *Digest) { d.Response = "" },
	} {
		d := good
		change(&d)
		if _, err := s.AuthorizeDigest("192.0.2.10:1", d); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: error %v", name, err)
		}
		s.limit.succeeded("192.0.2.10:1")
	}
	// A token that may not see has no key; wrong answers are counted.
	door, _, err := s.CreateToken("door", OpenDoor, 0)
	if err != nil {
		t.Fatal(err)
	}
	var locked *LockedError
	for range 10 {
		_, err = s.AuthorizeDigest("192.0.2.11:1", answer(door, "n1", "DESCRIBE", "x"))
	}
	if !errors.As(err, &locked) {
		t.Errorf("after ten wrong answers: %v", err)
	}
	if err := s.RevokeToken(tok.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.AuthorizeDigest(remote, good); !errors.Is(err, ErrInvalid) {
		t.Errorf("revoked: %v", err)
	}
	text, _, err = s.CreateToken("short", View, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(2 * time.Minute)
	if _, err := s.AuthorizeDigest(remote, answer(text, "n1", "SETUP", "x")); !errors.Is(err, ErrExpired) {
		t.Errorf("expired: %v", err)
	}
	if _, err := s.AuthorizeLocal("127.0.0.1:1"); !errors.Is(err, ErrNoCredential) {
		t.Errorf("local without development mode: %v", err)
	}
	dev := NewDev(Options{})
	if _, err := dev.AuthorizeLocal("192.0.2.1:1"); !errors.Is(err, ErrNoCredential) {
		t.Errorf("development from elsewhere: %v", err)
	}
	if g, err := dev.AuthorizeLocal("127.0.0.1:1"); err != nil || !g.Allows(View) {
		t.Errorf("development: %v", err)
	}
}
