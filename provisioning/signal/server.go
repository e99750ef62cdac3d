package signal

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/edgecam/edgecam/provisioning/wire"
)

// Session is one viewer's, as whoever makes sessions has it.
type Session interface {
	// Candidates adds what an SDP fragment names.
	Candidates(fragment string) error
	// Restart restarts ICE with the credentials of a fragment, and returns the
	// node's.
	Restart(ctx context.Context, fragment string) (string, error)
	Close(reason string)
	Done() <-chan struct{}
}

// Answerer makes sessions.
type Answerer interface {
	Answer(ctx context.Context, offer string, g Grant) (s Session, answer string, servers []ICEServer, err error)
}

// Options make a Server.
type Options struct {
	Node string
	Key  *ecdsa.PrivateKey // the node's signalling key
	Keys func() wire.KeySet
	// Now returns the time, and false if the clock was never set; Birth the nonce
	// of the present connection's birth.
	Now   func() (time.Time, bool)
	Birth func() (nonce string)
	// Sessions makes sessions. Publish sends a message to a viewer.
	Sessions Answerer
	Publish  func(ctx context.Context, peer string, message []byte) error
	Log      *slog.Logger
}

const (
	// maxKnown bounds the sessions that are remembered, to know them again;
	// maxBusy those that are being answered at a time.
	maxKnown, maxBusy = 1024, 8
	// maxEarly bounds the messages with candidates that wait for the answer.
	maxEarly       = 16
	answerTimeout  = 10 * time.Second
	publishTimeout = 10 * time.Second
)

// Server is the node's side. Make one with New; Handle takes messages, Close ends
// its sessions.
type Server struct {
	opt    Options
	key    string
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	busy   chan struct{}

	mu    sync.Mutex
	known map[string]*entry // by peer and session
	nonce string            // of the birth that the entries without a clock are for
}

// entry is a session that was begun.
type entry struct {
	mu      sync.Mutex // one message at a time
	session Session    // nil until answered, and afterwards
	seq     uint64     // last of the viewer's
	out     uint64     // last of the node's
	until   time.Time  // when it may be forgotten; zero: while there is no clock
	live    bool
	early   []string // candidates that came while the offer was not yet answered
}

// New returns a server.
func New(opt Options) *Server {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{opt: opt, key: PublicKey(&opt.Key.PublicKey), known: map[string]*entry{}, busy: make(chan struct{}, maxBusy)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Close ends the sessions and waits for what is under way.
func (s *Server) Close() {
	s.cancel()
	s.mu.Lock()
	for _, e := range s.known {
		if e.session != nil {
			e.session.Close("node stops")
		}
	}
	s.mu.Unlock()
	s.wg.Wait()
}

// Handle takes a message from the broker. It does not wait: beyond a number under
// way, messages are dropped. Strangers get no answer.
func (s *Server) Handle(message []byte, retained bool) {
	b, g, payload, err := s.admit(message, retained)
	if errors.Is(err, errNonce) && (b.Type == TypeOffer || b.Type == TypeRestart) {
		// The viewer is told the nonce that its messages must have.
		e := s.find(b)
		s.run(func() {
			e.mu.Lock()
			defer e.mu.Unlock()
			s.reply(e, b, payload, Body{Type: TypeError, Error: errNonce.Error(), Nonce: s.opt.Birth()})
		})
		return
	}
	if err != nil {
		s.opt.Log.Debug("signalling refused", "error", err)
		return
	}
	e, err := s.place(b)
	if err != nil {
		s.opt.Log.Debug("signalling refused", "peer", b.Peer, "error", err)
		return
	}
	if !s.run(func() { s.act(e, b, g, payload) }) {
		s.opt.Log.Warn("signalling dropped, too much is under way", "peer", b.Peer)
		if b.Type == TypeOffer {
			s.forget(e)
		}
	}
}

// run does work beside, unless too much is under way or the server is closed.
func (s *Server) run(work func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return false
	}
	select {
	case s.busy <- struct{}{}:
	default:
		return false
	}
	s.wg.Go(func() {
		defer func() { <-s.busy }()
		work()
	})
	return true
}

// errNonce says that the sender is who it should be, and that this node, which has
// no clock, cannot tell when the message was sent.
var errNonce = fmt.Errorf("%w: this node's clock is not set: send the offer again with its nonce", ErrReplay)

// admit checks everything about a message but whether it was seen before.
func (s *Server) admit(message []byte, retained bool) (Body, Grant, []byte, error) {
	m, b, payload, sig, err := unseal(message)
	if err != nil {
		return b, Grant{}, nil, err
	}
	if m.Grant == nil {
		return b, Grant{}, nil, fmt.Errorf("%w: no grant", ErrGrant)
	}
	now, synced := s.opt.Now()
	if !synced {
		now = time.Time{}
	}
	g, err := verifyGrant(*m.Grant, s.opt.Keys(), s.opt.Node, s.key, now)
	if err != nil {
		return b, g, nil, err
	}
	key, err := parseKey(g.Key)
	if err != nil {
		return b, g, nil, err
	}
	if !verify(key, contextRequest, payload, sig) {
		return b, g, nil, ErrSignature
	}
	switch {
	case b.Node != s.opt.Node || b.Peer != Peer(g.Key):
		return b, g, nil, fmt.Errorf("%w: it is for another", ErrGrant)
	case retained:
		return b, g, nil, fmt.Errorf("%w: retained", ErrReplay)
	case !synced && (b.Nonce == "" || b.Nonce != s.opt.Birth()):
		return b, g, payload, errNonce
	case synced && (now.Sub(time.Unix(b.Time, 0)) > skew || time.Unix(b.Time, 0).Sub(now) > skew):
		return b, g, nil, fmt.Errorf("%w: it is of %s", ErrReplay, time.Unix(b.Time, 0).UTC().Format(time.RFC3339))
	}
	if b.Type == TypeOffer {
		fps, ok := fingerprints(b.SDP)
		if !ok {
			return b, g, nil, fmt.Errorf("%w: the offer has no SHA-256 fingerprint, or another", ErrFormat)
		}
		if g.Fingerprint != "" && slices.ContainsFunc(fps, func(f string) bool { return f != g.Fingerprint }) {
			return b, g, nil, fmt.Errorf("%w: it is for another DTLS certificate", ErrGrant)
		}
	}
	return b, g, payload, nil
}

// place finds a message's session, or begins one with an offer.
func (s *Server) place(b Body) (*entry, error) {
	now, synced := s.opt.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return nil, s.ctx.Err()
	}
	nonce := s.opt.Birth()
	for name, e := range s.known {
		// Without a clock a session is known for as long as its nonce is good.
		if !e.live && (!e.until.IsZero() && now.After(e.until) || e.until.IsZero() && nonce != s.nonce) {
			delete(s.known, name)
		}
	}
	s.nonce = nonce
	name := b.Peer + "/" + b.Session
	e := s.known[name]
	switch {
	case b.Type == TypeOffer && e != nil, e != nil && b.Seq <= e.seq:
		return nil, fmt.Errorf("%w: session %s, message %d", ErrReplay, b.Session, b.Seq)
	case e == nil && b.Type != TypeOffer:
		return nil, fmt.Errorf("%w: session %s is over or never was", ErrReplay, b.Session)
	case e == nil:
		if len(s.known) >= maxKnown {
			return nil, errors.New("signal: too many sessions in too short a time")
		}
		e = &entry{live: true}
		s.known[name] = e
	}
	e.seq = b.Seq
	if synced {
		e.until = now.Add(2 * skew)
	}
	return e, nil
}

