package authority

import (
	"crypto/tls"
	"crypto/x509"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/edgecam/edgecam/provisioning/pki"
)

// TestRenew: the fleet's own services do not end with their certificates' first
// year. What is renewed goes with the old key, leads to the root, and has the
// names and the use of the former; what need not be renewed is left alone.
func TestRenew(t *testing.T) {
	f := newFixture(t)
	_, _, err := f.a.NewOperator("night")
	f.check(err)
	load := func(name string) tls.Certificate {
		t.Helper()
		c, err := tls.LoadX509KeyPair(filepath.Join(f.a.Dir(), name+".crt"), filepath.Join(f.a.Dir(), name+".key"))
		f.check(err)
		return c
	}
	services := []string{"authority", "broker", "operator", "operator-night"}
	before := map[string]tls.Certificate{}
	for _, name := range append(services, "claim") {
		before[name] = load(name)
	}
	begin := f.now
	f.now = begin.Add(pki.ServiceLife / 2)
	if names, err := f.a.Renew(); err != nil || len(names) > 0 {
		t.Fatalf("at half of their lives: %q, %v", names, err)
	}
	f.now = begin.Add(pki.ServiceLife * 7 / 10)
	names, err := f.a.Renew()
	f.check(err)
	if want := []string{"authority.crt", "broker.crt", "operator-night.crt", "operator.crt"}; !slices.Equal(slices.Sorted(slices.Values(names)), want) {
		t.Fatalf("renewed %q, want %q", names, want)
	}
	roots, err := pki.Pool(f.a.root)
	f.check(err)
	issuers := x509.NewCertPool()
	issuers.AddCert(f.a.ca.Cert)
	for _, name := range services {
		c, old := load(name), before[name].Leaf
		if len(c.Certificate) != 2 || !c.Leaf.NotAfter.Equal(f.now.Add(pki.ServiceLife).UTC().Truncate(time.Second)) || c.Leaf.SerialNumber.Cmp(old.SerialNumber) == 0 {
			t.Errorf("%s: %d certificates, until %v", name, len(c.Certificate), c.Leaf.NotAfter)
		}
		if c.Leaf.Subject.String() != old.Subject.String() || !slices.Equal(c.Leaf.DNSNames, old.DNSNames) || len(c.Leaf.IPAddresses) != len(old.IPAddresses) || c.Leaf.IsCA {
			t.Errorf("%s: %v %q %v", name, c.Leaf.Subject, c.Leaf.DNSNames, c.Leaf.IPAddresses)
		}
		if _, err := c.Leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: issuers, CurrentTime: begin.Add(pki.ServiceLife * 3 / 2), KeyUsages: old.ExtKeyUsage}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if c := load("claim"); !c.Leaf.Equal(before["claim"].Leaf) {
		t.Error("the claim certificate, which is in every box, was changed")
	}
	if names, err := f.a.Renew(); err != nil || len(names) > 0 {
		t.Errorf("renewed again: %q, %v", names, err)
	}
}
