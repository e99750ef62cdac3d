package wire

import (
	"strings"
	"testing"
	"time"
)

// TestCost adds up what an idle node's protocol costs in a day, MQTT frames
// without TLS and TCP, and holds it below a bound.
func TestCost(t *testing.T) {
	frame := func(kind string, payload int) int { return 2 + 2 + len(Up(id, kind)) + 2 + payload }
	birth := len(Encode(Birth{
		Version: 1, Session: 1 << 21, Nonce: NewNonce(), Clock: ClockSynced, BootID: strings.Repeat("0", 36), Board: "Raspberry Pi 4 Model B Rev 1.4",
		Serial: "10000000abcdef01", Software: "v0.4.1", Group: "lobby", Ops: strings.Fields("decommission diagnostics factory-reset keys log-level open-door reboot ring-test rotate snapshot"),
		CertExpiry: 1803155278, CertSerial: strings.Repeat("0", 32), KeySerial: 1,
	}))
	report := len(Encode(Report{Applied: "sha256:" + strings.Repeat("0", 64), Hash: "sha256:" + strings.Repeat("0", 64), State: ReportOK}))
	connection := frame(UpStatus, len(Encode(Status{Online, 1 << 21, "v0.4.1"}))) + frame(UpBirth, birth) + frame(UpReport, report)
	ms := time.Now().UnixMilli()
	event := frame(UpEvent, len(Encode(Event{ID: NewULID(time.Now()), Seq: 1, Session: 1 << 21, Time: &ms, Monotonic: 1 << 30, Type: "motion"})))
	tel := frame(UpTel, len(`{"camera":false,"connects":1,"dropped":0,"queued":0,"uptime_s":100000,"viewers":0}`))
	day := connection + 24*60*4 + 24*12*tel + 100*(event+4)
	t.Logf("bytes: connection %d (birth %d, report %d), event %d, telemetry %d; a day with 100 events %d", connection, birth, report, event, tel, day)
	if day > 80_000 {
		t.Errorf("%d bytes a day", day)
	}
}
