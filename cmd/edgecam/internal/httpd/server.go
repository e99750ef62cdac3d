// Package httpd is the node's web server: the page, the API, WHEP, snapshots,
// metrics and health. HTTPS serves everything to everybody who may; plain HTTP
// serves in full on loopback and elsewhere redirects to HTTPS.
//
// Errors are application/problem+json (RFC 9457). Sizes, times and the number
// of connections are bounded.
package httpd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/auth"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/tlscert"
)

// Bounds against clients that are slow, greedy or hostile.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 20 * time.Second
	writeTimeout      = 30 * time.Second
	idleTimeout       = 90 * time.Second
	shutdownTimeout   = 5 * time.Second
	snapshotTimeout   = 10 * time.Second
	maxHeaderBytes    = 16 << 10
	maxAPIBody        = 16 << 10
	maxOfferBody      = 256 << 10
)

// Options says what to serve. Functions and handlers may be nil: what they
// would serve is then not found.
type Options struct {
	HTTP config.HTTP
	// Dev is development mode: loopback addresses only, plain HTTP only.
	Dev  bool
	Page fs.FS // the viewer page, index.html at its root; needs no login
	Auth *auth.Store
	// WHEP authorises requests itself.
	WHEP http.Handler
	// Camera is the name under which WHEP is served besides, at /NAME/whep.
	Camera  string
	Metrics http.Handler // for scope view
	// Snapshot writes one JPEG picture.
	Snapshot func(context.Context, io.Writer) error
	// Status returns what GET /api/status gives as JSON to who has the grant.
	Status func(auth.Grant) any
	// OpenDoor releases the door for the subject of a grant.
	OpenDoor func(ctx context.Context, subject string) error
	// PressButton presses the simulated button.
	PressButton func(context.Context) error
	// Played tells how loud the simulated speaker played lately, as JSON:
	// overall and, if hz is not 0, at that frequency.
	Played func(hz float64) any
	// Ready returns why the node cannot serve viewers yet, nil if it can.
	Ready func() error
	// GetCertificate is needed for HTTPS unless HTTP.TLSCert names a file.
	GetCertificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	// Count is told the status of every answer.
	Count func(status int)
	Log   *slog.Logger
}

// Server is the web server. Call Listen, then Serve.
type Server struct {
	opt       Options
	handler   http.Handler
	listeners []*listener
}

type listener struct {
	net.Listener
	tls    bool
	server *http.Server
}

// New checks the options and loads the page.
func New(opt Options) (*Server, error) {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Count == nil {
		opt.Count = func(int) {}
	}
	if opt.Auth == nil {
		return nil, errors.New("httpd: no access control given")
	}
	if opt.Dev {
		opt.HTTP.HTTPSListen = ""
		if !auth.IsLoopbackHost(opt.HTTP.Listen) {
			return nil, fmt.Errorf("httpd: development mode allows everything without a token, so it listens on loopback only, and http.listen is %q; set it to 127.0.0.1:8080 or leave --dev out", opt.HTTP.Listen)
		}
	} else if opt.Auth.Dev() {
		return nil, errors.New("httpd: access control is in development mode but the server is not")
	}
	if opt.HTTP.TLSCert != "" && opt.HTTP.HTTPSListen != "" {
		files, err := tlscert.OpenFiles(opt.HTTP.TLSCert, opt.HTTP.TLSKey)
		if err != nil {
			return nil, err
		}
		opt.GetCertificate = files.GetCertificate
	}
	if opt.HTTP.HTTPSListen != "" && opt.GetCertificate == nil {
		return nil, errors.New("httpd: HTTPS is on and there is no certificate")
	}
	s := &Server{opt: opt}
	mux, err := s.routes()
	if err != nil {
		return nil, err
	}
	s.handler = s.wrap(mux)
	return s, nil
}

// AddressError tells that an address cannot be listened on, and what to do.
type AddressError struct {
	Addr    string
	Setting string // key of the configuration, such as "http.listen"
	Err     error
}

// Error names the address, the reason and the setting to change.
func (e *AddressError) Error() string {
	env := config.EnvName(e.Setting)
	flag := "--" + strings.ReplaceAll(strings.TrimPrefix(e.Setting, "http."), "_", "-")
	why := e.Err.Error()
	switch {
	case errors.Is(e.Err, syscall.EADDRINUSE):
		why = "is in use by another program; stop that, or"
	case errors.Is(e.Err, syscall.EACCES):
		why = "may not be used by this user (ports below 1024 need a privilege);"
	case errors.Is(e.Err, syscall.EADDRNOTAVAIL):
		why = "is not an address of this machine;"
	default:
		why = "cannot be used: " + why + ";"
	}
	return fmt.Sprintf("httpd: address %s %s set %s (%s, %s) to another", e.Addr, why, e.Setting, flag, env)
}

