package rtsp

import (
	"crypto/rand"
	"errors"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/headers"

	"github.com/edgecam/edgecam/engine/session"
)

// handler takes the library's calls.
type handler Server

// connection is one RTSP connection. Server.mu guards the map, the rest is set
// once.
type connection struct {
	nonce string
	limit *time.Timer // ends it unless a credential comes
}

// OnConnOpen gives the connection its nonce, and time to show a credential.
func (h *handler) OnConnOpen(ctx *gortsplib.ServerHandlerOnConnOpenCtx) {
	c := ctx.Conn
	h.mu.Lock()
	defer h.mu.Unlock()
	h.conns[c] = &connection{nonce: rand.Text(), limit: time.AfterFunc(h.o.authTime, c.Close)}
}

// OnConnClose forgets it.
func (h *handler) OnConnClose(ctx *gortsplib.ServerHandlerOnConnCloseCtx) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c := h.conns[ctx.Conn]; c != nil {
		c.limit.Stop()
		delete(h.conns, ctx.Conn)
	}
}

// authorize returns the grant of a request, or the answer that refuses it. The
// error, unless nil, ends the connection.
func (h *handler) authorize(c *gortsplib.ServerConn, r *base.Request, path string) (session.Grant, *base.Response, error) {
	h.mu.Lock()
	at, ready := h.conns[c], h.admitted
	h.mu.Unlock()
	if at == nil || !ready {
		return session.Grant{}, &base.Response{StatusCode: base.StatusServiceUnavailable}, errors.New("rtsp: not ready")
	}
	remote := c.NetConn().RemoteAddr().String()
	var given *Credential
	var a headers.Authorization
	if err := a.Unmarshal(r.Header["Authorization"]); err == nil && a.Method == headers.AuthMethodDigest {
		if md5 := a.Algorithm == nil || *a.Algorithm == headers.AuthAlgorithmMD5; md5 && a.Nonce == at.nonce && a.Realm == h.o.Realm {
			given = &Credential{Username: a.Username, Nonce: a.Nonce, Method: string(r.Method), URI: a.URI, Response: a.Response}
		}
	}
	g, err := h.o.Authorize(remote, given)
	switch {
	case err == nil && g.View:
		at.limit.Stop()
	case given != nil:
		h.log.Warn("RTSP refused", "remote", remote, "user", given.Username, "reason", refusal(err))
		return session.Grant{}, h.challenge(at), errors.New("rtsp: refused")
	default:
		return session.Grant{}, h.challenge(at), nil
	}
	if path != Path {
		return session.Grant{}, &base.Response{StatusCode: base.StatusNotFound}, nil
	}
	return g, nil, nil
}

func refusal(err error) string {
	if err == nil {
		return "the credential does not allow to view"
	}
	return err.Error()
}

func (h *handler) challenge(c *connection) *base.Response {
	return &base.Response{StatusCode: base.StatusUnauthorized, Header: base.Header{
		"WWW-Authenticate": headers.Authenticate{Method: headers.AuthMethodDigest, Realm: h.o.Realm, Nonce: c.nonce}.Marshal(),
	}}
}

// OnDescribe tells what there is.
func (h *handler) OnDescribe(ctx *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if _, refused, err := h.authorize(ctx.Conn, ctx.Request, ctx.Path); refused != nil {
		return refused, nil, err
	}
	return &base.Response{StatusCode: base.StatusOK}, h.stream, nil
}

// OnSetup makes room for a reader.
func (h *handler) OnSetup(ctx *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	g, refused, err := h.authorize(ctx.Conn, ctx.Request, ctx.Path)
	if refused != nil {
		return refused, nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sets[ctx.Session] == nil {
		if len(h.sets) >= h.o.MaxReaders {
			h.log.Warn("RTSP refused: all places are taken (rtsp.max_readers)", "remote", ctx.Conn.NetConn().RemoteAddr().String(), "subject", g.Subject)
			return &base.Response{StatusCode: base.StatusServiceUnavailable}, nil, errors.New("rtsp: all places are taken")
		}
		h.sets[ctx.Session] = &reading{s: (*Server)(h), grant: g, session: ctx.Session}
	}
	return &base.Response{StatusCode: base.StatusOK}, h.stream, nil
}

// OnPlay starts sending.
func (h *handler) OnPlay(ctx *gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	h.mu.Lock()
	r := h.sets[ctx.Session]
	h.mu.Unlock()
	if r == nil {
		return &base.Response{StatusCode: base.StatusBadRequest}, errors.New("rtsp: play before setup")
	}
	if err := r.play(ctx.Conn.NetConn().RemoteAddr().String()); err != nil {
		h.log.Warn("RTSP refused", "subject", r.grant.Subject, "reason", err.Error())
		return &base.Response{StatusCode: base.StatusServiceUnavailable}, err
	}
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// OnSessionClose ends the reader.
func (h *handler) OnSessionClose(ctx *gortsplib.ServerHandlerOnSessionCloseCtx) {
	h.mu.Lock()
	r := h.sets[ctx.Session]
	delete(h.sets, ctx.Session)
	h.mu.Unlock()
	if r != nil {
		r.end(ctx.Error)
	}
}

// OnDecodeError is told of packets of readers that make no sense; they harm nobody.
func (h *handler) OnDecodeError(*gortsplib.ServerHandlerOnDecodeErrorCtx) {}

// OnStreamWriteError cannot happen: packets go to the sessions themselves.
func (h *handler) OnStreamWriteError(ctx *gortsplib.ServerHandlerOnStreamWriteErrorCtx) {
	ctx.Session.Close()
}
