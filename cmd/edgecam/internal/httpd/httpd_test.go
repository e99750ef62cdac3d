package httpd

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/auth"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/tlscert"
	"github.com/edgecam/edgecam/hal"
)

var page = fstest.MapFS{
	"index.html":      {Data: []byte("<!doctype html><title>edgecam</title>")},
	"edgecam.js":      {Data: []byte("export {}")},
	"edgecam/view.js": {Data: []byte("export {}")},
}

type node struct {
	*Server
	t      *testing.T
	secret string
	auth   *auth.Store
	doors  atomic.Int32
	fail   atomic.Pointer[error]
	cert   *tlscert.Manager
	log    *bytes.Buffer
	c      *http.Client
	http   string // base URLs
	https  string
}

// start runs a real server on loopback addresses.
func start(t *testing.T, change func(*Options)) *node {
	t.Helper()
	n := &node{t: t, log: &bytes.Buffer{}}
	var err error
	dir := t.TempDir()
	if n.auth, err = auth.Open(dir, auth.Options{}); err != nil {
		t.Fatal(err)
	}
	n.secret = n.auth.NewOwnerSecret()
	if n.cert, err = tlscert.Open(dir); err != nil {
		t.Fatal(err)
	}
	failing := func() error {
		if e := n.fail.Load(); e != nil {
			return *e
		}
		return nil
	}
	o := Options{
		HTTP: config.HTTP{Listen: "127.0.0.1:0", HTTPSListen: "127.0.0.1:0", MaxConnections: 64},
		Page: page, Auth: n.auth, GetCertificate: n.cert.GetCertificate,
		WHEP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.ReadAll(r.Body); err != nil {
				WriteProblem(w, http.StatusRequestEntityTooLarge, err.Error())
			}
		}),
		Metrics:     http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "edgecam_up 1\n") }),
		Snapshot:    func(_ context.Context, w io.Writer) error { w.Write([]byte("\xff\xd8jpeg")); return failing() },
		Status:      func(auth.Grant) any { return map[string]int{"viewers": 2} },
		OpenDoor:    func(context.Context, string) error { n.doors.Add(1); return failing() },
		Played:      func(hz float64) any { return map[string]float64{"hz": hz} },
		PressButton: func(context.Context) error { return nil },
		Ready:       failing,
		Log:         slog.New(slog.NewTextHandler(n.log, nil)),
	}
	if change != nil {
		change(&o)
	}
	if n.Server, err = New(o); err != nil {
		t.Fatal(err)
	}
	if err := n.Listen(); err != nil {
		t.Fatal(err)
	}
	for _, u := range n.URLs() {
		if strings.HasPrefix(u, "https:") {
			n.https = strings.TrimSuffix(u, "/")
		} else {
			n.http = strings.TrimSuffix(u, "/")
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Error("stop:", err)
			}
		case <-time.After(10 * time.Second):
			t.Error("the server does not stop")
		}
	})
	return n
}

func (n *node) token(scopes auth.Scopes) string {
	n.t.Helper()
	text, _, err := n.auth.CreateToken("test", scopes, time.Hour)
	if err != nil {
		n.t.Fatal(err)
	}
	return text
}

