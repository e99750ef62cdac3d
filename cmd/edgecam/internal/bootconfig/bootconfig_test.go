package bootconfig

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
	"github.com/edgecam/edgecam/internal/durable/powercut"
	"github.com/edgecam/edgecam/provisioning/enrol"
	"github.com/edgecam/edgecam/provisioning/pki"
	"github.com/edgecam/edgecam/provisioning/wire"
)

const (
	file     = "edgecam.json"
	owner    = "a-very-secret-owner-secret"
	password = `wifi "pass" word`
)

// boot returns a boot file with everything in it, and the claim key's text.
func boot(t testing.TB) ([]byte, string) {
	t.Helper()
	root, err := pki.NewRoot("r", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	claim, err := root.NewClient("claim", time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	key, err := pki.EncodeKey(claim.Key)
	if err != nil {
		t.Fatal(err)
	}
	pub, _, err := pki.NewSigningKey()
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.MarshalIndent(map[string]any{
		"hostname": "front-door", "ssh_keys": []string{"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA me"}, "owner_secret": owner,
		"wifi":   map[string]any{"country": "DE", "ssid": "Häuschen", "password": password},
		"site":   enrol.Site{Version: 1, Broker: "tls://mqtt.example:8883", Root: pki.EncodeCert(root.Cert), CommandRoot: pub, ClaimCert: pki.EncodeCert(claim.Cert), ClaimKey: string(key)},
		"config": map[string]any{"node": map[string]any{"name": "Front door"}, "home_assistant": map[string]any{"username": "door", "password": "broker-password"}},
	}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return data, strings.Split(string(key), "\n")[1]
}

func put(t testing.TB, d *powercut.Disk, data []byte) {
	t.Helper()
	f, err := d.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	f.Write(data)
	f.Sync()
	d.SyncDir()
}

func TestApply(t *testing.T) {
	data, claimKey := boot(t)
	card, state := powercut.New(), powercut.New()
	put(t, card, append([]byte("\xef\xbb\xbf"), data...))
	names, err := Apply(card, file, state)
	if err != nil || len(names) != 6 {
		t.Fatal(names, err)
	}
	for name, want := range map[string]string{
		HostnameFile: "front-door\n", SecretFile: owner + "\n", SSHFile: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA me\n",
		WiFiFile: "country=DE\nnetwork={\n\tssid=48c3a475736368656e\n\tpsk=\"" + password + "\"\n}\n",
	} {
		if got, _ := state.ReadFile(name); string(got) != want {
			t.Errorf("%s holds %q", name, got)
		}
	}
	text, _ := state.ReadFile(ConfigFile)
	l, err := config.Load(config.Sources{Path: writeTemp(t, text)})
	if err != nil || l.Node.Name != "Front door" || l.Fleet.SiteFile != config.SitePath || l.HomeAssistant.Password != "broker-password" {
		t.Errorf("%v %s", err, text)
	}
	site, _ := state.ReadFile(SiteFile)
	if _, err := enrol.ParseSite(site); err != nil {
		t.Error(err)
	}
	for _, secret := range []string{owner, claimKey, "broker-password", `pass\" word`} {
		if card.Contains([]byte(secret)) {
			t.Errorf("%q is still on the card", secret)
		}
	}
	done, _ := card.ReadFile(file + DoneSuffix)
	if !strings.Contains(string(done), "front-door") {
		t.Errorf("%s", done)
	}
	if names, err := Apply(card, file, state); names != nil || err != nil {
		t.Error("applied again", names, err)
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`{"hostnme":"x"}`, "did you mean hostname?"},
		{`{"config":{"video":{"sped":1}}}`, "config.video.sped is not a known key"},
		{`{"config":{"video":{"speed":99}}}`, "config.video.speed"},
		{`{"hostname":"Front Door"}`, "hostname"},
		{`{"hostname":"a","hostname":"b"}`, "already defined"},
		{`{"wifi":{"password":"12345678"}}`, "wifi.ssid is missing"},
		{`{"wifi":{"ssid":"a","country":"Germany"}}`, "wifi.country"},
		{`{"wifi":{"ssid":"a","country":"DE","password":"1234"}}`, "wifi.password"},
		{`{"ssh_keys":["command=\"x\" ssh-ed25519 AAAA"]}`, "ssh_keys"},
		{`{"owner_secret":"short"}`, "owner_secret"},
		{`{"site":{"v":1}}`, "site"},
		{"{\n  \"hostname\": \"a\",\n}", "edgecam.json:3:"},
		{`hostname: a`, "is not JSON"},
		{"\xff\xfe{\x00}\x00", "is not JSON"},
		{`[]`, "must be a mapping"},
		{``, "is not JSON"},
		{strings.Repeat("[", 100_000), "nested deeper"},
		{`{"hostname":"` + strings.Repeat("a", 300<<10) + `"}`, "the limit is"},
	} {
		card, state := powercut.New(), powercut.New()
		put(t, card, []byte(c.text))
		_, err := Apply(card, file, state)
		if err == nil || !strings.Contains(problems(err), c.want) {
			t.Errorf("%.60s: %v, want %q", c.text, err, c.want)
		}
		if names, _ := state.Names(); len(names) != 0 {
			t.Errorf("%.60s: stored %v", c.text, names)
		}
		if left, _ := card.ReadFile(file); string(left) != c.text {
			t.Errorf("%.60s: changed", c.text)
		}
	}
}

func problems(err error) string {
	var ps config.Problems
	if !errors.As(err, &ps) {
		return err.Error()
	}
	var b strings.Builder
	for _, p := range ps {
		b.WriteString(p.String() + "\n")
	}
	return b.String()
}

// TestPowerCuts cuts the power at every operation: the file is whole, or
// everything is stored; applied again, it ends well and without secrets.
func TestPowerCuts(t *testing.T) {
	data, claimKey := boot(t)
	want, err := split(file, data)
	if err != nil {
		t.Fatal(err)
	}
	stored := func(d *powercut.Disk) string {
		for name, text := range want {
			if got, _ := d.ReadFile(name); string(got) != string(text) {
				return name
			}
		}
		return ""
	}
	fig := powercut.Enumerate(t, func(d *powercut.Disk) { put(t, d, data) },
		func(d *powercut.Disk) { _, _ = Apply(d, file, d) },
		func(d *powercut.Disk, _ int, _ powercut.Loss) {
			left, err := d.ReadFile(file)
			if (err != nil || string(left) != string(data)) && stored(d) != "" {
				t.Errorf("the file is gone and %s is not stored", stored(d))
			}
			if _, err := Apply(d, file, d); err != nil {
				t.Errorf("again: %v", err)
			}
			if name := stored(d); name != "" {
				t.Errorf("again: %s is not stored", name)
			}
			if _, err := d.ReadFile(file); err == nil {
				t.Error("the file is still there")
			}
			done, err := d.ReadFile(file + DoneSuffix)
			if err != nil || strings.Contains(string(done), owner) || strings.Contains(string(done), claimKey) {
				t.Errorf("what stays: %q, %v", done, err)
			}
		})
	t.Logf("boot file: %d points, %d states", fig.Points, fig.States)
}

func TestSchema(t *testing.T) {
	var s struct {
		Properties map[string]any `json:"properties"`
		More       bool           `json:"additionalProperties"`
	}
	if err := json.Unmarshal(config.BootSchema(), &s); err != nil || len(s.Properties) != 6 || s.More {
		t.Errorf("%v %+v", err, s)
	}
}

func FuzzBoot(f *testing.F) {
	data, _ := boot(f)
	f.Add(data)
	f.Add([]byte(`{"config":{"video":{"speed":4}},"wifi":{"ssid":"a","country":"DE"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		parts, err := split(file, data)
		if err != nil {
			return
		}
		if w, ok := parts[WiFiFile]; ok && strings.Count(string(w), "\n") != 5 {
			t.Fatalf("%q", w)
		}
		if h, ok := parts[HostnameFile]; ok && !wire.Word(strings.TrimSpace(string(h))) {
			t.Fatalf("%q", h)
		}
		if _, err := config.ScrubBoot(data); err != nil {
			t.Fatal(err)
		}
	})
}

func writeTemp(t *testing.T, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "edgecam.yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
