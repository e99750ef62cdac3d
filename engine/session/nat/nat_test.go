package nat

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// success writes an answer; nothing of the tested code is used for it.
func success(id transaction, attrs ...[]byte) []byte {
	body := bytes.Join(attrs, nil)
	b := []byte{1, 1, byte(len(body) >> 8), byte(len(body)), 0x21, 0x12, 0xA4, 0x42}
	return append(append(b, id[:]...), body...)
}

// TestParse reads the sample responses of RFC 5769 sections 2.2 and 2.3.
func TestParse(t *testing.T) {
	id := transaction{0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae}
	software := []byte{0x80, 0x22, 0, 11, 't', 'e', 's', 't', ' ', 'v', 'e', 'c', 't', 'o', 'r', ' '}
	v4 := []byte{0, 0x20, 0, 8, 0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43}
	v6 := []byte{
		0, 0x20, 0, 20, 0, 2, 0xa1, 0x47, 1, 0x13, 0xa9, 0xfa, 0xa5, 0xd3, 0xf1, 0x79,
		0xbc, 0x25, 0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9,
	}
	other := []byte{0x80, 0x2c, 0, 8, 0, 1, 0x0d, 0x97, 192, 0, 2, 7}
	for _, c := range []struct {
		attrs  []byte
		mapped string
	}{{v4, "192.0.2.1:32853"}, {v6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853"}} {
		a, err := parseAnswer(success(id, software, c.attrs, other))
		if err != nil || a.mapped.String() != c.mapped || a.software != "test vector" || a.other.String() != "192.0.2.7:3479" {
			t.Errorf("%+v, %v; want %s", a, err, c.mapped)
		}
	}
	refusal := success(id, []byte{0, 9, 0, 9, 0, 0, 4, 1, 'a', 'w', 'a', 'y', '\n', 0, 0, 0})
	refusal[1] = 0x11
	var se *ServerError
	if _, err := parseAnswer(refusal); !errors.As(err, &se) || se.Code != 401 || se.Reason != "away" {
		t.Errorf("%v", err)
	}
	whole := success(id, software, v4)
	for n := range whole {
		if _, err := parseAnswer(whole[:n]); err == nil {
			t.Errorf("the first %d of %d bytes are taken for whole", n, len(whole))
		}
	}
	if _, err := parseAnswer(success(id, software)); !errors.Is(err, ErrMessage) {
		t.Errorf("an answer without an address: %v", err)
	}
	if _, err := parseAnswer(success(id, []byte{0, 0x20, 0, 12, 0, 1, 0, 0, 0, 0, 0, 0})); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("an attribute beyond the end: %v", err)
	}
}

func TestRequest(t *testing.T) {
	id := newTransaction()
	if b := request(id, changeNothing); len(b) != 20 || b[0] != 0 || b[1] != 1 || !bytes.Equal(b[8:], id[:]) {
		t.Errorf("%x", b)
	}
	b := request(id, changeBoth)
	if len(b) != 28 || b[3] != 8 || binary.BigEndian.Uint32(b[24:]) != 6 || binary.BigEndian.Uint16(b[20:]) != 3 {
		t.Errorf("%x", b)
	}
}

func TestURI(t *testing.T) {
	for in, want := range map[string]string{
		"stun:example.org":                    "stun:example.org:3478",
		"STUN:example.org:19302":              "stun:example.org:19302",
		"turn:192.0.2.1?transport=tcp":        "turn:192.0.2.1:3478?transport=tcp",
		"turns:example.org":                   "turns:example.org:5349",
		"turns:example.org:443?transport=udp": "turns:example.org:443?transport=udp",
		"stun:[2001:db8::1]":                  "stun:[2001:db8::1]:3478",
		"stun:[2001:db8::1]:99":               "stun:[2001:db8::1]:99",
		"http://example.org":                  "",
		"stun://example.org":                  "",
		"stun:":                               "",
		"stun:a b":                            "",
		"stun:example.org:0":                  "",
		"stun:example.org:70000":              "",
		"stun:example.org?transport=tcp":      "",
		"turn:example.org?transport=sctp":     "",
		"stun:[2001:db8::1":                   "",
	} {
		u, err := ParseURI(in)
		if want == "" {
			if !errors.Is(err, ErrURI) {
				t.Errorf("%s: %v, %v", in, u, err)
			}
			continue
		}
		if err != nil || u.String() != want {
			t.Errorf("%s: %v, %v", in, u, err)
		}
		if again, err := ParseURI(u.String()); err != nil || again != u {
			t.Errorf("%s: %v, %v", u, again, err)
		}
	}
}

