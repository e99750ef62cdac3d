package update

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edgecam/edgecam/internal/durable"
	"github.com/edgecam/edgecam/internal/durable/powercut"
	"github.com/edgecam/edgecam/provisioning/update/slot"
	"github.com/edgecam/edgecam/provisioning/wire"
)

var now = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

// factory makes manifests and serves programs.
type factory struct {
	t       testing.TB
	key     ed25519.PrivateKey
	program []byte
	server  *httptest.Server
	base    *url.URL
	cut     atomic.Int64 // answers end after so many bytes, 0: whole
	noRange atomic.Bool
	served  atomic.Int64
	asked   atomic.Int64
}

func newFactory(t testing.TB, program []byte) *factory {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	f := &factory{t: t, key: key, program: program}
	f.server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.asked.Add(1)
		from := 0
		if rng := r.Header.Get("Range"); rng != "" && !f.noRange.Load() {
			fmt.Sscanf(rng, "bytes=%d-", &from)
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(f.program)-1, len(f.program)))
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(f.program)-from))
		if from > 0 {
			w.WriteHeader(http.StatusPartialContent)
		}
		body := f.program[from:]
		if c := int(f.cut.Load()); c > 0 && c < len(body) {
			body = body[:c]
		}
		f.served.Add(int64(len(body)))
		w.Write(body)
	}))
	t.Cleanup(f.server.Close)
	f.base, _ = url.Parse(f.server.URL + "/releases/manifest.json")
	return f
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

func (f *factory) manifest() Manifest {
	return Manifest{
		Format: 1, Version: "v1.2.3", Index: 5, Expires: now.Add(time.Hour).Unix(),
		Programs: []Program{{Arch: "arm64", Boards: []string{"Raspberry Pi 4"}, URL: "edgecam-arm64", Size: int64(len(f.program)), SHA256: sum(f.program)}},
	}
}

func (f *factory) sign(m Manifest) []byte {
	f.t.Helper()
	out, err := Sign(m, f.key)
	if err != nil {
		f.t.Fatal(err)
	}
	return out
}

