package whep

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/edgecam/edgecam/engine/session"
)

// StatusError is the refusal of a WHEP server.
type StatusError struct {
	// Code is the HTTP status, Detail what the server says, if anything.
	Code   int
	Detail string
	// RetryAfter is when to try again, 0 if the server does not say.
	RetryAfter time.Duration
}

// Error says what was refused and what to do.
func (e *StatusError) Error() string {
	hint := ""
	switch e.Code {
	case http.StatusUnauthorized:
		hint = "the server wants a token, or does not know this one"
	case http.StatusForbidden:
		hint = "the token does not allow this"
	case http.StatusNotFound:
		hint = "there is no WHEP endpoint at this address"
	case http.StatusNotAcceptable:
		hint = "the server cannot serve what was offered (VP8, and the voice codecs)"
	case http.StatusTooManyRequests:
		hint = "too many attempts"
	case http.StatusServiceUnavailable:
		hint = "the server has no place free, or is starting"
	}
	s := fmt.Sprintf("whep: the server answers %d %s", e.Code, http.StatusText(e.Code))
	for _, part := range []string{hint, e.Detail} {
		if part != "" {
			s += ": " + part
		}
	}
	return s
}

// Temporary reports whether trying again can help.
func (e *StatusError) Temporary() bool {
	return e.Code >= 500 || e.Code == http.StatusTooManyRequests || e.Code == http.StatusNotFound || e.Code == http.StatusRequestTimeout
}

// ErrProtocol is wrapped by errors about answers that are not those of a WHEP
// server.
var ErrProtocol = errors.New("whep: not a WHEP answer")

// DialOptions say how to call a WHEP server.
type DialOptions struct {
	// URL is the endpoint, such as https://door.local:8443/whep.
	URL string
	// Authorization is the value of that header, such as "Bearer …"; it is never
	// logged and not sent on to another host.
	Authorization string
	// HTTP does the requests; nil means http.DefaultClient.
	HTTP *http.Client
	// Rewrite changes the answer before it is used; for tests.
	Rewrite func(answer string) string

	Call  session.CallConfig
	Hooks session.CallHooks
	Log   *slog.Logger
}

// Client is a session at a WHEP server.
type Client struct {
	*session.Call
	opts     DialOptions
	http     *http.Client
	log      *slog.Logger
	resource string // URL of the session, "" if the server gave none

	mu      sync.Mutex
	ready   bool
	etag    string
	ufrag   string
	pwd     string
	mline   string   // of the section that carries the bundle
	pending []string // candidates found before the session had a name
	work    sync.WaitGroup
	ctx     context.Context // of requests in the background
	cancel  context.CancelFunc
	closing sync.Once
}

// Dial offers a call to the server and takes its answer. It does not wait for
// media: CallHooks.Connected tells. Close the client in the end. Errors:
// *StatusError, ErrProtocol, session.ErrBadAnswer, those of the HTTP client.
func Dial(ctx context.Context, o DialOptions) (*Client, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	c := &Client{opts: o, http: o.HTTP, log: o.Log}
	if c.http == nil {
		c.http = http.DefaultClient
	}
	c.ctx, c.cancel = context.WithCancel(context.WithoutCancel(ctx))
	hooks := o.Hooks
	hooks.Candidate = c.candidate
	call, err := session.NewCall(o.Call, hooks, o.Log)
	if err != nil {
		c.cancel()
		return nil, err
	}
	c.Call = call
	if err := c.dial(ctx); err != nil {
		c.Close(context.WithoutCancel(ctx))
		return nil, err
	}
	return c, nil
}

func (c *Client) dial(ctx context.Context) error {
	offer, err := c.Offer(ctx)
	if err != nil {
		return err
	}
	c.ufrag, c.pwd = sdpValue(offer, "ice-ufrag"), sdpValue(offer, "ice-pwd")
	_, media, _ := strings.Cut(offer, "\nm=")
	media, _, _ = strings.Cut(media, "\n")
	c.mline = "m=" + strings.TrimSpace(media) + "\r\na=mid:" + sdpValue(offer, "mid") + "\r\n"
	resp, err := c.do(ctx, http.MethodPost, c.opts.URL, typeSDP, offer, nil)
	if err != nil {
		return err
	}
	if resp.code != http.StatusCreated {
		return refusal(resp)
	}
	if t, _, err := mime.ParseMediaType(resp.header.Get("Content-Type")); err != nil || t != typeSDP {
		return fmt.Errorf("%w: Content-Type %q instead of %s", ErrProtocol, resp.header.Get("Content-Type"), typeSDP)
	}
	if where := resp.header.Get("Location"); where != "" {
		u, err := resp.url.Parse(where)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" {
			return fmt.Errorf("%w: Location %q is no address", ErrProtocol, where)
		}
		if !sameOrigin(u, resp.url) {
			// The token goes to the host that it was given for, alone.
			return fmt.Errorf("%w: Location %q is at another host", ErrProtocol, where)
		}
		c.resource = u.String()
	}
	answer := string(resp.body)
	if c.opts.Rewrite != nil {
		answer = c.opts.Rewrite(answer)
	}
	if err := c.Accept(answer); err != nil {
		return err
	}
	c.mu.Lock()
	c.ready, c.etag = true, resp.header.Get("ETag")
	late := c.pending
	c.pending = nil
	c.mu.Unlock()
	for _, cand := range late {
		c.candidate(cand)
	}
	return nil
}