func (n *node) client() *http.Client {
	if n.c != nil {
		return n.c
	}
	tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	n.t.Cleanup(tr.CloseIdleConnections)
	n.c = &http.Client{Transport: tr, Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return n.c
}

// do sends a request and returns status, headers and body. Headers are given
// as "Name: value".
func (n *node) do(method, url, body string, headers ...string) (int, http.Header, string) {
	n.t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		n.t.Fatal(err)
	}
	for _, h := range headers {
		k, v, _ := strings.Cut(h, ": ")
		if k == "Host" {
			req.Host = v
		}
		req.Header.Set(k, v)
	}
	resp, err := n.client().Do(req)
	if err != nil {
		n.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, string(data)
}

func bearer(token string) string { return "Authorization: Bearer " + token }

const asJSON = "Content-Type: application/json"

func TestScopes(t *testing.T) {
	n := start(t, nil)
	view, open, admin := n.token(auth.View), n.token(auth.OpenDoor), n.token(auth.Admin)
	for _, tc := range []struct {
		method, path      string
		none, view, open_ int
		admin             int
	}{
		{"GET", "/", 200, 200, 200, 200},
		{"GET", "/edgecam/view.js", 200, 200, 200, 200},
		{"GET", "/healthz", 200, 200, 200, 200},
		{"GET", "/readyz", 200, 200, 200, 200},
		{"GET", "/api/session", 401, 200, 200, 200},
		{"GET", "/api/status", 401, 200, 403, 200},
		{"GET", "/snapshot.jpg", 401, 200, 403, 200},
		{"GET", "/metrics", 401, 200, 403, 200},
		{"POST", "/api/door/open", 401, 403, 204, 204},
		{"POST", "/api/sim/button", 401, 403, 403, 204},
		{"GET", "/api/sim/speaker?hz=440", 401, 403, 403, 200},
		{"GET", "/api/sim/speaker?hz=-1", 401, 403, 403, 400},
		{"GET", "/api/tokens", 401, 403, 403, 200},
		{"DELETE", "/api/tokens/00000000", 401, 403, 403, 404},
		{"GET", "/api/door/open", 405, 405, 405, 405},
		{"GET", "/api/nothing", 404, 404, 404, 404},
		{"GET", "/nothing", 404, 404, 404, 404},
		{"GET", "/../etc/passwd", 307, 307, 307, 307},
		{"PUT", "/", 405, 405, 405, 405},
	} {
		for i, want := range []int{tc.none, tc.view, tc.open_, tc.admin} {
			var h []string
			if i > 0 {
				h = []string{bearer([]string{"", view, open, admin}[i])}
			}
			status, header, body := n.do(tc.method, n.https+tc.path, "", h...)
			if status != want {
				t.Errorf("%s %s as %d: %d, want %d", tc.method, tc.path, i, status, want)
			}
			if status >= 400 {
				var p Problem
				if err := json.Unmarshal([]byte(body), &p); err != nil || p.Status != status || p.Detail == "" || header.Get("Content-Type") != "application/problem+json" {
					t.Errorf("%s %s: no proper problem: %s", tc.method, tc.path, body)
				}
			}
		}
	}
	if d := n.doors.Load(); d != 2 {
		t.Errorf("door opened %d times, want 2", d)
	}
	if _, h, _ := n.do("GET", n.https+"/api/status", ""); !strings.HasPrefix(h.Get("WWW-Authenticate"), "Bearer") {
		t.Error("no WWW-Authenticate")
	}
	if _, h, _ := n.do("GET", n.https+"/api/door/open", ""); h.Get("Allow") != "POST" {
		t.Errorf("Allow: %q", h.Get("Allow"))
	}
}

func TestLoginFlow(t *testing.T) {
	n := start(t, nil)
	origin := "Origin: " + n.https
	login := fmt.Sprintf(`{"secret":%q}`, auth.Groups(n.secret))
	status, h, body := n.do("POST", n.https+"/api/login", login, asJSON, origin)
	if status != 200 || !strings.Contains(body, `"subject":"owner"`) || !strings.Contains(body, `"open"`) {
		t.Fatal(status, body)
	}
	set := h.Get("Set-Cookie")
	for _, part := range []string{"__Host-edgecam=", "HttpOnly", "Secure", "SameSite=Strict", "Path=/"} {
		if !strings.Contains(set, part) {
			t.Errorf("cookie lacks %s: %s", part, set)
		}
	}
	cookie := "Cookie: " + strings.SplitN(set, ";", 2)[0]
	if status, _, _ := n.do("GET", n.https+"/snapshot.jpg", "", cookie); status != 200 {
		t.Error("snapshot with cookie:", status)
	}
	if status, _, _ := n.do("POST", n.https+"/api/door/open", "", cookie, "Origin: https://evil.example"); status != 403 {
		t.Error("the door opens for another site:", status)
	}
	if status, _, _ := n.do("POST", n.https+"/api/door/open", "", cookie, origin); status != 204 {
		t.Error("door:", status)
	}
	status, _, body = n.do("POST", n.https+"/api/tokens", `{"name":"hub","scopes":["view","talk"],"expires_s":60}`, asJSON, cookie, origin)
	var made struct {
		ID, Token string
		Expires   time.Time
	}
	if json.Unmarshal([]byte(body), &made); status != 201 || made.Token == "" || time.Until(made.Expires) > time.Minute {
		t.Fatal(status, body)
	}
	if status, _, body := n.do("GET", n.https+"/api/tokens", "", cookie); status != 200 || !strings.Contains(body, made.ID) || strings.Contains(body, made.Token) || strings.Contains(body, "hash") {
		t.Error(status, body)
	}
	if status, _, _ := n.do("DELETE", n.https+"/api/tokens/"+made.ID, "", cookie, origin); status != 204 {
		t.Error(status)
	}
	if status, _, _ := n.do("GET", n.https+"/api/status", "", bearer(made.Token)); status != 401 {
		t.Error("revoked token:", status)
	}
	if status, _, _ := n.do("POST", n.https+"/api/logout", "", cookie, origin); status != 204 {
		t.Error(status)
	}
	if status, _, _ := n.do("GET", n.https+"/snapshot.jpg", "", cookie); status != 401 {
		t.Error("after logout:", status)
	}
	if strings.Contains(n.log.String(), n.secret) || strings.Contains(n.log.String(), made.Token) {
		t.Error("the log holds a secret")
	}
}

func TestBadInput(t *testing.T) {
	n := start(t, nil)
	admin := bearer(n.token(auth.Admin))
	for _, tc := range []struct {
		name, path, body string
		status           int
		detail           string
		headers          []string
	}{
		{"no content type", "/api/login", `{}`, 415, "application/json", nil},
		{"cut off", "/api/login", `{"secret":"a`, 400, "cut off", []string{asJSON}},
		{"empty", "/api/login", ``, 400, "empty", []string{asJSON}},
		{"unknown field", "/api/login", `{"password":"a"}`, 400, "unknown field", []string{asJSON}},
		{"wrong type", "/api/login", `{"secret":1}`, 400, "wrong", []string{asJSON}},
		{"two values", "/api/login", `{"secret":"a"} {}`, 400, "more than one", []string{asJSON}},
		{"oversized", "/api/login", `{"secret":"` + strings.Repeat("a", maxAPIBody) + `"}`, 413, "16384 bytes", []string{asJSON}},
		{"wrong secret", "/api/login", `{"secret":"AAAA"}`, 401, "not valid", []string{asJSON}},
		{"unknown scope", "/api/tokens", `{"name":"x","scopes":["root"]}`, 400, `unknown scope "root"`, []string{asJSON, admin}},
		{"no scope", "/api/tokens", `{"name":"x"}`, 400, "no scope", []string{asJSON, admin}},
		{"no name", "/api/tokens", `{"scopes":["view"]}`, 400, "name", []string{asJSON, admin}},
		{"bad expiry", "/api/tokens", `{"name":"x","scopes":["view"],"expires_s":-5}`, 400, "expires_s", []string{asJSON, admin}},
		{"oversized offer", "/whep", strings.Repeat("v=0\r\n", maxOfferBody/5+1), 413, "too large", nil},
		{"wrong token", "/api/door/open", "", 401, "not valid", []string{bearer("ec_AAAAAAAA_AAAA")}},
	} {
		status, _, body := n.do("POST", n.https+tc.path, tc.body, tc.headers...)
		if status != tc.status || !strings.Contains(body, tc.detail) && !strings.Contains(body, strings.ReplaceAll(tc.detail, `"`, `\"`)) {
			t.Errorf("%s: %d %s; want %d with %q", tc.name, status, body, tc.status, tc.detail)
		}
	}
	// Guessing is answered with 429 and Retry-After soon.
	for range 8 {
		status, h, _ := n.do("POST", n.https+"/api/login", `{"secret":"AAAA"}`, asJSON)
		if status == 429 && h.Get("Retry-After") != "" {
			return
		}
	}
	t.Error("guessing is not slowed down")
}

func TestDeviceErrors(t *testing.T) {
	n := start(t, nil)
	admin := bearer(n.token(auth.Admin))
	err := error(&hal.Error{Op: "read", Path: "/dev/video0", Kind: hal.Gone, Err: errors.New("no such device")})
	n.fail.Store(&err)
	for _, path := range []string{"POST /api/door/open", "GET /snapshot.jpg", "GET /readyz"} {
		method, p, _ := strings.Cut(path, " ")
		status, _, body := n.do(method, n.https+p, "", admin)
		if status != 503 || strings.Contains(body, "/dev/video0") || strings.Contains(body, "\xff\xd8") {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if s, _, _ := n.do("GET", n.https+"/healthz", ""); s != 200 {
		t.Error("not healthy because a camera is gone")
	}
}

func TestPageHeadersAndCaching(t *testing.T) {
	n := start(t, func(o *Options) { o.HTTP.FrameAncestors = []string{"https://home.example"} })
	_, h, _ := n.do("GET", n.https+"/", "")
	csp := h.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'self'", "object-src 'none'", "frame-ancestors 'self' https://home.example"} {
		if !strings.Contains(csp, want) {
			t.Errorf("CSP lacks %s: %s", want, csp)
		}
	}
	for _, bad := range []string{"unsafe", "wasm", "*"} {
		if strings.Contains(csp, bad) {
			t.Errorf("CSP has %s: %s", bad, csp)
		}
	}
	if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" || h.Get("X-Frame-Options") != "" {
		t.Error(h)
	}
	_, h, _ = n.do("GET", n.https+"/edgecam.js", "")
	if h.Get("Content-Type") != "text/javascript; charset=utf-8" || h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Cross-Origin-Resource-Policy") != "cross-origin" {
		t.Error(h)
	}
	if status, _, body := n.do("GET", n.https+"/edgecam.js", "", "If-None-Match: "+h.Get("ETag")); status != 304 || body != "" {
		t.Error("not cached:", status)
	}
}