func (f *factory) updater(fsys durable.Large) *Updater {
	f.t.Helper()
	trust, err := TrustKeys(base64.StdEncoding.EncodeToString(f.key.Public().(ed25519.PublicKey)))
	if err != nil {
		f.t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(f.server.Certificate())
	cfg := f.server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	cfg.RootCAs = pool
	return New(Options{
		FS: fsys, Trust: trust, Arch: "arm64", Board: "Raspberry Pi 4 Model B Rev 1.4", Installed: "package-1",
		Now: func() (time.Time, bool) { return now, true }, HTTP: Client(cfg), Pause: time.Millisecond, Stall: 5 * time.Second,
	})
}

// boot is what the launcher does at a start.
func boot(t testing.TB, fsys durable.Large) (name string, trial bool) {
	t.Helper()
	name, trial, err := slot.Pick(fsys, "package-1")
	if err != nil {
		t.Errorf("pick: %v", err)
	}
	return name, trial
}

func confirm(t testing.TB, fsys durable.FS) {
	t.Helper()
	s, err := slot.Read(fsys)
	if err == nil {
		err = slot.Write(fsys, s.Confirm())
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestWholeUpdate(t *testing.T) {
	program := bytes.Repeat([]byte("program 1 "), 300_000)
	f := newFactory(t, program)
	fsys, err := durable.OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	u := f.updater(fsys)
	if _, err := u.Install(t.Context(), f.sign(f.manifest()), f.base, "command1", false); err != nil {
		t.Fatal(err)
	}
	if name, trial := boot(t, fsys); name != slot.A || !trial {
		t.Fatalf("started %s, trial %v", name, trial)
	}
	if _, err := u.Install(t.Context(), f.sign(f.manifest()), f.base, "", false); CodeOf(err) != CodeBusy {
		t.Errorf("a second update while one is on trial: %v", err)
	}
	confirm(t, fsys)
	if name, trial := boot(t, fsys); name != slot.A || trial {
		t.Fatalf("after confirmation: %s, trial %v", name, trial)
	}
	s, _ := u.State()
	if s.Index != 5 || s.Last == nil || s.Last.ID != "command1" || s.Last.State != slot.Confirmed {
		t.Errorf("%+v", s)
	}
	// The next goes into the other slot, dies three times, and a stays.
	f.program = []byte("program 2")
	m := f.manifest()
	m.Version, m.Index = "v1.3.0", 6
	if _, err := u.Install(t.Context(), f.sign(m), f.base, "", false); err != nil {
		t.Fatal(err)
	}
	for i := range slot.MaxTries {
		if name, trial := boot(t, fsys); name != slot.B || !trial {
			t.Fatalf("try %d: %s, %v", i, name, trial)
		}
	}
	if name, trial := boot(t, fsys); name != slot.A || trial {
		t.Fatalf("after three deaths: %s, %v", name, trial)
	}
	if s, _ := u.State(); s.Index != 5 || s.Last.State != slot.RolledBack {
		t.Errorf("%+v", s)
	}
	if _, err := u.Install(t.Context(), f.sign(m), f.base, "", false); CodeOf(err) != CodeFailed {
		t.Errorf("what failed was taken again: %v", err)
	}
	if _, err := u.Install(t.Context(), f.sign(m), f.base, "", true); err != nil {
		t.Errorf("on request it is: %v", err)
	}
	// Another package was installed meanwhile.
	if name, _, err := slot.Pick(fsys, "package-2"); name != slot.Installed || err != nil {
		t.Errorf("after a package's upgrade: %s, %v", name, err)
	}
}

// TestRefused: whatever is wrong, nothing changes.
func TestRefused(t *testing.T) {
	f := newFactory(t, []byte("a new program"))
	other := newFactory(t, []byte("x"))
	tampered := func(data []byte) []byte {
		var e wire.Envelope
		if err := wire.Decode(data, MaxManifest, &e); err != nil {
			t.Fatal(err)
		}
		p, _ := e.Bytes()
		e.Payload = base64.StdEncoding.EncodeToString(bytes.Replace(p, []byte("v1.2.3"), []byte("v9.2.3"), 1))
		return wire.Encode(e)
	}
	with := func(change func(*Manifest)) []byte {
		m := f.manifest()
		change(&m)
		// Signed without the check that Sign makes.
		return wire.Encode(wire.Sign(wire.ContextUpdate, KeyID(f.key.Public().(ed25519.PublicKey)), f.key, wire.Encode(m)))
	}
	for _, c := range []struct {
		name string
		data []byte
		want Code
	}{
		{"another's signature", other.sign(f.manifest()), CodeSignature},
		{"changed after signing", tampered(f.sign(f.manifest())), CodeSignature},
		{"signed for another purpose", wire.Encode(wire.Sign(wire.ContextCommand, KeyID(f.key.Public().(ed25519.PublicKey)), f.key, wire.Encode(f.manifest()))), CodeSignature},
		{"not signed", wire.Encode(wire.Unsigned(wire.Encode(f.manifest()))), CodeSignature},
		{"lower index", with(func(m *Manifest) { m.Index = 2 }), CodeIndex},
		{"expired", with(func(m *Manifest) { m.Expires = now.Unix() - 1 }), CodeExpired},
		{"other board", with(func(m *Manifest) { m.Programs[0].Boards = []string{"NVIDIA Jetson"} }), CodeBoard},
		{"other processor", with(func(m *Manifest) { m.Programs[0].Arch = "amd64" }), CodeBoard},
		{"plain http", with(func(m *Manifest) { m.Programs[0].URL = "http://127.0.0.1/x" }), CodeFormat},
		{"file", with(func(m *Manifest) { m.Programs[0].URL = "file:///etc/passwd" }), CodeFormat},
		{"no size", with(func(m *Manifest) { m.Programs[0].Size = 0 }), CodeFormat},
		{"too large", with(func(m *Manifest) { m.Programs[0].Size = MaxProgram + 1 }), CodeFormat},
		{"version with a slash", with(func(m *Manifest) { m.Version = "../x" }), CodeFormat},
		{"other content", with(func(m *Manifest) { m.Programs[0].SHA256 = sum([]byte("another")) }), CodeHash},
		{"longer than said", with(func(m *Manifest) { m.Programs[0].Size-- }), CodeHash},
		{"shorter than said", with(func(m *Manifest) { m.Programs[0].Size++ }), CodeDownload},
		{"unknown key", bytes.Replace(f.sign(f.manifest()), []byte("{"), []byte(`{"more":1,`), 1), CodeFormat},
		{"cut off", f.sign(f.manifest())[:100], CodeFormat},
		{"nothing", nil, CodeFormat},
		{"too long", []byte(`{"p":"` + strings.Repeat("A", MaxManifest) + `"}`), CodeFormat},
	} {
		fsys := powercut.New()
		if err := slot.Write(fsys, slot.State{Current: slot.Installed, Index: 3}); err != nil {
			t.Fatal(err)
		}
		_, err := f.updater(fsys).Install(t.Context(), c.data, f.base, "", false)
		if CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
		if name, _ := boot(t, fsys); name != slot.Installed {
			t.Errorf("%s: %s was started", c.name, name)
		}
	}
}

func TestWithoutClock(t *testing.T) {
	f := newFactory(t, []byte("program"))
	trust := f.updater(powercut.New()).opt.Trust
	// The clock stands at the build's time: what has expired by then is old.
	m := f.manifest()
	if _, err := Parse(f.sign(m), trust, now, false); err != nil {
		t.Error(err)
	}
	m.Expires = now.Unix() - 1
	if _, err := Parse(f.sign(m), trust, now, false); CodeOf(err) != CodeExpired {
		t.Error(err)
	}
}

// TestResume: a server that cuts every answer off; each byte comes once.
func TestResume(t *testing.T) {
	f := newFactory(t, bytes.Repeat([]byte("0123456789abcdef"), 4096))
	f.cut.Store(20_000)
	fsys := powercut.New()
	if _, err := f.updater(fsys).Install(t.Context(), f.sign(f.manifest()), f.base, "", false); err != nil {
		t.Fatal(err)
	}
	if f.asked.Load() != 4 || f.served.Load() != int64(len(f.program)) {
		t.Errorf("%d requests brought %d bytes for %d", f.asked.Load(), f.served.Load(), len(f.program))
	}
	if name, trial := boot(t, fsys); name != slot.A || !trial {
		t.Error(name, trial)
	}

	// It never comes to an end: given up, and continued at the next time.
	f.cut.Store(1000)
	fsys = powercut.New()
	if _, err := f.updater(fsys).Install(t.Context(), f.sign(f.manifest()), f.base, "", false); CodeOf(err) != CodeDownload {
		t.Fatal(err)
	}
	f.cut.Store(0)
	f.served.Store(0)
	if _, err := f.updater(fsys).Install(t.Context(), f.sign(f.manifest()), f.base, "", false); err != nil {
		t.Fatal(err)
	}
	if got, want := f.served.Load(), int64(len(f.program)-8000); got != want {
		t.Errorf("%d bytes after the restart, %d were missing", got, want)
	}

	// A server without ranges, and a part that holds something else.
	for _, noRange := range []bool{true, false} {
		f.noRange.Store(noRange)
		fsys = powercut.New()
		part, err := fsys.Append(partPrefix + sum(f.program)[:16])
		if err != nil {
			t.Fatal(err)
		}
		part.Write(make([]byte, 5000))
		if _, err := f.updater(fsys).Install(t.Context(), f.sign(f.manifest()), f.base, "", false); err != nil {
			t.Errorf("no ranges %v: %v", noRange, err)
		}
	}
}

func TestDiskFull(t *testing.T) {
	f := newFactory(t, bytes.Repeat([]byte("x"), 3<<20))
	fsys := powercut.New()
	fsys.SetFree(5 << 20)
	if _, err := f.updater(fsys).Install(t.Context(), f.sign(f.manifest()), f.base, "", false); CodeOf(err) != CodeSpace {
		t.Errorf("too little room: %v", err)
	}
	if f.asked.Load() != 0 {
		t.Error("it was downloaded although there is no room")
	}
	// The room goes while it is written.
	small := newFactory(t, []byte("a small program"))
	for n := 1; n <= 12; n++ {
		fsys = powercut.New()
		fsys.FullAt(n)
		_, err := small.updater(fsys).Install(t.Context(), small.sign(small.manifest()), small.base, "", false)
		fsys.FullAt(0)
		name, trial := boot(t, fsys)
		if err == nil && (name != slot.A || !trial) || err != nil && name != slot.Installed {
			t.Errorf("full at %d: %v, %s", n, err, name)
		}
		if err != nil && CodeOf(err) != CodeSpace && CodeOf(err) != CodeHash {
			t.Errorf("full at %d: %v", n, err)
		}
	}
}

// TestPowerCuts cuts the power at every operation of an update from v1, which
// runs in slot a, over its trial to its confirmation, and looks at what is
// started then.
func TestPowerCuts(t *testing.T) {
	f := newFactory(t, []byte("program number one"))
	v1 := f.sign(f.manifest())
	one := f.program
	two := []byte("program number two")
	m2 := f.manifest()
	m2.Version, m2.Index = "v2.0.0", 9
	m2.Programs[0].Size, m2.Programs[0].SHA256 = int64(len(two)), sum(two)
	v2 := f.sign(m2)
	prepare := func(d *powercut.Disk) {
		f.program = one
		if _, err := f.updater(d).Install(context.Background(), v1, f.base, "", false); err != nil {
			t.Fatal(err)
		}
		boot(t, d)
		confirm(t, d)
		f.program = two
	}
	installed, confirmed := false, false
	fig := powercut.Enumerate(t, prepare, func(d *powercut.Disk) {
		installed, confirmed = false, false
		if _, err := f.updater(d).Install(context.Background(), v2, f.base, "id", false); err != nil {
			return
		}
		installed = true
		if _, _, err := slot.Pick(d, "package-1"); err != nil {
			return
		}
		s, err := slot.Read(d)
		if err != nil {
			return
		}
		confirmed = slot.Write(d, s.Confirm()) == nil
	}, func(d *powercut.Disk, cut int, loss powercut.Loss) {
		s, err := slot.Read(d)
		if err != nil {
			t.Errorf("state: %v", err)
			return
		}
		if s.Index != 5 && s.Index != 9 {
			t.Errorf("rollback index %d", s.Index)
		}
		name, trial, err := slot.Pick(d, "package-1")
		if err != nil {
			t.Errorf("pick: %v", err)
		}
		data, rerr := d.ReadFile(slot.File(name))
		switch {
		case rerr != nil:
			t.Errorf("%s is to be started and is not there", name)
		case name == slot.A && !bytes.Equal(data, one), name == slot.B && !bytes.Equal(data, two):
			t.Errorf("%s holds %q", name, data)
		case name == slot.A && (confirmed || trial):
			t.Errorf("the old program runs, confirmed %v, trial %v", confirmed, trial)
		case name == slot.B && !trial && s.Index != 9:
			t.Error("the new program runs unconfirmed, and not on trial")
		case installed && !confirmed && name != slot.B:
			t.Errorf("installed, and %s runs", name)
		}
		// From wherever it is, the update can be made again and ends well.
		if name == slot.A {
			if _, err := f.updater(d).Install(context.Background(), v2, f.base, "", false); err != nil {
				t.Errorf("made again: %v", err)
			}
			if name, trial, err := slot.Pick(d, "package-1"); name != slot.B || !trial || err != nil {
				t.Errorf("made again: %s %v %v", name, trial, err)
			}
		}
	})
	t.Logf("update: %d points, %d states", fig.Points, fig.States)
}

func TestTrustSet(t *testing.T) {
	f := newFactory(t, []byte("x"))
	pub := f.key.Public().(ed25519.PublicKey)
	set := wire.KeySet{Serial: 1, Keys: []wire.Key{{ID: KeyID(pub), Public: pub}}}
	trust := TrustSet(func() wire.KeySet { return set })
	if _, err := Parse(f.sign(f.manifest()), trust, now, true); CodeOf(err) != CodeSignature {
		t.Errorf("a key for commands signs updates: %v", err)
	}
	set.Keys[0].Ops = []string{OpManifest}
	if _, err := Parse(f.sign(f.manifest()), AnyOf(trust), now, true); err != nil {
		t.Error(err)
	}
	set.Keys[0].Expires = now.Unix() - 1
	if _, err := Parse(f.sign(f.manifest()), trust, now, true); CodeOf(err) != CodeSignature {
		t.Errorf("an expired key: %v", err)
	}
}

func TestBoards(t *testing.T) {
	m := Manifest{Version: "v1", Programs: []Program{{Arch: "arm64", URL: "all"}, {Arch: "arm64", Boards: []string{"Raspberry Pi Zero 2"}, URL: "zero"}}}
	for board, want := range map[string]string{"Raspberry Pi Zero 2 W Rev 1.0": "zero", "Raspberry Pi 4": "all"} {
		if p, err := m.For(KindProgram, "arm64", board); err != nil || p.URL != want {
			t.Errorf("%s: %+v, %v", board, p, err)
		}
	}
}

func FuzzManifest(f *testing.F) {
	x := newFactory(f, []byte("x"))
	f.Add(wire.Encode(x.manifest()))
	f.Add([]byte(`{"v":1,"programs":[{}]}`))
	trust := x.updater(powercut.New()).opt.Trust
	id := KeyID(x.key.Public().(ed25519.PublicKey))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := Parse(data, trust, now, true); err == nil {
			t.Fatal("a manifest without a signature was taken")
		}
		// And signed, whatever it says.
		m, err := Parse(wire.Encode(wire.Sign(wire.ContextUpdate, id, x.key, data)), trust, now, true)
		if err != nil {
			if CodeOf(err) == "" {
				t.Fatalf("error without a code: %v", err)
			}
			return
		}
		p, err := m.For(KindProgram, "arm64", "Raspberry Pi 4")
		if err == nil && (p.Size <= 0 || p.Size > MaxProgram || len(p.SHA256) != 64) {
			t.Fatalf("%+v", p)
		}
	})
}
