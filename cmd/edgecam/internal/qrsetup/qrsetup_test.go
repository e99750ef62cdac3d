package qrsetup

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"rsc.io/qr"
)

// view is how a code is held before the camera.
type view struct {
	modules float64 // pixels per module
	angle   float64 // degrees
	lean    float64 // how much smaller the far edge is, as a share
	noise   float64 // standard deviation in levels
	slope   float64 // levels of light from the left edge to the right
}

const camW, camH = 640, 480

// picture returns what a camera sees of a code.
func picture(c *qr.Code, v view, seed uint64) []byte {
	rng := rand.New(rand.NewPCG(seed, 7))
	y := make([]byte, camW*camH)
	sin, cos := math.Sincos(v.angle * math.Pi / 180)
	half := float64(c.Size) / 2
	for row := range camH {
		for col := range camW {
			light := 0.0
			// Four samples per pixel: what a lens gives is not sharper.
			for _, d := range [4][2]float64{{-.25, -.25}, {.25, -.25}, {-.25, .25}, {.25, .25}} {
				dx, dy := float64(col)+d[0]-camW/2, float64(row)+d[1]-camH/2
				px, py := (cos*dx+sin*dy)/v.modules, (cos*dy-sin*dx)/v.modules
				scale := 1 + v.lean*py/half/2
				mx, my := px*scale+half, py*scale+half
				switch {
				case mx < -4 || my < -4 || mx >= float64(c.Size)+4 || my >= float64(c.Size)+4:
					light += 110
				case mx >= 0 && my >= 0 && c.Black(int(mx), int(my)):
					light += 40
				default:
					light += 190
				}
			}
			l := light/4 + v.slope*(float64(col)/camW-.5) + rng.NormFloat64()*v.noise
			y[row*camW+col] = uint8(min(max(l, 0), 255))
		}
	}
	return y
}

// TestBeforeTheCamera: codes of the sizes that are made are read when held
// straight, turned, leaning, in noise and in uneven light.
func TestBeforeTheCamera(t *testing.T) {
	for _, settings := range []string{
		`{"owner_secret":"correct horse battery"}`,
		`{"hostname":"front-door","wifi":{"country":"DE","ssid":"Größe 1","password":"p\"\\;:,ass word"},"owner_secret":"correct horse battery"}`,
		`{"hostname":"front-door","owner_secret":"correct horse battery","wifi":{"country":"DE","ssid":"A network with a long name 32 by","password":"` + strings.Repeat("long password ", 4) + `"},"config":{"node":{"name":"` + strings.Repeat("Front door, ", 5) + `"}}}`,
	} {
		code, err := Make([]byte(settings))
		if err != nil {
			t.Fatal(err)
		}
		lean := .25
		if code.Size > 60 {
			lean = .08 // the finest codes want to be held straight
		}
		fit := 0.85 * camH / float64(code.Size+8)
		for name, v := range map[string]view{
			"straight": {modules: fit}, "turned": {modules: fit * .75, angle: 33}, "upside down": {modules: fit, angle: 180},
			"leaning": {modules: fit * .85, lean: lean}, "noise": {modules: fit, noise: 12}, "light": {modules: fit, slope: 70},
			"all": {modules: fit * .8, angle: 12, lean: lean / 2, noise: 6, slope: 40},
		} {
			// A camera sees more than one picture: one in five suffices.
			read := false
			for seed := uint64(0); seed < 5 && !read; seed++ {
				text, err := Read(picture(code, v, seed), camW, camW, camH)
				if err != nil {
					continue
				}
				read = true
				data, err := Settings(text)
				if err != nil {
					t.Fatalf("%s: %v in %q", name, err, text)
				}
				if !same(t, data, []byte(settings)) {
					t.Errorf("%s: read %s, drawn was %s", name, data, settings)
				}
			}
			if !read {
				t.Errorf("%s: code of %d modules was not read", name, code.Size)
			}
		}
	}
}

