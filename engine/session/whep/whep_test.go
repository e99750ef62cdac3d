package whep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/webrtc/v4"
	"go.uber.org/goleak"

	"github.com/edgecam/edgecam/engine/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 10 * time.Second

// tokens is an Authorizer with three bearer tokens.
func tokens(r *http.Request) (session.Grant, error) {
	switch r.Header.Get("Authorization") {
	case "Bearer good":
		return session.Grant{Subject: "good", View: true}, nil
	case "Bearer other":
		return session.Grant{Subject: "other", View: true}, nil
	case "Bearer talk-only":
		return session.Grant{}, fmt.Errorf("%w: the token lacks the scope view", ErrForbidden)
	case "Bearer broken":
		return session.Grant{}, errors.New("database on fire")
	}
	return session.Grant{}, ErrUnauthorized
}

type server struct {
	*testing.T
	m   *session.Manager
	h   *Handler
	url string
}

func newServer(t *testing.T, change func(*session.Config), opts Options) *server {
	t.Helper()
	cfg := session.Defaults()
	cfg.UDPPort, cfg.Loopback, cfg.ICETCP = 0, true, false
	cfg.ICEServers = []session.ICEServer{
		{URLs: []string{"stun:stun.example.org:3478"}},
		{URLs: []string{"turn:turn.example.org?transport=udp"}, Username: `us"er`, Credential: "secret"},
	}
	if change != nil {
		change(&cfg)
	}
	m, err := session.New(cfg, session.Hooks{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	h := New(m, AuthorizerFunc(tokens), opts)
	mux := http.NewServeMux()
	mux.Handle("/whep", h)
	mux.Handle("/whep/", h)
	mux.Handle("/front/whep", h)
	mux.Handle("/front/whep/", http.StripPrefix("/front", h))
	ts := httptest.NewServer(mux)
	t.Cleanup(func() {
		ts.Close()
		http.DefaultClient.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		h.Close()
		if err := m.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return &server{t, m, h, ts.URL}
}

// do sends a request; headers alternate name and value.
func (s *server) do(method, path, body string, headers ...string) (*http.Response, string) {
	s.Helper()
	r, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer good")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Del(headers[i])
		if headers[i+1] != "" {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	rsp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer rsp.Body.Close()
	b, err := io.ReadAll(rsp.Body)
	if err != nil {
		s.Fatal(err)
	}
	return rsp, string(b)
}

func (s *server) peer() *webrtc.PeerConnection {
	s.Helper()
	se := webrtc.SettingEngine{}
	se.SetIncludeLoopbackCandidate(true)
	se.SetInterfaceFilter(func(n string) bool { return n == "lo" })
	se.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	se.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(se)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() {
		if err := pc.GracefulClose(); err != nil {
			s.Error(err)
		}
	})
	if _, err := pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
		s.Fatal(err)
	}
	return pc
}

// offer gathers and returns an offer.
func (s *server) offer(pc *webrtc.PeerConnection, o *webrtc.OfferOptions) string {
	s.Helper()
	d, err := pc.CreateOffer(o)
	if err != nil {
		s.Fatal(err)
	}
	done := make(chan struct{})
	var once sync.Once
	pc.OnICECandidate(func(c *webrtc.ICECandidate) {
		if c == nil {
			once.Do(func() { close(done) })
		}
	})
	if err := pc.SetLocalDescription(d); err != nil {
		s.Fatal(err)
	}
	select {
	case <-done:
	case <-time.After(patience):
		s.Fatal("gathering did not end")
	}
	return pc.LocalDescription().SDP
}

func (s *server) eventually(what string, ok func() bool) {
	s.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			s.Fatalf("did not happen: %s", what)
		}
	}
}

func lines(sdp, prefix string) (out []string) {
	for _, l := range strings.Split(sdp, "\r\n") {
		if strings.HasPrefix(l, prefix) {
			out = append(out, l)
		}
	}
	return out
}

func without(sdp, prefix string) string {
	var kept []string
	for _, l := range strings.Split(sdp, "\r\n") {
		if !strings.HasPrefix(l, prefix) {
			kept = append(kept, l)
		}
	}
	return strings.Join(kept, "\r\n")
}

func TestSession(t *testing.T) {
	for _, prefix := range []string{"", "/front"} {
		t.Run("at "+prefix+"/whep", func(t *testing.T) {
			s := newServer(t, nil, Options{})
			pc := s.peer()
			offer := s.offer(pc, nil)
			// The viewer's candidates follow by trickle.
			rsp, answer := s.do("POST", prefix+"/whep", without(offer, "a=candidate"), "Content-Type", "application/sdp")
			if rsp.StatusCode != http.StatusCreated {
				t.Fatalf("%s %s", rsp.Status, answer)
			}
			loc, tag := rsp.Header.Get("Location"), rsp.Header.Get("ETag")
			if !strings.HasPrefix(loc, prefix+"/whep/") || len(loc) != len(prefix)+6+secretLen {
				t.Errorf("Location %q", loc)
			}
			if rsp.Header.Get("Content-Type") != typeSDP || rsp.Header.Get("Accept-Patch") != typeSDPFrag || len(tag) < 6 || rsp.Header.Get("ID") == "" {
				t.Errorf("header %v", rsp.Header)
			}
			want := []string{
				`<stun:stun.example.org:3478>; rel="ice-server"`,
				`<turn:turn.example.org?transport=udp>; rel="ice-server"; username="us\"er"; credential="secret"; credential-type="password"`,
			}
			if got := rsp.Header.Values("Link"); strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Errorf("Link %q", got)
			}
			frag := strings.Join(append(lines(offer, "a=ice-"), lines(offer, "a=candidate")...), "\r\n") + "\r\n"
			frag = strings.Replace(frag, "a=ice-options:trickle\r\n", "", 1)
			patch := func(body, match string) (*http.Response, string) {
				return s.do("PATCH", loc, body, "Content-Type", typeSDPFrag, "If-Match", match)
			}
			if rsp, b := patch(frag, ""); rsp.StatusCode != http.StatusPreconditionRequired {
				t.Errorf("without If-Match: %s %s", rsp.Status, b)
			}
			if rsp, b := patch(frag, `"old"`); rsp.StatusCode != http.StatusPreconditionFailed || rsp.Header.Get("ETag") != tag {
				t.Errorf("wrong If-Match: %s %s", rsp.Status, b)
			}
			if rsp, b := patch(frag, tag); rsp.StatusCode != http.StatusNoContent {
				t.Errorf("trickle: %s %s", rsp.Status, b)
			}
			if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
				t.Fatal(err)
			}
			s.eventually("connected", func() bool { return s.m.Stats().Connected == 1 })
			s.restart(pc, answer, loc, tag)
			if rsp, b := s.do("DELETE", loc, "", "Authorization", "Bearer other"); rsp.StatusCode != http.StatusNotFound {
				t.Errorf("DELETE by another: %s %s", rsp.Status, b)
			}
			if rsp, b := s.do("DELETE", loc, ""); rsp.StatusCode != http.StatusOK {
				t.Errorf("DELETE: %s %s", rsp.Status, b)
			}
			s.eventually("session ended", func() bool { st := s.m.Stats(); return st.Connected+st.HalfOpen == 0 })
			s.eventually("forgotten", func() bool { rsp, _ := s.do("DELETE", loc, ""); return rsp.StatusCode == http.StatusNotFound })
		})
	}
}

