package authority

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/edgecam/edgecam/provisioning/client"
	"github.com/edgecam/edgecam/provisioning/pki"
	"github.com/edgecam/edgecam/provisioning/wire"
)

// FuzzMessage sends any bytes on the topics that the authority listens to:
// nobody gets a certificate without a proof.
func FuzzMessage(f *testing.F) {
	dir := filepath.Join(f.TempDir(), "a")
	if err := Init(dir, InitOptions{Broker: "tls://localhost:8883", Hosts: []string{"localhost"}, Now: time.Now()}); err != nil {
		f.Fatal(err)
	}
	a, err := Open(dir, Options{})
	if err != nil {
		f.Fatal(err)
	}
	key, _ := pki.NewKey()
	csr, _ := pki.NewCSR(id, key)
	const nonce = "0123456789abcdef"
	f.Add(0, wire.Encode(wire.CertRequest{Version: 1, Nonce: nonce, ID: id, CSR: csr}))
	f.Add(1, wire.Encode(wire.CertRequest{Version: 1, Nonce: nonce, ID: id, CSR: csr, Renew: &wire.Renewal{Cert: csr, Sig: "00"}}))
	f.Add(2, wire.Encode(wire.Birth{CertSerial: "1"}))
	topics := []string{wire.ProvRequest(nonce), wire.Up(id, wire.UpCert), wire.Up(id, wire.UpBirth), "x"}
	f.Fuzz(func(t *testing.T, topic int, payload []byte) {
		a.message(client.Received{Topic: topics[uint(topic)%uint(len(topics))], Payload: payload}, func(_ string, r wire.CertResponse) {
			if r.State == wire.CertSigned {
				t.Errorf("signed for %s", payload)
			}
		})
	})
}
