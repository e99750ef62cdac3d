package acl

import (
	"strings"
	"testing"
)

const (
	a = "ec-0000000000000001"
	b = "ec-0000000000000002"
)

func TestAllowed(t *testing.T) {
	for _, c := range []struct {
		cn, topic string
		write     bool
		want      bool
	}{
		{a, "ec1/d/" + a + "/up/evt", true, true},
		{a, "ec1/d/" + b + "/up/evt", true, false},
		{a, "ec1/d/" + a + "/dn/cmd", true, false},
		{a, "ec1/d/" + a + "/dn/cmd", false, true},
		{a, "ec1/d/" + a + "/dn/+", false, true},
		{a, "ec1/d/+/dn/cmd", false, false},
		{a, "ec1/d/+/dn/#", false, false},
		{a, "#", false, false},
		{a, "ec1/g/lobby/dn/des", false, true},
		{a, "ec1/g/lobby/dn/des", true, false},
		{a, "ec1/prov/0000000000000000/req", true, false},
		{Claim, "ec1/prov/0000000000000000/req", true, true},
		{Claim, "ec1/prov/0000000000000000/res", false, true},
		{Claim, "ec1/prov/0000000000000000/res", true, false},
		{Claim, "ec1/d/" + a + "/up/evt", true, false},
		{Claim, "ec1/d/" + a + "/up/evt", false, false},
		{Authority, "ec1/prov/+/req", false, true},
		{Authority, "ec1/d/" + a + "/dn/cmd", true, false},
		{Operator, "ec1/d/+/up/#", false, true},
		{Operator + "-eve", "ec1/d/" + a + "/dn/cmd", true, true},
		{Operator, "ec1/d/" + a + "/up/evt", true, false},
		{a, "homeassistant/device/" + a + "/config", true, true},
		{a, "homeassistant/device/" + b + "/config", true, false},
		{a, "homeassistant/status", true, false},
		{Home, "ec1/d/" + a + "/dn/ha/lock", true, true},
		{Home, "ec1/d/" + a + "/dn/cmd", true, false},
		{Home, "ec1/d/+/up/evt", false, false},
		{"operators", "ec1/d/" + a + "/dn/cmd", true, false},
		{"stranger", "ec1/d/stranger/up/evt", true, false},
	} {
		if got := Allowed(c.cn, c.topic, c.write); got != c.want {
			t.Errorf("%s %s write %v: %v", c.cn, c.topic, c.write, got)
		}
	}
}

func TestClientID(t *testing.T) {
	for _, c := range []struct {
		cn, id string
		want   bool
	}{{a, a, true}, {a, a + "-ha", true}, {a, b, false}, {a, a + "-2", false}, {Claim, "claim-0123", true}, {Claim, a, false}, {"x", "x", false}} {
		if got := ClientIDAllowed(c.cn, c.id); got != c.want {
			t.Errorf("%s as %s: %v", c.cn, c.id, got)
		}
	}
}

func TestPrinted(t *testing.T) {
	m := Mosquitto("operator-eve")
	for _, want := range []string{"pattern write ec1/d/%u/up/#\n", "user operator-eve\ntopic read ec1/d/+/up/#\n", "user claim\ntopic write ec1/prov/+/req\n"} {
		if !strings.Contains(m, want) {
			t.Errorf("mosquitto: %q is missing in\n%s", want, m)
		}
	}
	if e := EMQX(); !strings.Contains(e, `publish, ["ec1/d/${username}/up/#"]}.`) || !strings.HasSuffix(e, "{deny, all}.\n") {
		t.Error(e)
	}
}