// Unwrap returns the cause.
func (e *AddressError) Unwrap() error { return e.Err }

// Listen binds the addresses. On an error, an *AddressError, none is bound.
func (s *Server) Listen() error {
	for _, l := range []struct {
		addr, setting string
		tls           bool
	}{{s.opt.HTTP.HTTPSListen, "http.https_listen", true}, {s.opt.HTTP.Listen, "http.listen", false}} {
		if l.addr == "" {
			continue
		}
		ln, err := net.Listen("tcp", l.addr)
		if err != nil {
			s.closeListeners()
			return &AddressError{l.addr, l.setting, err}
		}
		if a, ok := ln.Addr().(*net.TCPAddr); s.opt.Dev && (!ok || !a.IP.IsLoopback()) {
			ln.Close()
			s.closeListeners()
			return &AddressError{l.addr, l.setting, fmt.Errorf("development mode listens on loopback only, this is %s", ln.Addr())}
		}
		limited := newLimited(ln, s.opt.HTTP.MaxConnections)
		server := s.newServer(l.tls)
		server.ConnState = limited.connState
		s.listeners = append(s.listeners, &listener{limited, l.tls, server})
	}
	if s.opt.HTTP.HTTPSListen == "" && !s.opt.Dev && !auth.IsLoopbackHost(s.opt.HTTP.Listen) {
		s.opt.Log.Warn("HTTPS is off: secrets cross the network in clear and browsers give no microphone", "setting", "http.https_listen")
	}
	return nil
}

func (s *Server) closeListeners() {
	for _, l := range s.listeners {
		l.Close()
	}
	s.listeners = nil
}

func (s *Server) newServer(secure bool) *http.Server {
	h := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		// Handshakes broken off by port scanners are no news.
		ErrorLog: slog.NewLogLogger(s.opt.Log.Handler(), slog.LevelDebug),
	}
	if secure {
		h.TLSConfig = &tls.Config{GetCertificate: s.opt.GetCertificate, MinVersion: tls.VersionTLS12}
	}
	return h
}

// Serve answers until ctx is done, then finishes running requests for a short
// while. It returns nil after a clean stop.
func (s *Server) Serve(ctx context.Context) error {
	errs := make(chan error, len(s.listeners))
	for _, l := range s.listeners {
		go func() {
			if l.tls {
				errs <- l.server.ServeTLS(l, "", "")
			} else {
				errs <- l.server.Serve(l)
			}
		}()
	}
	var failed error
	running := len(s.listeners)
	select {
	case <-ctx.Done():
	case failed = <-errs:
		running--
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	for _, l := range s.listeners {
		if err := l.server.Shutdown(stop); err != nil {
			l.server.Close()
		}
	}
	for range running {
		if err := <-errs; failed == nil && !errors.Is(err, http.ErrServerClosed) {
			failed = err
		}
	}
	if failed != nil && !errors.Is(failed, http.ErrServerClosed) {
		return fmt.Errorf("httpd: %w", failed)
	}
	return nil
}

// LAN returns the port at which other machines find the page, and whether by
// HTTPS; 0 if they do not. Listen must have been called.
func (s *Server) LAN() (port int, secure bool) {
	for _, l := range s.listeners {
		a, ok := l.Addr().(*net.TCPAddr)
		if !ok || a.IP.IsLoopback() || !l.tls && s.opt.HTTP.HTTPSListen != "" {
			continue
		}
		return a.Port, l.tls
	}
	return 0, false
}

// URLs returns where a browser finds the page, the best first. Listen must
// have been called.
func (s *Server) URLs() []string {
	var out []string
	for _, l := range s.listeners {
		a, ok := l.Addr().(*net.TCPAddr)
		if !ok {
			continue
		}
		scheme, port := "http", strconv.Itoa(a.Port)
		if l.tls {
			scheme = "https"
		}
		hosts := []string{a.IP.String()}
		if a.IP.IsUnspecified() {
			hosts = reachableHosts()
			if !l.tls && s.opt.HTTP.HTTPSListen != "" {
				hosts = []string{"localhost"} // elsewhere it only redirects
			}
		}
		for _, h := range hosts {
			out = append(out, scheme+"://"+net.JoinHostPort(h, port)+"/")
		}
	}
	return out
}

func reachableHosts() []string {
	var out []string
	if addrs, err := net.InterfaceAddrs(); err == nil {
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.IsGlobalUnicast() {
				out = append(out, n.IP.String())
			}
		}
	}
	if h, err := os.Hostname(); err == nil && h != "" {
		short, _, _ := strings.Cut(h, ".")
		out = append(out, short+".local")
	}
	return append(out, "localhost")
}
