// Package command takes a fleet's commands: it checks signature, addressee,
// freshness and repetition, writes the command's id to a journal before
// anything happens, runs it, and answers. A command that must not happen twice
// does not, whatever is repeated, replayed or cut short.
package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/edgecam/edgecam/internal/durable"
	"github.com/edgecam/edgecam/provisioning/wire"
)

// Op is a command that the node knows.
type Op struct {
	Name string
	// Signed demands a signature by a key of the fleet's set. A signature that
	// is there must be right in any case.
	Signed bool
	// MaxTTL is the longest life a command may claim; default 1 h.
	MaxTTL time.Duration
	// Timeout ends Run's context; default 30 s.
	Timeout time.Duration
	// Restarts tells that the command ends this program: if the journal knows
	// of its begin alone after a start, it was carried out.
	Restarts bool
	// Final tells that Run answers by itself and that nothing is journalled
	// after it has succeeded: there is no journal any more.
	Final bool
	// Run carries the command out. The result is answered as JSON.
	Run func(ctx context.Context, c Call) (any, error)
	// After, if set, is called when the answer is on its way.
	After func()
}

// Call is a command being run.
type Call struct {
	ID     string
	Args   json.RawMessage // nil or one JSON value
	Signer string          // key id, "" if not signed
}

// Decode decodes a call's arguments strictly into v; none leave v as it is.
func (c Call) Decode(v any) error {
	if len(c.Args) == 0 {
		return nil
	}
	if err := wire.Decode(c.Args, wire.MaxMessage, v); err != nil {
		return Failure("args", err)
	}
	return nil
}

// CodeError is an error with a code for the answer.
type CodeError struct {
	Code string
	Err  error
}

// Error implements error.
func (e *CodeError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *CodeError) Unwrap() error { return e.Err }

// Failure gives an error a code.
func Failure(code string, err error) error { return &CodeError{code, err} }

// Options make a Runner.
type Options struct {
	Node string
	Keys func() wire.KeySet
	// Session returns number and nonce of the present connection's birth.
	Session func() (uint64, string)
	// Now returns the time, and false if the clock was never set.
	Now func() (time.Time, bool)
	Ops []Op
	// Ack sends an answer; it must not block for long.
	Ack func(wire.Ack)
	Log *slog.Logger
}

// Limits.
const (
	maxJournal = 256
	maxWaiting = 16
	defaultTTL = time.Hour
	skew       = 2 * time.Minute // how far the issuer's clock may be ahead
	maxResult  = 256             // bytes of a result that the journal keeps
)

// Codes of answers.
const (
	codeFormat      = "format"
	codeSignature   = "signature"
	codeUnsigned    = "unsigned"
	codeRetained    = "retained"
	codeAddressee   = "addressee"
	codeUnknownOp   = "unknown-op"
	codeTTL         = "ttl"
	codeFuture      = "future"
	codeSession     = "session"
	codeBusy        = "busy"
	codeJournal     = "journal"
	codeInterrupted = "interrupted"
	codeError       = "error"
)

// Runner runs commands, one at a time in the order of their coming. Handle may
// be called from one goroutine while Run runs in another.
type Runner struct {
	opt   Options
	fsys  durable.FS
	ops   map[string]Op
	queue chan task
	cut   []string // commands that a former start began and did not end
	journal
}

type task struct {
	op   Op
	call Call
}

// Open reads the journal in fsys.
func Open(fsys durable.FS, opt Options) (*Runner, error) {
	r := &Runner{opt: opt, fsys: fsys, ops: map[string]Op{}, queue: make(chan task, maxWaiting)}
	if r.opt.Log == nil {
		r.opt.Log = slog.New(slog.DiscardHandler)
	}
	for _, op := range opt.Ops {
		if op.MaxTTL <= 0 {
			op.MaxTTL = defaultTTL
		}
		if op.Timeout <= 0 {
			op.Timeout = 30 * time.Second
		}
		r.ops[op.Name] = op
	}
	if err := r.journal.load(fsys); err != nil {
		return nil, err
	}
	for _, e := range r.journal.open() {
		r.cut = append(r.cut, e.ID)
	}
	return r, nil
}