func TestPlainHTTP(t *testing.T) {
	n := start(t, nil)
	if status, _, _ := n.do("GET", n.http+"/", ""); status != 200 {
		t.Error("loopback is not served in full:", status)
	}
	// From elsewhere: seen by the address the connection came in at.
	outside := func(method, path string, headers ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "http://node.local:8080"+path, nil)
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 8080}))
		for _, h := range headers {
			k, v, _ := strings.Cut(h, ": ")
			r.Header.Set(k, v)
			if k == "Host" {
				r.Host = v
			}
		}
		w := httptest.NewRecorder()
		n.handler.ServeHTTP(w, r)
		return w
	}
	port := n.https[strings.LastIndex(n.https, ":"):]
	w := outside("GET", "/path?q=1")
	if loc := w.Header().Get("Location"); w.Code != 302 || loc != "https://node.local"+port+"/path?q=1" {
		t.Error(w.Code, loc)
	}
	if w := outside("POST", "/whep"); w.Code != 403 || !strings.Contains(w.Body.String(), "use HTTPS") {
		t.Error(w.Code, w.Body)
	}
	if w := outside("GET", "/snapshot.jpg", bearer(n.token(auth.View))); w.Code != 403 {
		t.Error("a token in clear was served:", w.Code)
	}
	if w := outside("GET", "/healthz"); w.Code != 200 {
		t.Error(w.Code)
	}
	if w := outside("GET", "/", "Host: [2001:db8::1]:8080"); w.Header().Get("Location") != "https://[2001:db8::1]"+port+"/" {
		t.Error(w.Header())
	}
	if w := outside("GET", "/", "Host: evil/path"); w.Code != 400 {
		t.Error(w.Code, w.Header())
	}
}

