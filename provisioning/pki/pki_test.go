package pki

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"testing"
	"time"
)

const id = "ec-10000000abcdef01"

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestIssue(t *testing.T) {
	now := time.Now()
	root := must[Signer](t)(NewRoot("root", now))
	ca := must[Signer](t)(root.NewIssuer("ca", now))
	key, _ := NewKey()
	csr := must[string](t)(NewCSR(id, key))
	req := must[*x509.CertificateRequest](t)(ParseCSR(csr, id))
	cert := must[*x509.Certificate](t)(ca.SignNode(req, id, now, NodeLife))
	chain, rootPEM := EncodeCert(cert, ca.Cert), EncodeCert(root.Cert)
	if _, err := VerifyNode(chain, rootPEM, id, key.Public(), now); err != nil {
		t.Fatal(err)
	}
	other, _ := NewKey()
	stranger := must[Signer](t)(NewRoot("stranger", now))
	for _, c := range []struct {
		name string
		err  error
		want error
	}{
		{"other key", verify(VerifyNode(chain, rootPEM, id, other.Public(), now)), ErrWrongKey},
		{"other name", verify(VerifyNode(chain, rootPEM, "ec-1", key.Public(), now)), ErrWrongName},
		{"other root", verify(VerifyNode(chain, EncodeCert(stranger.Cert), id, key.Public(), now)), ErrChain},
		{"no chain", verify(VerifyNode(EncodeCert(cert), rootPEM, id, key.Public(), now)), ErrChain},
		{"expired", verify(VerifyNode(chain, rootPEM, id, key.Public(), now.Add(NodeLife+time.Hour))), ErrChain},
		{"expired, no clock", verify(VerifyNode(chain, rootPEM, id, key.Public(), time.Time{})), nil},
	} {
		if !errors.Is(c.err, c.want) || (c.want == nil) != (c.err == nil) {
			t.Errorf("%s: %v", c.name, c.err)
		}
	}
	// A node's certificate signs nothing.
	fake := must[*x509.Certificate](t)(Signer{cert, key}.SignNode(req, id, now, time.Hour))
	if _, err := VerifyNode(EncodeCert(fake, cert, ca.Cert), rootPEM, id, key.Public(), now); !errors.Is(err, ErrChain) {
		t.Errorf("a node's certificate was taken for an authority: %v", err)
	}
}

func verify(_ *x509.Certificate, err error) error { return err }

func TestCSRIsStrict(t *testing.T) {
	key, _ := NewKey()
	csr := must[string](t)(NewCSR(id, key))
	if _, err := ParseCSR(csr, "ec-0000000000000000"); err == nil {
		t.Error("other name accepted")
	}
	if _, err := ParseCSR(csr+csr, id); err == nil {
		t.Error("two requests accepted")
	}
	block, _ := pem.Decode([]byte(csr))
	block.Bytes[len(block.Bytes)-3] ^= 1
	if _, err := ParseCSR(string(pem.EncodeToMemory(block)), id); err == nil {
		t.Error("broken signature accepted")
	}
}

func TestKeyAndCRL(t *testing.T) {
	now := time.Now()
	root := must[Signer](t)(NewRoot("root", now))
	text := must[[]byte](t)(EncodeKey(root.Key))
	if k, err := ParseKey(text); err != nil || Fingerprint(k.Public()) != Fingerprint(root.Key.Public()) {
		t.Error(err)
	}
	crl := must[[]byte](t)(root.NewCRL(1, []Revoked{{"ab12", now}}, now, time.Hour))
	block, _ := pem.Decode(crl)
	list, err := x509.ParseRevocationList(block.Bytes)
	if err != nil || list.CheckSignatureFrom(root.Cert) != nil || list.RevokedCertificateEntries[0].SerialNumber.Text(16) != "ab12" {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	key, _ := NewKey()
	csr, _ := NewCSR(id, key)
	f.Add(csr)
	root, _ := NewRoot("r", time.Now())
	f.Add(EncodeCert(root.Cert, root.Cert))
	f.Fuzz(func(_ *testing.T, s string) {
		_, _ = ParseCSR(s, id)
		_, _ = ParseKey([]byte(s))
		_, _ = VerifyNode(s, s, id, key.Public(), time.Time{})
	})
}