func same(t *testing.T, a, b []byte) bool {
	t.Helper()
	var va, vb any
	if json.Unmarshal(a, &va) != nil || json.Unmarshal(b, &vb) != nil {
		return false
	}
	ta, _ := json.Marshal(va)
	tb, _ := json.Marshal(vb)
	return string(ta) == string(tb)
}

func TestWiFiOfAPhone(t *testing.T) {
	for text, want := range map[string]string{
		`WIFI:T:WPA;S:Home;P:secret word;;`:              `{"wifi":{"country":"00","ssid":"Home","password":"secret word"}}`,
		`wifi:S:Caf\;e\:1;T:SAE;P:a\\b\"c d\,e;H:true;;`: `{"wifi":{"country":"00","ssid":"Caf;e:1","password":"a\\b\"c d,e"}}`,
		`WIFI:T:nopass;S:Open;;`:                         `{"wifi":{"country":"00","ssid":"Open"}}`,
	} {
		data, err := Settings(text)
		if err != nil || !same(t, data, []byte(want)) {
			t.Errorf("%q: %s, %v; want %s", text, data, err, want)
		}
	}
	for text, want := range map[string]string{
		"https://example.org/":                       "no settings",
		"":                                           "no settings",
		strings.Repeat("x", 5000):                    "no settings",
		"WIFI:T:WPA;P:secret word;;":                 "no name",
		"WIFI:T:WPA;S:Home;;":                        "no password",
		"WIFI:T:WEP;S:Home;P:12345;;":                "WEP",
		"WIFI:T:WPA;S:Home;P:short;;":                "8 to 63",
		`{"hostname":"Front Door"}`:                  "hostname",
		`{"hostnam":"x"}`:                            "hostname",
		`{"ssh_keys":["ssh-ed25519 AAAA"]}`:          "ssh_keys",
		`{"owner_secret":"short"}`:                   "owner_secret",
		strings.Repeat("[", 100):                     "no settings",
		`{"config":` + strings.Repeat("[", 100) + ``: "nested",
	} {
		if _, err := Settings(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: error %v, want one with %q", text, err, want)
		}
	}
}

func TestTooMuchForACode(t *testing.T) {
	if _, err := Make([]byte(`{"hostname":"a","config":{"node":{"name":"` + strings.Repeat("x", 60) + `"},"fleet":{"serial":"` + strings.Repeat("y", 2000) + `"}}}`)); err == nil {
		t.Error("a code that no camera reads was made")
	}
}

func TestNoCode(t *testing.T) {
	grey := make([]byte, camW*camH)
	for _, c := range []struct{ w, h, stride int }{{camW, camH, camW}, {0, 0, 0}, {20, 20, 20}, {21, 21, 20}, {1000, 1000, 1000}} {
		if _, err := Read(grey, c.stride, c.w, c.h); !errors.Is(err, ErrNoCode) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if _, err := ReadJPEG([]byte("no picture")); !errors.Is(err, ErrNoCode) {
		t.Error(err)
	}
}

func FuzzSettings(f *testing.F) {
	f.Add(`{"owner_secret":"correct horse battery"}`)
	f.Add(`WIFI:T:WPA;S:Caf\;e;P:secret word;;`)
	f.Fuzz(func(t *testing.T, text string) {
		data, err := Settings(text)
		if err == nil && !json.Valid(data) {
			t.Fatalf("%q gave %q", text, data)
		}
	})
}

// FuzzRead: whatever stands before the camera, reading it ends.
func FuzzRead(f *testing.F) {
	code, err := Make([]byte(`{"owner_secret":"correct horse battery"}`))
	if err != nil {
		f.Fatal(err)
	}
	const w, h = 128, 96
	whole := make([]byte, w*h)
	for i := range whole {
		whole[i] = 200
		if code.Black((i%w-16)/2, (i/w-8)/2) {
			whole[i] = 20
		}
	}
	f.Add(whole)
	f.Add(whole[:w*40])
	f.Fuzz(func(_ *testing.T, y []byte) {
		if h := min(len(y)/w, 96); h > 0 {
			_, _ = Read(y, w, w, h)
		}
	})
}