func TestDevelopmentMode(t *testing.T) {
	dev := auth.NewDev(auth.Options{})
	n := start(t, func(o *Options) { o.Dev, o.Auth = true, dev })
	if n.https != "" || len(n.URLs()) != 1 {
		t.Error(n.URLs())
	}
	if status, _, _ := n.do("POST", n.http+"/api/door/open", ""); status != 204 {
		t.Error(status)
	}
	if status, _, _ := n.do("GET", n.http+"/metrics", ""); status != 200 {
		t.Error(status)
	}
	for _, path := range []string{"/", "/api/status", "/healthz"} {
		if status, _, _ := n.do("GET", n.http+path, "", "Host: rebound.example"); status != 421 {
			t.Errorf("%s under a foreign name: %d", path, status)
		}
	}
	if status, _, _ := n.do("POST", n.http+"/api/door/open", "", "Origin: https://evil.example"); status != 403 {
		t.Error("another site opens the door:", status)
	}
	for _, addr := range []string{":8080", "0.0.0.0:8080", "192.0.2.1:8080", "[::]:8080"} {
		_, err := New(Options{Dev: true, Auth: dev, HTTP: config.HTTP{Listen: addr}})
		if err == nil || !strings.Contains(err.Error(), "loopback only") {
			t.Errorf("%s: %v", addr, err)
		}
	}
	if _, err := New(Options{Auth: dev, HTTP: config.HTTP{Listen: "127.0.0.1:0"}}); err == nil {
		t.Error("a server for everybody took access control that allows everything")
	}
}

