package rtsp

import (
	"bufio"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"
)

// startSlow plays over a connection that is never read from afterwards.
func startSlow(t *testing.T, s *Server, c net.Conn) {
	t.Helper()
	_ = c.SetDeadline(time.Now().Add(patience))
	in := bufio.NewReader(c)
	seq := 0
	uri := fmt.Sprintf("rtsp://127.0.0.1:%d%s", s.Port(), Path)
	ask := func(method, uri, more string) (answer string) {
		seq++
		if _, err := fmt.Fprintf(c, "%s %s RTSP/1.0\r\nCSeq: %d\r\n%s\r\n", method, uri, seq, more); err != nil {
			t.Fatal(err)
		}
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				t.Fatalf("%s: %q, then %v", method, answer, err)
			}
			if answer += line; line == "\r\n" {
				return answer
			}
		}
	}
	nonce := regexp.MustCompile(`nonce="([^"]+)"`).FindStringSubmatch(ask("DESCRIBE", uri, ""))
	if nonce == nil {
		t.Fatal("no challenge")
	}
	h := func(parts ...string) string {
		sum := md5.Sum([]byte(strings.Join(parts, ":")))
		return hex.EncodeToString(sum[:])
	}
	track := uri + "/trackID=0"
	auth := fmt.Sprintf("Authorization: Digest username=%q, realm=\"test\", nonce=%q, uri=%q, response=%q\r\n",
		user, nonce[1], track, h(h(user, "test", pass), nonce[1], h("SETUP", track)))
	got := ask("SETUP", track, auth+"Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n")
	id := regexp.MustCompile(`Session: (\w+)`).FindStringSubmatch(got)
	if id == nil {
		t.Fatalf("no session: %q", got)
	}
	if got := ask("PLAY", uri, "Session: "+id[1]+"\r\n"); !strings.HasPrefix(got, "RTSP/1.0 200") {
		t.Fatalf("play: %q", got)
	}
	_ = c.SetDeadline(time.Time{})
}

// freePair finds an even UDP port that is free with the next one.
func freePair(t *testing.T) int {
	t.Helper()
	for range 50 {
		a, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		port := a.LocalAddr().(*net.UDPAddr).Port
		_ = a.Close()
		if port%2 != 0 || port == 6000 {
			continue
		}
		b, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port + 1})
		if err == nil {
			_ = b.Close()
			return port
		}
	}
	t.Fatal("no pair of ports is free")
	return 0
}