// restart restarts ICE over PATCH.
func (s *server) restart(pc *webrtc.PeerConnection, answer, loc, tag string) {
	s.Helper()
	offer := s.offer(pc, &webrtc.OfferOptions{ICERestart: true})
	frag := strings.Join(append(lines(offer, "a=ice-"), lines(offer, "a=candidate")...), "\r\n") + "\r\n"
	if rsp, b := s.do("PATCH", loc, frag, "Content-Type", typeSDPFrag, "If-Match", tag); rsp.StatusCode != http.StatusPreconditionFailed {
		s.Errorf("restart with a tag: %s %s", rsp.Status, b)
	}
	rsp, b := s.do("PATCH", loc, frag, "Content-Type", typeSDPFrag, "If-Match", "*")
	if rsp.StatusCode != http.StatusOK || rsp.Header.Get("Content-Type") != typeSDPFrag || rsp.Header.Get("ETag") == tag {
		s.Fatalf("restart: %s %v %s", rsp.Status, rsp.Header, b)
	}
	f, err := parseFragment(b)
	if err != nil || f.ufrag == "" || f.pwd == "" || len(f.candidates) == 0 {
		s.Fatalf("fragment %v %+v", err, f)
	}
	answer = strings.ReplaceAll(answer, lines(answer, "a=ice-ufrag")[0], "a=ice-ufrag:"+f.ufrag)
	answer = strings.ReplaceAll(answer, lines(answer, "a=ice-pwd")[0], "a=ice-pwd:"+f.pwd)
	answer = strings.TrimSuffix(without(answer, "a=candidate"), "\r\n") + "\r\na=candidate:" + strings.Join(f.candidates, "\r\na=candidate:") + "\r\n"
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		s.Fatal(err)
	}
	s.eventually("connected again", func() bool { return pc.ICEConnectionState() == webrtc.ICEConnectionStateConnected })
}