func TestPortInUse(t *testing.T) {
	n := start(t, nil)
	taken := strings.TrimPrefix(n.http, "http://")
	s, err := New(Options{Auth: n.auth, HTTP: config.HTTP{Listen: taken}})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Listen()
	var ae *AddressError
	if !errors.As(err, &ae) || ae.Setting != "http.listen" {
		t.Fatal(err)
	}
	for _, want := range []string{taken, "in use", "http.listen", "EDGECAM_HTTP_LISTEN", "--listen"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q lacks %q", err, want)
		}
	}
	if status, _, _ := n.do("GET", n.http+"/healthz", ""); status != 200 {
		t.Error("the first server suffers")
	}
}

func TestPanicIsAnswered(t *testing.T) {
	n := start(t, func(o *Options) { o.Status = func(auth.Grant) any { panic("boom") } })
	status, _, body := n.do("GET", n.https+"/api/status", "", bearer(n.token(auth.View)))
	if status != 500 || strings.Contains(body, "boom") || !strings.Contains(n.log.String(), "boom") {
		t.Error(status, body)
	}
}

func TestConnectionLimit(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := newLimited(inner, 8)
	defer l.Close()
	var held []net.Conn
	for range 8 {
		c, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		s, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, s)
	}
	ninth, _ := net.Dial("tcp", inner.Addr().String())
	defer ninth.Close()
	got := make(chan error, 1)
	go func() { _, err := l.Accept(); got <- err }()
	select {
	case <-got:
		t.Fatal("a ninth connection was accepted")
	case <-time.After(50 * time.Millisecond):
	}
	held[0].Close()
	held[0].Close() // twice frees one slot only
	if err := <-got; err != nil {
		t.Fatal(err)
	}
	if len(l.slots) != 8 {
		t.Errorf("%d slots taken", len(l.slots))
	}
	go func() { _, err := l.Accept(); got <- err }()
	l.Close()
	if err := <-got; !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}