func sameOrigin(a, b *url.URL) bool { return a.Scheme == b.Scheme && a.Host == b.Host }

// response is an answer that has been read.
type response struct {
	code   int
	header http.Header
	url    *url.URL // after redirects
	body   []byte
}

// do sends a request with the token and reads the answer.
func (c *Client) do(ctx context.Context, method, where, contentType, body string, header http.Header) (*response, error) {
	r, err := http.NewRequestWithContext(ctx, method, where, bytes.NewReader([]byte(body)))
	if err != nil {
		return nil, fmt.Errorf("whep: %w", err)
	}
	for k, v := range header {
		r.Header[k] = v
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
		r.Header.Set("Accept", contentType)
	}
	if c.opts.Authorization != "" {
		r.Header.Set("Authorization", c.opts.Authorization)
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("whep: %w", err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, MaxBodyBytes+1))
	if err != nil {
		return nil, fmt.Errorf("whep: read answer: %w", err)
	}
	if len(b) > MaxBodyBytes {
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrProtocol, MaxBodyBytes)
	}
	return &response{resp.StatusCode, resp.Header, resp.Request.URL, b}, nil
}

// refusal makes an error of an answer that is not the one hoped for.
func refusal(resp *response) error {
	e := &StatusError{Code: resp.code}
	var problem struct{ Title, Detail string }
	if json.Unmarshal(resp.body, &problem) == nil {
		if e.Detail = problem.Detail; e.Detail == "" {
			e.Detail = problem.Title
		}
	}
	if len(e.Detail) > 300 {
		e.Detail = e.Detail[:300] + "…"
	}
	after := resp.header.Get("Retry-After")
	if s, err := strconv.Atoi(after); err == nil && s >= 0 {
		e.RetryAfter = time.Duration(min(s, 3600)) * time.Second
	} else if at, err := http.ParseTime(after); err == nil {
		e.RetryAfter = min(max(time.Until(at), 0), time.Hour)
	}
	return e
}

// candidate sends an own candidate on (trickle ICE, RFC 8840).
func (c *Client) candidate(cand string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !c.ready:
		c.pending = append(c.pending, cand)
		return
	case c.resource == "" || c.ctx.Err() != nil:
		return
	}
	body := "a=ice-ufrag:" + c.ufrag + "\r\na=ice-pwd:" + c.pwd + "\r\n" + c.mline + "a=candidate:" + cand + "\r\n"
	header := http.Header{}
	if c.etag != "" {
		header.Set("If-Match", c.etag)
	}
	c.work.Add(1)
	go func() {
		defer c.work.Done()
		ctx, cancel := context.WithTimeout(c.ctx, requestTimeout)
		defer cancel()
		resp, err := c.do(ctx, http.MethodPatch, c.resource, typeSDPFrag, body, header)
		switch {
		case err != nil:
			c.log.Debug("candidate not sent", "error", err)
		case resp.code/100 != 2:
			c.log.Debug("candidate refused", "status", resp.code)
		}
	}()
}

// requestTimeout bounds requests that nobody waits for.
const requestTimeout = 5 * time.Second

// Close tells the server that the session ends (DELETE) and ends the call. It
// waits for the server for a few seconds at most.
func (c *Client) Close(ctx context.Context) {
	c.Call.End()
	c.closing.Do(func() {
		if c.resource != "" {
			ctx, cancel := context.WithTimeout(ctx, requestTimeout)
			if _, err := c.do(ctx, http.MethodDelete, c.resource, "", "", nil); err != nil {
				c.log.Debug("session not deleted", "error", err)
			}
			cancel()
		}
		c.mu.Lock()
		c.cancel()
		c.mu.Unlock()
	})
	c.Call.Close()
	c.work.Wait()
}

// sdpValue returns the value of the first attribute with that key.
func sdpValue(text, key string) string {
	for line := range strings.Lines(text) {
		if v, ok := strings.CutPrefix(line, "a="+key+":"); ok {
			return strings.TrimRight(v, "\r\n")
		}
	}
	return ""
}