func TestErrors(t *testing.T) {
	s := newServer(t, func(c *session.Config) { c.MaxViewers, c.MaxHalfOpen = 1, 1 }, Options{})
	offer := s.offer(s.peer(), nil)
	tests := []struct {
		name, method, path, body string
		headers                  []string
		status                   int
		kind                     string
		header, value            string
	}{
		{"no token", "POST", "/whep", offer, []string{"Authorization", ""}, 401, "unauthorized", "WWW-Authenticate", `Bearer realm="edgecam"`},
		{"scope", "POST", "/whep", offer, []string{"Authorization", "Bearer talk-only"}, 403, "forbidden", "", ""},
		{"failing check", "POST", "/whep", offer, []string{"Authorization", "Bearer broken"}, 500, "internal", "", ""},
		{"method", "GET", "/whep", "", nil, 405, "method", "Allow", "OPTIONS, POST"},
		{"method on a session", "POST", "/whep/" + strings.Repeat("a", secretLen), "", nil, 405, "method", "Allow", "DELETE, OPTIONS, PATCH"},
		{"no session", "PATCH", "/whep/" + strings.Repeat("a", secretLen), "", nil, 404, "no-session", "", ""},
		{"no session, no token", "DELETE", "/whep/" + strings.Repeat("a", secretLen), "", []string{"Authorization", ""}, 401, "unauthorized", "", ""},
		{"path", "POST", "/whep/x", offer, nil, 404, "not-found", "", ""},
		{"no type", "POST", "/whep", offer, nil, 415, "media-type", "Accept-Post", typeSDP},
		{"wrong type", "POST", "/whep", offer, []string{"Content-Type", "application/json"}, 415, "media-type", "", ""},
		{"accept", "POST", "/whep", offer, []string{"Content-Type", typeSDP, "Accept", "application/json, application/sdp;q=0"}, 406, "not-acceptable", "", ""},
		{"empty", "POST", "/whep", "", []string{"Content-Type", typeSDP}, 400, "bad-offer", "", ""},
		{"malformed", "POST", "/whep", "v=1\r\nnonsense", []string{"Content-Type", typeSDP}, 400, "bad-offer", "", ""},
		{"no VP8", "POST", "/whep", strings.ReplaceAll(offer, "VP8/90000", "VP7/90000"), []string{"Content-Type", typeSDP}, 406, "no-vp8", "", ""},
		{"too large", "POST", "/whep", strings.Repeat("a", MaxBodyBytes+1), []string{"Content-Type", typeSDP}, 413, "too-large", "", ""},
	}
	check := func(t *testing.T, rsp *http.Response, body string, status int, kind string) {
		t.Helper()
		var p problem
		err := json.Unmarshal([]byte(body), &p)
		if rsp.StatusCode != status || err != nil || p.Status != status || p.Type != "urn:edgecam:problem:"+kind || p.Detail == "" || p.Title == "" ||
			rsp.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("got %s %s, want %d %s", rsp.Status, body, status, kind)
		}
		if strings.Contains(body, "database on fire") {
			t.Error("internal error reached the client")
		}
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rsp, body := s.do(tt.method, tt.path, tt.body, tt.headers...)
			check(t, rsp, body, tt.status, tt.kind)
			if tt.header != "" && rsp.Header.Get(tt.header) != tt.value {
				t.Errorf("%s: %q, want %q", tt.header, rsp.Header.Get(tt.header), tt.value)
			}
		})
	}
	rsp, body := s.do("POST", "/whep", offer, "Content-Type", "application/sdp; charset=utf-8", "Accept", "application/*")
	if rsp.StatusCode != http.StatusCreated {
		t.Fatalf("%s %s", rsp.Status, body)
	}
	loc, tag := rsp.Header.Get("Location"), rsp.Header.Get("ETag")
	rsp, body = s.do("POST", "/whep", offer, "Content-Type", typeSDP)
	check(t, rsp, body, 503, "full")
	if rsp.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	for _, tt := range []struct {
		name, body, ctype, kind string
		status                  int
	}{
		{"type", "a=x", "text/plain", "media-type", 415},
		{"not a fragment", "hello", typeSDPFrag, "bad-fragment", 400},
		{"nothing in it", "a=mid:0\r\n", typeSDPFrag, "bad-fragment", 400},
		{"bad candidate", "a=candidate:1 1 udp x y z\r\n", typeSDPFrag, "bad-fragment", 400},
		{"too large", strings.Repeat("a=x\r\n", MaxBodyBytes/4), typeSDPFrag, "too-large", 413},
		{"too many candidates", strings.Repeat("a=candidate:1 1 udp 2130706431 127.0.0.1 9 typ host\r\n", 100), typeSDPFrag, "bad-fragment", 400},
	} {
		rsp, body := s.do("PATCH", loc, tt.body, "Content-Type", tt.ctype, "If-Match", tag)
		check(t, rsp, body, tt.status, tt.kind)
	}
}

