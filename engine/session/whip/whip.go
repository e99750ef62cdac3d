// Package whip sends a node's picture and sound to a server that passes them on
// to many viewers (an SFU), by WHIP (RFC 9725): when there are more viewers than
// the node's uplink carries, or as a recording elsewhere. It does not give up:
// what fails is tried again after pauses with jitter, for ever.
package whip

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/edgecam/edgecam/engine/session"
)

const (
	typeSDP        = "application/sdp"
	maxAnswer      = 64 << 10
	requestTimeout = 10 * time.Second

	// firstPause doubles with each failure up to longestPause. After a session of
	// stableAfter the range begins anew.
	firstPause, longestPause = time.Second, 60 * time.Second
	stableAfter              = 30 * time.Second
)

// ErrProtocol is wrapped by errors about answers that are not those of a WHIP
// server.
var ErrProtocol = errors.New("whip: not a WHIP answer")

// StatusError is the refusal of a WHIP server.
type StatusError struct {
	Code       int
	RetryAfter time.Duration // 0 if the server does not say
}

// Error says what was refused and what to do.
func (e *StatusError) Error() string {
	hint := ""
	switch e.Code {
	case http.StatusUnauthorized, http.StatusForbidden:
		hint = ": the server wants another token"
	case http.StatusNotFound:
		hint = ": there is no WHIP endpoint at this address"
	case http.StatusConflict:
		hint = ": somebody publishes there already"
	}
	return fmt.Sprintf("whip: the server answers %d %s%s", e.Code, http.StatusText(e.Code), hint)
}

// Options make a Publisher.
type Options struct {
	// URL is the endpoint, such as https://sfu.example/door/whip.
	URL string
	// Token is sent as a bearer token, if there is one; it is never logged and not
	// sent to another host.
	Token string
	// HTTP does the requests; nil means http.DefaultClient.
	HTTP *http.Client
	Log  *slog.Logger
	// Pause, for tests, replaces the first pause.
	Pause time.Duration
}

// Publisher publishes a manager's media. Make one with New.
type Publisher struct {
	m    *session.Manager
	opt  Options
	url  *url.URL
	live atomic.Bool
	n    atomic.Uint64
}

// New checks the options. Run publishes.
func New(m *session.Manager, opt Options) (*Publisher, error) {
	u, err := url.Parse(opt.URL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return nil, fmt.Errorf("whip: address %q must be like https://sfu.example/door/whip", opt.URL)
	}
	if opt.HTTP == nil {
		opt.HTTP = http.DefaultClient
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Pause <= 0 {
		opt.Pause = firstPause
	}
	// A token goes to the host that it was given for, alone.
	client := *opt.HTTP
	client.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if len(via) > 5 || r.URL.Host != u.Host || r.URL.Scheme != u.Scheme {
			return fmt.Errorf("%w: redirected to another host", ErrProtocol)
		}
		return nil
	}
	opt.HTTP = &client
	return &Publisher{m: m, opt: opt, url: u}, nil
}

// Live reports whether media flows to the server; Sessions counts those that were
// made.
func (p *Publisher) Live() bool { return p.live.Load() }

// Sessions counts the sessions that the server has accepted.
func (p *Publisher) Sessions() uint64 { return p.n.Load() }

// Run publishes until the context is done, and then tells the server.
func (p *Publisher) Run(ctx context.Context) {
	for failures := 0; ctx.Err() == nil; {
		began := time.Now()
		err := p.publish(ctx)
		p.live.Store(false)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > stableAfter {
			failures = 0
		}
		pause := p.pause(failures, err)
		failures++
		p.opt.Log.Warn("uplink not connected", "server", p.url.Host, "pause_ms", pause.Milliseconds(), "error", err)
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}

// pause has full jitter above half of the range, so that the cameras of a house do
// not come back in one moment. Refusals that do not go away by themselves are
// met with the longest.
func (p *Publisher) pause(failures int, err error) time.Duration {
	most := min(p.opt.Pause<<min(failures, 10), max(longestPause, p.opt.Pause))
	var se *StatusError
	if errors.As(err, &se) {
		if se.Code == http.StatusUnauthorized || se.Code == http.StatusForbidden {
			most = max(longestPause, p.opt.Pause)
		}
		most = max(most, min(2*se.RetryAfter, time.Hour))
	}
	return most/2 + rand.N(most/2+1)
}

// publish is one session, until it ends.
func (p *Publisher) publish(ctx context.Context) error {
	v, offer, err := p.m.Publish(ctx, "uplink")
	if err != nil {
		return err
	}
	defer v.Close("uplink ends")
	resource, answer, err := p.post(ctx, offer)
	if err != nil {
		return err
	}
	defer p.remove(ctx, resource)
	if err := v.Accept(answer); err != nil {
		return err
	}
	p.n.Add(1)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-v.Done():
			return errors.New("whip: the connection to the server was lost")
		case <-tick.C:
			if !p.live.Load() && !v.Info().ConnectedAt.IsZero() {
				p.live.Store(true)
				tick.Reset(time.Hour)
				p.opt.Log.Info("uplink connected", "server", p.url.Host)
			}
		}
	}
}

func (p *Publisher) post(ctx context.Context, offer string) (resource *url.URL, answer string, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.opt.URL, strings.NewReader(offer))
	if err != nil {
		return nil, "", fmt.Errorf("whip: %w", err)
	}
	r.Header.Set("Content-Type", typeSDP)
	r.Header.Set("Accept", typeSDP)
	resp, err := p.do(r)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		e := &StatusError{Code: resp.StatusCode}
		if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s > 0 {
			e.RetryAfter = time.Duration(min(s, 3600)) * time.Second
		}
		return nil, "", e
	}
	if t, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil || t != typeSDP {
		return nil, "", fmt.Errorf("%w: Content-Type %q instead of %s", ErrProtocol, resp.Header.Get("Content-Type"), typeSDP)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil || len(b) > maxAnswer {
		return nil, "", fmt.Errorf("%w: the answer is cut off or longer than %d bytes", ErrProtocol, maxAnswer)
	}
	if where := resp.Header.Get("Location"); where != "" {
		if resource, err = resp.Request.URL.Parse(where); err != nil || resource.Host != resp.Request.URL.Host || resource.Scheme != resp.Request.URL.Scheme {
			return nil, "", fmt.Errorf("%w: Location %q is at another host", ErrProtocol, where)
		}
	}
	return resource, string(b), nil
}

func (p *Publisher) do(r *http.Request) (*http.Response, error) {
	if p.opt.Token != "" {
		r.Header.Set("Authorization", "Bearer "+p.opt.Token)
	}
	resp, err := p.opt.HTTP.Do(r)
	if err != nil {
		return nil, fmt.Errorf("whip: %w", err)
	}
	return resp, nil
}

// remove tells the server that the session ends; without an answer it finds out
// by itself.
func (p *Publisher) remove(ctx context.Context, resource *url.URL) {
	if resource == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout/5)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodDelete, resource.String(), nil)
	if err != nil {
		return
	}
	if resp, err := p.do(r); err == nil {
		_ = resp.Body.Close()
	}
}
