package fleet

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"
)

// releases is the HTTPS server with manifests and programs. It can be told to
// cut an answer off, or to let it stand still.
type releases struct {
	t    *testing.T
	dir  string
	base string
	root string // file with the certificate that nodes must trust
	key  string // file with the key that signs

	mu     sync.Mutex
	cuts   int           // answers of programs that will end early
	stall  chan struct{} // while set, a program's answers stand still early
	ranges []string      // Range headers that were seen
	served map[string]int
}

func newReleases(t *testing.T) *releases {
	t.Helper()
	r := &releases{t: t, dir: t.TempDir(), served: map[string]int{}}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "releases"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	r.root = filepath.Join(t.TempDir(), "root.pem")
	must(t, os.WriteFile(r.root, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
	must(t, err)
	r.base = fmt.Sprintf("https://%s/", l.Addr())
	server := &http.Server{Handler: http.HandlerFunc(r.serve), ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	t.Cleanup(func() { r.release(); server.Close(); <-done })
	return r
}

func (r *releases) serve(w http.ResponseWriter, q *http.Request) {
	name := filepath.Base(q.URL.Path)
	f, err := os.Open(filepath.Join(r.dir, name))
	if err != nil {
		http.NotFound(w, q)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		http.Error(w, "stat", http.StatusInternalServerError)
		return
	}
	r.mu.Lock()
	r.served[name]++
	stall, cut := r.stall, false
	if filepath.Ext(name) != ".json" {
		if h := q.Header.Get("Range"); h != "" {
			r.ranges = append(r.ranges, h)
		}
		if cut = r.cuts > 0; cut {
			r.cuts--
		}
	}
	r.mu.Unlock()
	body := io.ReadSeeker(f)
	if filepath.Ext(name) != ".json" && (cut || stall != nil) {
		body = &piece{ReadSeeker: f, left: info.Size() / 4, wait: stall}
	}
	http.ServeContent(w, q, "", info.ModTime(), body)
}

// piece gives so many bytes, waits, and fails.
type piece struct {
	io.ReadSeeker
	left int64
	wait <-chan struct{}
}

var errCut = errors.New("cut off")

func (h *piece) Read(p []byte) (int, error) {
	if h.left <= 0 {
		if h.wait != nil {
			<-h.wait
		}
		return 0, errCut
	}
	n, err := h.ReadSeeker.Read(p[:min(int64(len(p)), h.left)])
	h.left -= int64(n)
	return n, err
}

// cut makes the next answers with programs end early.
func (r *releases) cut(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cuts = n
}

// hold lets answers with programs stand still in their middle, until release.
func (r *releases) hold() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stall = make(chan struct{})
}

func (r *releases) release() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stall != nil {
		close(r.stall)
		r.stall = nil
	}
}

// requests returns how often a file was asked for, and the ranges so far.
func (r *releases) requests(name string) (int, []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.served[name], append([]string(nil), r.ranges...)
}

// publish puts a program on the server and signs it; it returns the manifest's
// address.
func (r *releases) publish(h *house, version string, index int, program []byte) string {
	r.t.Helper()
	file := filepath.Join(r.dir, "edgecam-"+version)
	must(r.t, os.WriteFile(file, program, 0o600))
	manifest := h.mustTool("update", "sign", "--key", r.key, "--release", version, "--index", fmt.Sprint(index), runtime.GOARCH+"="+file)
	name := version + ".json"
	must(r.t, os.WriteFile(filepath.Join(r.dir, name), []byte(manifest), 0o600))
	return r.base + name
}

// change rewrites a file on the server.
func (r *releases) change(name string, f func([]byte) []byte) {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	data, err := os.ReadFile(path)
	must(r.t, err)
	must(r.t, os.WriteFile(path, f(bytes.Clone(data)), 0o600))
}