func TestCORS(t *testing.T) {
	s := newServer(t, nil, Options{})
	rsp, _ := s.do("OPTIONS", "/whep", "", "Authorization", "", "Origin", "https://a.example", "Access-Control-Request-Method", "POST")
	h := rsp.Header
	if rsp.StatusCode != http.StatusNoContent || h.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(h.Get("Access-Control-Allow-Methods"), "PATCH") ||
		!strings.Contains(h.Get("Access-Control-Allow-Headers"), "If-Match") || h.Get("Accept-Post") != typeSDP || len(h.Values("Link")) != 0 {
		t.Errorf("preflight: %s %v", rsp.Status, h)
	}
	// The servers and their credentials are for who may view.
	if rsp, _ = s.do("OPTIONS", "/whep", ""); len(rsp.Header.Values("Link")) != 2 {
		t.Errorf("OPTIONS with a token: %s %v", rsp.Status, rsp.Header)
	}
	if rsp, _ = s.do("OPTIONS", "/whep", "", "Authorization", "Bearer wrong"); len(rsp.Header.Values("Link")) != 0 {
		t.Errorf("OPTIONS with a wrong token: %s %v", rsp.Status, rsp.Header)
	}
	rsp, _ = s.do("POST", "/whep", "", "Origin", "https://a.example")
	for _, name := range []string{"ETag", "ID", "Accept-Patch", "Link", "Location"} {
		if !strings.Contains(rsp.Header.Get("Access-Control-Expose-Headers"), name) {
			t.Errorf("%s is not exposed", name)
		}
	}
	s = newServer(t, nil, Options{AllowedOrigins: []string{"https://a.example"}})
	rsp, _ = s.do("POST", "/whep", "", "Origin", "https://a.example")
	if rsp.Header.Get("Access-Control-Allow-Origin") != "https://a.example" || rsp.Header.Get("Access-Control-Allow-Credentials") != "true" {
		t.Errorf("named origin: %v", rsp.Header)
	}
	rsp, _ = s.do("POST", "/whep", "", "Origin", "https://b.example")
	if rsp.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("foreign origin: %v", rsp.Header)
	}
}

func FuzzFragment(f *testing.F) {
	f.Add("a=ice-ufrag:abcd\r\na=ice-pwd:0123456789abcdefghijkl\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\na=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\na=end-of-candidates\r\n")
	f.Add("a=")
	f.Add("\n=\r")
	f.Fuzz(func(t *testing.T, body string) {
		frag, err := parseFragment(body)
		if err != nil {
			return
		}
		back, err := parseFragment(writeFragment(session.LocalICE{Ufrag: frag.ufrag, Pwd: frag.pwd, MLine: "audio 9 X 0", Candidates: frag.candidates}))
		if frag.ufrag != "" && frag.pwd != "" && (err != nil || back.ufrag != frag.ufrag || len(back.candidates) != len(frag.candidates)) {
			t.Errorf("%q does not survive: %+v %v", body, back, err)
		}
	})
}