// find returns the session that a message names; for none, one of nobody.
func (s *Server) find(b Body) *entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.known[b.Peer+"/"+b.Session]; e != nil {
		return e
	}
	return &entry{}
}

// act does what a message says.
func (s *Server) act(e *entry, b Body, g Grant, payload []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	ctx, cancel := context.WithTimeout(s.ctx, answerTimeout)
	defer cancel()
	s.mu.Lock()
	session, live := e.session, e.live
	s.mu.Unlock()
	switch {
	case b.Type == TypeOffer:
		made, answer, servers, err := s.opt.Sessions.Answer(ctx, b.SDP, g)
		early := e.early
		e.early = nil
		if err != nil {
			s.forget(e)
			s.reply(e, b, payload, Body{Type: TypeError, Error: err.Error()})
			return
		}
		s.mu.Lock()
		e.session = made
		s.mu.Unlock()
		s.opt.Log.Info("session over the broker", "subject", g.Subject, "peer", b.Peer)
		s.wg.Go(func() { s.watch(e, b, made) })
		s.reply(e, b, payload, Body{Type: TypeAnswer, SDP: answer, Servers: servers})
		for _, fragment := range early {
			s.candidates(made, b, fragment)
		}
	case session == nil && live && b.Type == TypeCandidates && len(e.early) < maxEarly:
		// Messages are worked on beside each other: this one was faster than its offer.
		e.early = append(e.early, b.SDP)
	case session == nil:
	case b.Type == TypeCandidates:
		s.candidates(session, b, b.SDP)
	case b.Type == TypeRestart:
		fragment, err := session.Restart(ctx, b.SDP)
		if err != nil {
			s.reply(e, b, payload, Body{Type: TypeError, Error: err.Error()})
			return
		}
		s.reply(e, b, payload, Body{Type: TypeAnswer, SDP: fragment})
	case b.Type == TypeBye:
		session.Close("ended by the viewer")
	}
}

func (s *Server) candidates(session Session, b Body, fragment string) {
	if err := session.Candidates(fragment); err != nil {
		s.opt.Log.Debug("candidates not taken", "peer", b.Peer, "error", err)
	}
}

// watch waits for the end of a session.
func (s *Server) watch(e *entry, b Body, session Session) {
	select {
	case <-session.Done():
	case <-s.ctx.Done():
		session.Close("node stops")
	}
	s.forget(e)
	e.mu.Lock()
	defer e.mu.Unlock()
	s.reply(e, b, nil, Body{Type: TypeBye})
}

func (s *Server) forget(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.session, e.live = nil, false
}

// reply answers a request, or with a nil payload speaks unasked. Called under
// e.mu.
func (s *Server) reply(e *entry, to Body, request []byte, b Body) {
	now, _ := s.opt.Now()
	e.out++
	b.Node, b.Peer, b.Session, b.Seq, b.Time = to.Node, to.Peer, to.Session, e.out, now.Unix()
	if request != nil {
		b.Request = hashOf(request)
	}
	message, _, err := seal(contextReply, s.opt.Key, nil, b)
	if err == nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), publishTimeout)
		defer cancel()
		err = s.opt.Publish(ctx, b.Peer, message)
	}
	if err != nil {
		s.opt.Log.Debug("signalling not answered", "peer", b.Peer, "error", err)
	}
}
