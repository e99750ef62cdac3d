package cli

import (
	"strings"
	"testing"
)

func TestNATNeedsAServer(t *testing.T) {
	for _, c := range []struct{ args, says string }{
		{"nat", "webrtc.ice_servers"},
		{"nat --server example.org", "must begin with stun:"},
		{"nat --server turns:example.org", "no STUN server"},
	} {
		r := edgecam(t, Commands{}, strings.Fields(c.args)...)
		if r.code != ExitUsage || r.out != "" || !strings.Contains(r.err, c.says) {
			t.Errorf("%s: %+v", c.args, r)
		}
	}
}

func TestNATSaysThatNobodyAnswers(t *testing.T) {
	r := edgecam(t, Commands{}, "nat", "--server", "stun:127.0.0.1:9", "--timeout", "100ms")
	if r.code != ExitWarnings || !strings.Contains(r.out, "no answer") || r.err != "" {
		t.Errorf("%+v", r)
	}
}