// TestIdleConnectionsGiveWay fills the server with idle connections and
// requires that a new client is served at once.
func TestIdleConnectionsGiveWay(t *testing.T) {
	n := start(t, func(o *Options) { o.HTTP.MaxConnections = 8 })
	for range 12 {
		c, err := net.Dial("tcp", strings.TrimPrefix(n.http, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(4 * time.Second)) // less than any timeout of the server's
		fmt.Fprintf(c, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
		if line := make([]byte, 12); func() error { _, err := io.ReadFull(c, line); return err }() != nil || string(line) != "HTTP/1.1 200" {
			t.Fatalf("a new client got %q", line)
		}
	}
}

func TestClientShare(t *testing.T) {
	l := newLimited(nil, 64)
	a := fakeConn{addr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)}}
	for i := range l.share {
		if _, ok := l.enter(a); !ok {
			t.Fatalf("refused connection %d", i)
		}
	}
	if _, ok := l.enter(a); ok {
		t.Error("one client takes more than its share")
	}
	if _, ok := l.enter(fakeConn{addr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 2)}}); !ok {
		t.Error("another client is refused")
	}
	l.slots <- struct{}{}
	l.leave(nil, "192.0.2.1")
	if _, ok := l.enter(a); !ok {
		t.Error("a closed connection still counts")
	}
}

type fakeConn struct {
	net.Conn
	addr net.Addr
}

func (f fakeConn) RemoteAddr() net.Addr { return f.addr }

// TestSlowClients: clients that never finish their requests are let go, and those
// who are inside or come meanwhile are served.
func TestSlowClients(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the server's patience to end")
	}
	n := start(t, func(o *Options) { o.HTTP.MaxConnections = 16 })
	inside, err := net.Dial("tcp", strings.TrimPrefix(n.http, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer inside.Close()
	ask := func(c net.Conn, within time.Duration) string {
		c.SetDeadline(time.Now().Add(within))
		fmt.Fprint(c, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
		line := make([]byte, 12)
		if _, err := io.ReadFull(c, line); err != nil {
			return err.Error()
		}
		return string(line)
	}
	if got := ask(inside, 5*time.Second); got != "HTTP/1.1 200" {
		t.Fatal(got)
	}
	var slow []net.Conn
	for range 40 {
		c, err := net.Dial("tcp", strings.TrimPrefix(n.http, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprint(c, "POST /whep HTTP/1.1\r\nHost: x\r\nX-")
		slow = append(slow, c)
	}
	// A new client need not wait until the slow ones' time is over.
	begun := time.Now()
	late, err := net.Dial("tcp", strings.TrimPrefix(n.http, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer late.Close()
	if got := ask(late, readHeaderTimeout-500*time.Millisecond); got != "HTTP/1.1 200" {
		t.Errorf("a new client got %q", got)
	}
	t.Logf("a new client was served after %v", time.Since(begun))
	for i, c := range slow[:16] {
		c.SetReadDeadline(time.Now().Add(2 * readHeaderTimeout))
		if _, err := io.Copy(io.Discard, c); err != nil {
			t.Errorf("slow client %d is still connected: %v", i, err)
			break
		}
	}
}

// TestCameraPaths: WHEP is at the camera's name too, and nowhere else.
func TestCameraPaths(t *testing.T) {
	n := start(t, func(o *Options) { o.Camera = "Front Door 2" })
	for path, want := range map[string]int{
		"/whep": 200, "/whep/abc": 200, "/camera/whep": 200, "/front-door-2/whep": 200, "/front-door-2/whep/abc": 200, "/Front%20Door%202/whep": 200,
		"/other/whep": 404, "/api/whep": 404, "/front-door-2": 404, "/front-door-2/other": 404, "/front-door-2/whepper": 404,
	} {
		if code, _, body := n.do("POST", n.https+path, "v=0"); code != want && !(want == 404 && code == 405) {
			t.Errorf("%s: %d %s, want %d", path, code, body, want)
		}
	}
}