func TestMapping(t *testing.T) {
	ap := netip.MustParseAddrPort
	local := ap("10.0.0.2:4000")
	a1, a2, b1 := ap("192.0.2.1:3478"), ap("192.0.2.1:3479"), ap("192.0.2.2:3478")
	x, y, z := ap("198.51.100.1:1"), ap("198.51.100.1:2"), ap("198.51.100.1:3")
	for i, c := range []struct {
		sights []sight
		want   Mapping
	}{
		{[]sight{{a1, local}, {b1, local}}, MappingNone},
		{[]sight{{a1, x}}, MappingUnknown},
		{[]sight{{a1, x}, {a2, x}}, MappingUnknown},
		{[]sight{{a1, x}, {a2, y}}, MappingAddressPort},
		{[]sight{{a1, x}, {b1, x}}, MappingEndpointIndependent},
		{[]sight{{a1, x}, {b1, y}}, MappingDependent},
		{[]sight{{a1, x}, {a2, x}, {b1, y}}, MappingAddress},
		{[]sight{{a1, x}, {a2, y}, {b1, z}}, MappingAddressPort},
		{[]sight{{a1, x}, {a2, x}, {b1, x}}, MappingEndpointIndependent},
	} {
		if got := mapping(local, c.sights); got != c.want {
			t.Errorf("%d: %s, want %s", i, got, c.want)
		}
	}
}

// TestCredential compares with what the openssl command line makes of the same.
func TestCredential(t *testing.T) {
	user, password := Credential("north", "door", time.Unix(1433895918, 0))
	if user != "1433895918:door" || password != "qO56cjB5EDn3dgvOCZzYi01/Jhg=" {
		t.Errorf("%s %s", user, password)
	}
}

// TestSocket: answers go to whoever asked, everything else to whoever reads, and
// an answer with a strange transaction is none.
func TestSocket(t *testing.T) {
	server, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	go func() {
		b := make([]byte, 1500)
		for asked := 0; ; {
			n, from, err := server.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			if _, id, ok := head(b[:n]); ok {
				if asked++; asked == 1 {
					continue // lost
				}
				v4 := from.Addr().Unmap().As4()
				port := from.Port() ^ 0x2112
				attr := []byte{0, 0x20, 0, 8, 0, 1, byte(port >> 8), byte(port), v4[0] ^ 0x21, v4[1] ^ 0x12, v4[2] ^ 0xA4, v4[3] ^ 0x42}
				_, _ = server.WriteToUDPAddrPort(success(newTransaction(), attr), from)
				_, _ = server.WriteToUDPAddrPort([]byte("media"), from)
				_, _ = server.WriteToUDPAddrPort(success(id, attr), from)
				_, _ = server.WriteToUDPAddrPort(success(id, attr), from)
				_, _ = server.WriteToUDPAddrPort([]byte("end"), from)
			}
		}
	}()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	s := NewSocket(c)
	var read [][]byte
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 1500)
		for {
			n, _, err := s.ReadFromAddrPort(b)
			if err != nil {
				return
			}
			read = append(read, bytes.Clone(b[:n]))
			if string(b[:n]) == "end" {
				return
			}
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	r, took, err := s.bind(ctx, server.LocalAddr().(*net.UDPAddr).AddrPort(), changeNothing)
	if err != nil || r.answer.mapped != s.Local() || took < firstRTO {
		t.Errorf("%+v after %v: %v", r, took, err)
	}
	<-done
	_ = c.Close()
	if len(read) < 3 || string(read[1]) != "media" {
		t.Errorf("%q were read", read)
	}
	short, cancel2 := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel2()
	if _, _, err := s.bind(short, netip.MustParseAddrPort("127.0.0.1:9"), changeNothing); err == nil {
		t.Error("a closed socket got an answer")
	}
}

func TestSocketDoesNotAllocate(t *testing.T) {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s := NewSocket(c)
	to, msg, b := s.Local(), []byte("a packet of media"), make([]byte, 1500)
	s.busy.Add(1)
	if n := testing.AllocsPerRun(200, func() {
		if _, err := s.WriteToAddrPort(msg, to); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.ReadFromAddrPort(b); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations per packet", n)
	}
}

func TestDiscoverNeedsAServer(t *testing.T) {
	if _, err := Discover(context.Background(), Config{Servers: []string{"turns:example.org"}}); !errors.Is(err, ErrNoServer) {
		t.Error(err)
	}
	if _, err := Discover(context.Background(), Config{Servers: []string{"example.org"}}); !errors.Is(err, ErrURI) {
		t.Error(err)
	}
}

func TestEveryKindHasAdvice(t *testing.T) {
	for _, u := range []UDP{UDPWorks, UDPBlocked, UDPSilent} {
		for _, m := range []Mapping{MappingUnknown, MappingNone, MappingEndpointIndependent, MappingAddress, MappingAddressPort, MappingDependent} {
			for _, fl := range []Filtering{FilteringUnknown, FilteringEndpointIndependent, FilteringAddress, FilteringAddressPort} {
				f := Family{UDP: u, Mapping: m, Filtering: fl}
				if f.Kind() == "" || strings.Contains(f.Advice(), "name a second") != (f.Kind() == "NAT of an unknown kind") {
					t.Errorf("%+v: %s, %s", f, f.Kind(), f.Advice())
				}
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(success(transaction{}, []byte{0, 0x20, 0, 8, 0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43}))
	f.Add(success(transaction{}, []byte{0, 1, 0, 20, 0, 2, 0xa1, 0x47, 1, 0x13, 0xa9, 0xfa, 0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25, 0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9}))
	f.Add([]byte{1, 0x11, 0, 8, 0x21, 0x12, 0xa4, 0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 4, 0, 0, 4, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, err := parseAnswer(b); err == nil && !a.mapped.IsValid() {
			t.Errorf("%x: no address and no error", b)
		}
	})
}
