package netlab_test

import (
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/edgecam/edgecam/test/netlab"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var begin = time.Unix(1_790_000_000, 0)

// run sends n packets of size bytes every gap and returns the delays, -1 for lost.
func run(p *netlab.Path, n, size int, gap time.Duration) (delays []time.Duration) {
	for i := range n {
		at := begin.Add(time.Duration(i) * gap)
		d := time.Duration(-1)
		if got := p.Send(size, at); len(got) > 0 {
			d = got[0].Sub(at)
		}
		delays = append(delays, d)
	}
	return delays
}

func TestPath(t *testing.T) {
	if d := run(netlab.NewPath(1), 100, 500, time.Millisecond); slices.Max(d) != 0 || slices.Min(d) != 0 {
		t.Error("a path without conditions delays or loses")
	}
	jittered := netlab.Conditions{Delay: 30 * time.Millisecond, Jitter: 20 * time.Millisecond, Loss: .1}
	a, b := run(netlab.NewPath(7, netlab.Always(jittered)), 10000, 500, 10*time.Millisecond), run(netlab.NewPath(7, netlab.Always(jittered)), 10000, 500, 10*time.Millisecond)
	if !slices.Equal(a, b) {
		t.Error("equal seeds give different results")
	}
	if slices.Equal(a, run(netlab.NewPath(8, netlab.Always(jittered)), 10000, 500, 10*time.Millisecond)) {
		t.Error("different seeds give equal results")
	}
	lost, last := 0, time.Time{}
	for i, d := range a {
		if d < 0 {
			lost++
			continue
		}
		if d < 30*time.Millisecond || d > 51*time.Millisecond {
			t.Fatalf("delay %v", d)
		}
		at := begin.Add(time.Duration(i)*10*time.Millisecond + d)
		if at.Before(last) {
			t.Fatal("jitter changed the order")
		}
		last = at
	}
	if lost < 900 || lost > 1100 {
		t.Errorf("%d of 10000 lost, want a tenth", lost)
	}
}

func TestBursts(t *testing.T) {
	d := run(netlab.NewPath(3, netlab.Always(netlab.Conditions{Loss: .1, Burst: 5})), 100000, 100, time.Millisecond)
	lost, runs := 0, 0
	for i := range d {
		if d[i] < 0 {
			lost++
			if i == 0 || d[i-1] >= 0 {
				runs++
			}
		}
	}
	if share := float64(lost) / 100000; share < .09 || share > .11 {
		t.Errorf("%.3f lost", share)
	}
	if mean := float64(lost) / float64(runs); mean < 4.6 || mean > 5.4 {
		t.Errorf("bursts of %.2f packets", mean)
	}
}

func TestRateAndQueue(t *testing.T) {
	// 972+28 bytes at 800 kbit/s take 10 ms each; one every 5 ms fills the queue.
	p := netlab.NewPath(1, netlab.Always(netlab.Conditions{RateBps: 800_000, Queue: 100 * time.Millisecond}))
	d := run(p, 1000, 972, 5*time.Millisecond)
	if d[0] != 10*time.Millisecond || slices.Max(d) > 110*time.Millisecond || slices.Max(d) < 95*time.Millisecond {
		t.Errorf("delays from %v to %v", d[0], slices.Max(d))
	}
	if q := p.Stats().Queued; q < 470 || q > 500 {
		t.Errorf("%d of 1000 did not fit, want about a half", q)
	}
}

func TestScriptAndReorder(t *testing.T) {
	p := netlab.NewPath(1, netlab.Step{At: time.Second, Conditions: netlab.Conditions{Loss: 1}}, netlab.Step{At: 2 * time.Second, Conditions: netlab.Conditions{Reorder: 1, Duplicate: 1}})
	d := run(p, 300, 100, 10*time.Millisecond)
	if d[99] != 0 || d[100] != -1 || d[199] != -1 || d[200] != 20*time.Millisecond {
		t.Errorf("%v %v %v %v", d[99], d[100], d[199], d[200])
	}
	if s := p.Stats(); s.Duplicated != 100 || s.Reordered != 100 || s.Lost != 100 {
		t.Errorf("%+v", s)
	}
}

func TestRelay(t *testing.T) {
	server, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	go func() { // echoes
		buf := make([]byte, 2048)
		for {
			n, from, err := server.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			_, _ = server.WriteToUDPAddrPort(buf[:n], from)
		}
	}()
	way := netlab.Always(netlab.Conditions{Delay: 20 * time.Millisecond, Loss: .2})
	r, err := netlab.NewRelay(netlab.RelayConfig{Target: server.LocalAddr().(*net.UDPAddr).AddrPort(), ToServer: []netlab.Step{way}, ToClient: []netlab.Step{way}, Seed: 5})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(r.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var sent [200]time.Time
	for i := range sent {
		sent[i] = time.Now()
		if _, err := c.Write(binary.BigEndian.AppendUint16(nil, uint16(i))); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
	got := 0
	buf := make([]byte, 16)
	for {
		_ = c.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
		n, err := c.Read(buf)
		if err != nil {
			break
		}
		if i := binary.BigEndian.Uint16(buf[:n]); time.Since(sent[i]) < 40*time.Millisecond {
			t.Fatalf("packet %d was back after %v", i, time.Since(sent[i]))
		}
		got++
	}
	up, down, _ := r.Stats()
	if up.Packets != 200 || down.Packets != 200-up.Lost || uint64(got) != down.Packets-down.Lost || up.Lost < 20 || up.Lost > 60 {
		t.Errorf("%d came back; %+v %+v", got, up, down)
	}
}

func TestRewriting(t *testing.T) {
	sdp := "v=0\r\nm=video 9 x 96\r\na=candidate:1 1 udp 2130706431 192.0.2.1 8555 typ host\r\na=candidate:2 1 udp 1 ::1 8555 typ host\r\na=candidate:3 1 tcp 1 192.0.2.1 8555 typ host tcptype passive\r\na=end-of-candidates\r\n"
	if got := netlab.StripCandidates(sdp); got != "v=0\r\nm=video 9 x 96\r\n" {
		t.Errorf("%q", got)
	}
	got := netlab.RewriteAnswer(sdp, netip.MustParseAddrPort("127.0.0.1:5000"))
	if strings.Count(got, "a=candidate") != 1 || !strings.Contains(got, "a=candidate:1 1 udp 2130706431 127.0.0.1 5000 typ host\r\n") || !strings.Contains(got, "a=end-of-candidates") {
		t.Errorf("%q", got)
	}
}

// TestTrace: packets of sound arrive as the trace says, in the stream's own time,
// and what is not sound is let alone.
func TestTrace(t *testing.T) {
	var got []string
	server, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	r, err := netlab.NewRelay(netlab.RelayConfig{
		Target: server.LocalAddr().(*net.UDPAddr).AddrPort(),
		Trace:  &netlab.Trace{Delays: []time.Duration{0, 100 * time.Millisecond, -1, 0}, PayloadTypes: []uint8{111}, ClockHz: 48000},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(r.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 64)
	_, from, err := server.ReadFromUDPAddrPort(buf)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	for i := range uint32(4) {
		for _, pt := range []byte{96, 111} {
			b := make([]byte, 13)
			b[0], b[1], b[12] = 0x80, pt, byte(i)
			binary.BigEndian.PutUint32(b[4:], 0xfffffe00+i*960)
			if _, err := server.WriteToUDPAddrPort(b, from); err != nil {
				t.Fatal(err)
			}
		}
	}
	for len(got) < 7 {
		_ = c.SetReadDeadline(time.Now().Add(time.Second))
		if _, err := c.Read(buf); err != nil {
			break
		}
		got = append(got, string('a'+buf[12])+map[byte]string{96: "", 111: "!"}[buf[1]])
	}
	slices.Sort(got[:5])
	if want := "a a! b c d d! b!"; strings.Join(got, " ") != want || time.Since(start) < 100*time.Millisecond {
		t.Errorf("%v after %v, want %s", got, time.Since(start), want)
	}
}

// TestSharedPath sends for two clients and a download over one path: what the
// relay has recorded is what the path was asked for.
func TestSharedPath(t *testing.T) {
	server, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	go func() { // answers ten times
		buf := make([]byte, 2048)
		for {
			n, from, err := server.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			for range 10 {
				_, _ = server.WriteToUDPAddrPort(buf[:n], from)
			}
		}
	}()
	var media, download []netlab.Passage // under the relay's lock until it is closed
	r, err := netlab.NewRelay(netlab.RelayConfig{
		Target: server.LocalAddr().(*net.UDPAddr).AddrPort(), Shared: true, Download: 100 * time.Millisecond,
		ToClient: []netlab.Step{netlab.Always(netlab.Conditions{RateBps: 4_000_000, Delay: 10 * time.Millisecond, Queue: 100 * time.Millisecond})},
		Record: func(p netlab.Passage) {
			if p.Download {
				download = append(download, p)
			} else {
				media = append(media, p)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		client, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(r.Addr()))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		if _, err := client.Write(make([]byte, 972)); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 2048)
		_ = client.SetReadDeadline(time.Now().Add(10 * time.Second))
		for range 10 {
			if n, err := client.Read(buf); err != nil || n != 972 {
				t.Fatalf("%d bytes, %v", n, err)
			}
		}
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, toClient, _ := r.Stats(); toClient.Packets >= 420 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the download stands still")
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if len(media) != 20 || len(download) < 400 {
		t.Fatalf("%d and %d packets are on record", len(media), len(download))
	}
	// The second client's came after the first's, in one queue: 1,000 bytes take 2 ms.
	for i := range media[1:] {
		if gap := media[i+1].Fate.Arrival - media[i].Fate.Arrival; media[i].Bytes != 1000 || gap < 2*time.Millisecond {
			t.Errorf("%d bytes %v after those before", media[i].Bytes, gap)
		}
	}
	var most time.Duration
	overflowed, bits := 0, 0
	for _, p := range download {
		if p.At < 100*time.Millisecond || p.Fate.Arrived == p.Fate.Overflowed {
			t.Fatalf("%+v", p)
		}
		if p.Fate.Overflowed {
			overflowed++
			continue
		}
		bits += p.Bytes * 8
		most = max(most, p.Fate.Queue)
	}
	if most < 50*time.Millisecond || most > 103*time.Millisecond || overflowed == 0 {
		t.Errorf("the download's packets waited %v at most, %d did not fit", most, overflowed)
	}
	last := download[0]
	for _, p := range download {
		if p.Fate.Arrived {
			last = p
		}
	}
	if rate := float64(bits) / (last.Fate.Arrival - download[0].At).Seconds(); rate > 4.1e6 {
		t.Errorf("the download had %.0f bit/s of 4,000,000", rate)
	}
}
