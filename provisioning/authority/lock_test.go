package authority

import (
	"sync"
	"testing"

	"github.com/edgecam/edgecam/internal/durable/powercut"
)

// TestTwoPrograms: a person revokes and registers nodes by a command of its own
// while the service records births: neither fails, and nothing that was
// acknowledged is written over.
func TestTwoPrograms(t *testing.T) {
	f := newFixture(t)
	other, err := Open(f.a.Dir(), Options{})
	f.check(err)
	for range 15 {
		_, err := other.Expect(serial, secret, "")
		f.check(err)
		m, err := f.node(powercut.New(), secret)
		f.check(err)
		_, err = f.ask(m)
		f.check(err)
		i, err := m.Identity()
		f.check(err)
		var wg sync.WaitGroup
		begin := make(chan struct{})
		wg.Go(func() {
			<-begin
			if err := f.a.Seen(id, i.Leaf.SerialNumber.Text(16)); err != nil {
				t.Error("service:", err)
			}
		})
		wg.Go(func() {
			<-begin
			if err := other.Revoke(id); err != nil {
				t.Error("person:", err)
			}
		})
		wg.Go(func() {
			<-begin
			if err := f.a.WriteCRL(); err != nil {
				t.Error("list:", err)
			}
		})
		close(begin)
		wg.Wait()
		if n, err := f.a.Node(id); err != nil || n.Status != Revoked || n.Cert != "" {
			t.Fatalf("the revocation is lost: %s, %v", n.Status, err)
		}
	}
}
