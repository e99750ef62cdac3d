package boards

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// tree makes a /sys as a board shows it.
func tree(t *testing.T, compatible ...string) string {
	t.Helper()
	root := t.TempDir()
	path := filepath.Join(root, compatiblePath)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if compatible != nil {
		if err := os.WriteFile(path, []byte(strings.Join(compatible, "\x00")+"\x00"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// TestDetect shows the lists that kernels and vendors give for each board.
func TestDetect(t *testing.T) {
	for _, c := range []struct{ compatible, want string }{
		{"raspberrypi,model-zero-2-w brcm,bcm2837", "raspberry-pi-zero-2-w"},
		{"raspberrypi,model-zero-2 brcm,bcm2837", "raspberry-pi-zero-2-w"},
		{"raspberrypi,3-model-b brcm,bcm2837", "raspberry-pi-3"},
		{"raspberrypi,3-model-b-plus brcm,bcm2837", "raspberry-pi-3"},
		{"raspberrypi,4-model-b brcm,bcm2711", "raspberry-pi-4"},
		{"raspberrypi,4-compute-module brcm,bcm2711", "raspberry-pi-4"},
		{"raspberrypi,5-model-b brcm,bcm2712", "raspberry-pi-5"},
		{"nvidia,p3450-0000 nvidia,tegra210", "jetson-nano"},
		{"nvidia,p3541-0000 nvidia,tegra210", "jetson-nano"},
		{"nvidia,p3449-0000-b00+p3448-0000-b00 nvidia,jetson-nano nvidia,tegra210", "jetson-nano"},
		{"nvidia,p3768-0000+p3767-0003 nvidia,p3767-0003 nvidia,tegra234", "jetson-orin-nano"},
		{"nvidia,p3768-0000+p3767-0005-super nvidia,p3767-0005 nvidia,tegra234", "jetson-orin-nano"},
		// Like a board that is known, and another.
		{"raspberrypi,3-model-b-plus-plus brcm,bcm2837", Generic},
		{"raspberrypi,2-model-b brcm,bcm2836", Generic},
		{"nvidia,p3768-0000+p3767-0000 nvidia,tegra234", Generic},
	} {
		b, entry, err := Detect(tree(t, strings.Fields(c.compatible)...))
		if err != nil || b.Name != c.want {
			t.Errorf("%q is %q, %v; want %s", c.compatible, b.Name, err, c.want)
		}
		if (entry != "") != (c.want != Generic) {
			t.Errorf("%q: told by %q", c.compatible, entry)
		}
	}
	if b, _, err := Detect(tree(t)); err != nil || b.Name != Generic {
		t.Errorf("without a device tree: %q, %v", b.Name, err)
	}
}

// TestFiles holds every file to the schema and to what the schema cannot say.
func TestFiles(t *testing.T) {
	var schema map[string]any
	if err := json.Unmarshal(Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, name := range Names() {
		b, err := Get(name)
		if err != nil {
			t.Fatal(err)
		}
		text, err := files.ReadFile(name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if err := json.Unmarshal(text, &v); err != nil {
			t.Fatal(err)
		}
		for _, p := range validate(schema, v, name) {
			t.Error(p)
		}
		if b.Name != name {
			t.Errorf("%s.json calls itself %q", name, b.Name)
		}
		for _, c := range b.Compatible {
			if seen[c] != "" {
				t.Errorf("%s is both %s and %s", c, name, seen[c])
			}
			seen[c] = name
		}
		if b.Thermal.Zone != "" && b.Thermal.SoftCelsius >= b.Thermal.HardCelsius {
			t.Errorf("%s: soft limit %v, hard limit %v", name, b.Thermal.SoftCelsius, b.Thermal.HardCelsius)
		}
		if (len(b.Compatible) == 0) != (name == Generic || name == Simulated) {
			t.Errorf("%s: compatible %v", name, b.Compatible)
		}
	}
	for name, bad := range map[string]string{
		"unknown key": `{"name":"x","colour":1}`, "bad name": `{"name":"X Y"}`, "bad entry": `{"compatible":["raspberry"]}`,
		"bad back end": `{"cameras":[{"backend":"magic"}]}`, "text for number": `{"cores":"4"}`, "too cold": `{"thermal":{"soft_celsius":1}}`,
	} {
		var v any
		if err := json.Unmarshal([]byte(bad), &v); err != nil {
			t.Fatal(err)
		}
		without := map[string]any{}
		for k, s := range schema {
			if k != "required" {
				without[k] = s
			}
		}
		if len(validate(without, v, "")) == 0 {
			t.Errorf("the schema takes %s: %s", name, bad)
		}
	}
}

func TestUnknownName(t *testing.T) {
	for _, name := range []string{"", "schema", "../boards", "raspberry-pi-9"} {
		if _, err := Get(name); err == nil {
			t.Errorf("Get(%q) gave a board", name)
		}
	}
}

// validate checks v against the part of JSON Schema that schema.json uses.
func validate(s map[string]any, v any, at string) (problems []string) {
	bad := func(format string, args ...any) { problems = append(problems, at+": "+fmt.Sprintf(format, args...)) }
	list := func(key string) (out []string) {
		for _, e := range asList(s[key]) {
			out = append(out, e.(string))
		}
		return out
	}
	kinds := map[string]bool{}
	switch x := v.(type) {
	case map[string]any:
		kinds["object"] = true
		properties, _ := s["properties"].(map[string]any)
		for _, k := range list("required") {
			if _, ok := x[k]; !ok {
				bad("lacks %s", k)
			}
		}
		for k, e := range x {
			if p, ok := properties[k].(map[string]any); ok {
				problems = append(problems, validate(p, e, at+"."+k)...)
			} else if s["additionalProperties"] == false {
				bad("unknown key %s", k)
			}
		}
	case []any:
		kinds["array"] = true
		if n, ok := s["minItems"].(float64); ok && len(x) < int(n) {
			bad("%d items", len(x))
		}
		items, _ := s["items"].(map[string]any)
		for i, e := range x {
			problems = append(problems, validate(items, e, fmt.Sprintf("%s[%d]", at, i))...)
		}
	case string:
		kinds["string"] = true
		if p, ok := s["pattern"].(string); ok && !regexp.MustCompile(p).MatchString(x) {
			bad("%q does not match %s", x, p)
		}
		if n, ok := s["minLength"].(float64); ok && len(x) < int(n) {
			bad("%q is too short", x)
		}
		if e := list("enum"); e != nil && !slices.Contains(e, x) {
			bad("%q is none of %v", x, e)
		}
	case float64:
		kinds["number"], kinds["integer"] = true, x == float64(int(x))
		if n, ok := s["minimum"].(float64); ok && x < n {
			bad("%v is less than %v", x, n)
		}
		if n, ok := s["maximum"].(float64); ok && x > n {
			bad("%v is more than %v", x, n)
		}
	}
	if want, ok := s["type"].(string); ok && !kinds[want] {
		bad("is no %s", want)
	}
	return problems
}

func asList(v any) []any {
	l, _ := v.([]any)
	return l
}