// Ops returns the names of the commands, sorted.
func (r *Runner) Ops() []string {
	var out []string
	for name := range r.ops {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// Interrupted ends the commands that a former start of the program began and did
// not end, and answers them. It is called when answers can be sent, from one
// goroutine, and may be called at each connection: what runs now is left alone.
func (r *Runner) Interrupted() error {
	for _, e := range r.journal.open() {
		if !slices.Contains(r.cut, e.ID) {
			continue
		}
		ack := wire.Ack{ID: e.ID, State: wire.AckFailed, Code: codeInterrupted, Text: "the node lost its power or was stopped meanwhile"}
		if r.ops[e.Op].Restarts {
			ack = wire.Ack{ID: e.ID, State: wire.AckDone}
		}
		if err := r.journal.end(ack); err != nil {
			return err
		}
		r.opt.Ack(ack)
	}
	return nil
}

// Handle takes a message of dn/cmd. When it returns, the command is in the
// journal or has been answered with a refusal.
func (r *Runner) Handle(payload []byte, retained bool) {
	c, op, signer, refusal := r.admit(payload, retained)
	if refusal.State != "" {
		r.opt.Log.Warn("command refused", "id", c.ID, "op", c.Op, "state", refusal.State, "code", refusal.Code)
		if refusal.ID = c.ID; wire.ValidMessageID(c.ID) {
			r.opt.Ack(refusal)
		}
		return
	}
	call := Call{c.ID, c.Args, signer}
	// Room in the queue first: what is in the journal must run.
	if len(r.queue) == cap(r.queue) {
		r.opt.Ack(wire.Ack{ID: c.ID, State: wire.AckRejected, Code: codeBusy, Text: "too many commands wait"})
		return
	}
	if err := r.journal.begin(entry{ID: c.ID, Op: c.Op, Expires: c.Issued + c.TTL, Session: c.Session}); err != nil {
		r.opt.Log.Error("command not journalled", "id", c.ID, "op", c.Op, "error", err)
		r.opt.Ack(wire.Ack{ID: c.ID, State: wire.AckRejected, Code: codeJournal, Text: err.Error()})
		return
	}
	r.opt.Log.Info("command accepted", "id", c.ID, "op", c.Op, "signer", signer)
	r.opt.Ack(wire.Ack{ID: c.ID, State: wire.AckAccepted})
	r.queue <- task{op, call}
}

func refuse(state, code, text string) wire.Ack { return wire.Ack{State: state, Code: code, Text: text} }

// admit decides whether a command may run.
func (r *Runner) admit(payload []byte, retained bool) (c wire.Command, op Op, signer string, refusal wire.Ack) {
	var e wire.Envelope
	if err := wire.Decode(payload, wire.MaxMessage, &e); err != nil {
		return c, op, "", refuse(wire.AckRejected, codeFormat, err.Error())
	}
	inner, err := e.Bytes()
	if err == nil {
		err = wire.Decode(inner, wire.MaxMessage, &c)
	}
	if err != nil || !wire.ValidMessageID(c.ID) {
		return c, op, "", refuse(wire.AckRejected, codeFormat, "not a command")
	}
	op, known := r.ops[c.Op]
	now, synced := r.opt.Now()
	ttl := time.Duration(c.TTL) * time.Second
	switch {
	case c.Node != r.opt.Node:
		return c, op, "", refuse(wire.AckRejected, codeAddressee, "the command is for another node")
	case retained:
		// A retained command comes again with every connection.
		return c, op, "", refuse(wire.AckRejected, codeRetained, "commands must not be retained")
	case !known:
		return c, op, "", refuse(wire.AckRejected, codeUnknownOp, "this node does not know the command")
	}
	if e.Sig != "" || op.Signed {
		at := now
		if !synced {
			at = time.Time{}
		}
		if _, err := r.opt.Keys().Verify(wire.ContextCommand, e, c.Op, at); err != nil {
			code := codeSignature
			if errors.Is(err, wire.ErrUnsigned) {
				code = codeUnsigned
			}
			return c, op, "", refuse(wire.AckRejected, code, err.Error())
		}
		signer = e.KeyID
	}
	if former, ok := r.journal.find(c.ID); ok {
		return c, op, signer, former
	}
	if a := r.fresh(c, op, now, synced, ttl); a.State != "" {
		return c, op, signer, a
	}
	session, _ := r.opt.Session()
	if !r.journal.room(now, synced, session) {
		return c, op, signer, refuse(wire.AckRejected, codeBusy, "too many commands in too short a time")
	}
	return c, op, signer, wire.Ack{}
}

// fresh decides whether a command is neither old nor from the future. Without
// a clock only the present connection's nonce can tell.
func (r *Runner) fresh(c wire.Command, op Op, now time.Time, synced bool, ttl time.Duration) wire.Ack {
	session, nonce := r.opt.Session()
	if c.Session != 0 || c.Nonce != "" || !synced {
		if c.Session != session || c.Nonce != nonce || nonce == "" {
			return refuse(wire.AckRejected, codeSession, "the command is not for the present connection")
		}
	}
	if c.TTL <= 0 || c.TTL > int64(op.MaxTTL/time.Second) {
		return refuse(wire.AckRejected, codeTTL, fmt.Sprintf("ttl_s must be 1 to %d", int64(op.MaxTTL/time.Second)))
	}
	if !synced {
		return wire.Ack{}
	}
	issued := time.Unix(c.Issued, 0)
	switch {
	case issued.After(now.Add(skew)):
		return refuse(wire.AckRejected, codeFuture, "issued in the future; is a clock wrong?")
	case now.After(issued.Add(ttl)) || c.Issued+c.TTL <= r.journal.floor():
		return refuse(wire.AckExpired, codeTTL, "the command is too old")
	}
	return wire.Ack{}
}

// Run carries commands out until ctx is done.
func (r *Runner) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case t := <-r.queue:
			r.run(ctx, t)
		}
	}
}

func (r *Runner) run(ctx context.Context, t task) {
	ctx, cancel := context.WithTimeout(ctx, t.op.Timeout)
	defer cancel()
	result, err := t.op.Run(ctx, t.call)
	if err == nil && t.op.Final {
		return
	}
	ack := wire.Ack{ID: t.call.ID, State: wire.AckDone}
	if err != nil {
		ack.State, ack.Code, ack.Text = wire.AckFailed, codeError, err.Error()
		var ce *CodeError
		if errors.As(err, &ce) {
			ack.Code = ce.Code
		}
	} else if result != nil {
		if ack.Result, err = json.Marshal(result); err != nil {
			ack.State, ack.Code, ack.Text = wire.AckFailed, codeError, err.Error()
		}
	}
	// Without this record the command stays known as begun: it is not run
	// again, only its result is lost.
	if err := r.journal.end(ack); err != nil {
		r.opt.Log.Error("command's end not journalled", "id", ack.ID, "error", err)
	}
	r.opt.Log.Info("command ended", "id", ack.ID, "op", t.op.Name, "state", ack.State, "code", ack.Code)
	r.opt.Ack(ack)
	if t.op.After != nil && ack.State == wire.AckDone {
		t.op.After()
	}
}
