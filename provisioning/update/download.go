package update

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/edgecam/edgecam/internal/durable"
)

// reserve is what an update leaves free for everything else.
const reserve = 8 << 20

// syncEvery bounds what a power cut costs of a download.
const syncEvery = 1 << 20

func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || err != nil && strings.Contains(err.Error(), "no space left")
}

// Client returns an HTTP client for updates: HTTPS only, TLS 1.2 or newer, few
// redirects, no waiting without end. cfg, which may be nil, has the roots.
func Client(cfg *tls.Config) *http.Client {
	if cfg == nil {
		cfg = &tls.Config{}
	}
	cfg = cfg.Clone()
	cfg.MinVersion = max(cfg.MinVersion, tls.VersionTLS12)
	return &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: cfg, TLSHandshakeTimeout: 20 * time.Second, ResponseHeaderTimeout: 30 * time.Second,
			MaxResponseHeaderBytes: 64 << 10, DisableCompression: true, DisableKeepAlives: true, ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if r.URL.Scheme != "https" || len(via) >= 5 {
				return fmt.Errorf("update: redirected to %s: only https, at most five times", r.URL.Redacted())
			}
			return nil
		},
	}
}

// Fetch gets a signed manifest.
func Fetch(ctx context.Context, client *http.Client, from *url.URL) ([]byte, error) {
	if from.Scheme != "https" {
		return nil, fail(CodeDownload, "%s: only https is taken", from.Redacted())
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from.String(), nil)
	if err != nil {
		return nil, &Error{CodeDownload, err}
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, &Error{CodeDownload, err}
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fail(CodeDownload, "%s: %s", from.Redacted(), res.Status)
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, MaxManifest+1))
	if err != nil {
		return nil, &Error{CodeDownload, err}
	}
	if len(data) > MaxManifest {
		return nil, fail(CodeFormat, "%s is longer than the %d bytes of a manifest", from.Redacted(), MaxManifest)
	}
	return data, nil
}

// errAnew tells that what is there cannot be continued.
var errAnew = errors.New("update: download to be begun anew")

// download returns the name of a file that is complete, synced and right. What
// an earlier attempt brought, even before a restart, is continued.
func (u *Updater) download(ctx context.Context, from *url.URL, p Program) (string, error) {
	name, have, err := u.resumed(p)
	if err != nil {
		return name, err
	}
	free, err := u.opt.FS.Free()
	if err != nil {
		return name, storage(err)
	}
	if need := p.Size - have + reserve; free < need {
		return name, fail(CodeSpace, "%d MB are free, %d MB are needed", free>>20, need>>20)
	}
	continued := have > 0
	for attempt := 0; ; attempt++ {
		if have < p.Size {
			have, err = u.transfer(ctx, from, p, name, have)
		}
		if err == nil && have == p.Size {
			sum, herr := u.hashed(name)
			if herr != nil {
				return name, herr
			}
			if sum == p.SHA256 {
				return name, nil
			}
			if err := u.discard(name); err != nil {
				return name, err
			}
			if !continued {
				return name, fail(CodeHash, "%s is not what the manifest describes", from.Redacted())
			}
			// The part from before may have lost content with the power.
			have, continued = 0, false
			continue
		}
		if errors.Is(err, errAnew) {
			if err := u.discard(name); err != nil {
				return name, err
			}
			have, continued = 0, false
		} else if CodeOf(err) == CodeSpace || CodeOf(err) == CodeState {
			return name, errors.Join(err, u.discard(name))
		} else {
			continued = true
		}
		if ctx.Err() != nil {
			return name, &Error{CodeDownload, ctx.Err()}
		}
		if attempt+1 >= u.opt.Attempts {
			return name, fail(CodeDownload, "%s: given up after %d attempts with %d of %d bytes: %w", from.Redacted(), attempt+1, have, p.Size, err)
		}
		u.opt.Log.Warn("download interrupted", "bytes", have, "of_bytes", p.Size, "attempt", attempt+1, "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(min(u.opt.Pause<<attempt, time.Minute)):
		}
	}
}

// transfer appends to the part what is missing, and returns its length.
func (u *Updater) transfer(ctx context.Context, from *url.URL, p Program, name string, have int64) (int64, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stall := time.AfterFunc(u.opt.Stall, cancel)
	defer stall.Stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from.String(), nil)
	if err != nil {
		return have, &Error{CodeDownload, err}
	}
	if have > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
	}
	res, err := u.opt.HTTP.Do(req)
	if err != nil {
		return have, err
	}
	defer res.Body.Close()
	switch {
	case have > 0 && res.StatusCode == http.StatusPartialContent:
		var first, last, total int64
		if n, _ := fmt.Sscanf(res.Header.Get("Content-Range"), "bytes %d-%d/%d", &first, &last, &total); n != 3 || first != have || total != p.Size {
			return have, fmt.Errorf("%w: the server has %q", errAnew, res.Header.Get("Content-Range"))
		}
	case have > 0 && (res.StatusCode == http.StatusOK || res.StatusCode == http.StatusRequestedRangeNotSatisfiable):
		return have, fmt.Errorf("%w: the server cannot continue (%s)", errAnew, res.Status)
	case res.StatusCode != http.StatusOK:
		return have, fail(CodeDownload, "%s", res.Status)
	}
	f, err := u.opt.FS.Append(name)
	if err != nil {
		return have, storage(err)
	}
	n, err := u.copy(f, res.Body, p.Size-have, stall)
	have += n
	if cerr := errors.Join(f.Sync(), f.Close()); cerr != nil && CodeOf(err) == "" {
		return have, storage(cerr)
	}
	if err == nil && have < p.Size {
		err = fmt.Errorf("update: %w: %d of %d bytes", io.ErrUnexpectedEOF, have, p.Size)
	}
	return have, err
}

// copy writes at most limit bytes, syncing now and then.
func (u *Updater) copy(f durable.File, body io.Reader, limit int64, stall *time.Timer) (int64, error) {
	buf := make([]byte, 64<<10)
	var n, synced int64
	for n < limit {
		k, err := body.Read(buf[:min(int64(len(buf)), limit-n)])
		if k > 0 {
			stall.Reset(u.opt.Stall)
			if _, werr := f.Write(buf[:k]); werr != nil {
				return n, storage(werr)
			}
			n += int64(k)
			if n-synced >= syncEvery {
				synced = n
				if serr := f.Sync(); serr != nil {
					return n, storage(serr)
				}
			}
		}
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}
