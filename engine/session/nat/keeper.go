package nat

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Mapped is the public address of a socket.
type Mapped struct {
	Local, Public netip.AddrPort
	// Server is who saw it.
	Server string
}

const (
	// keepEvery refreshes mappings: RFC 4787 section 4.3 wants them to last two
	// minutes, home routers have been seen to drop them after 30 s.
	keepEvery = 20 * time.Second
	// lookUpEvery is how long resolved names are believed.
	lookUpEvery = 10 * time.Minute
)

// Keeper knows the public addresses of sockets that media goes through, and keeps
// their mappings alive, so that answers can name them at once: no viewer waits
// for a STUN server, and no further port is opened.
type Keeper struct {
	uris    []URI
	sockets func() []*Socket
	log     *slog.Logger
	again   chan struct{}

	mu     sync.Mutex
	mapped []Mapped
	first  chan struct{} // closed after the first round

	targets  []target
	lookedUp time.Time
}

// NewKeeper makes a keeper for the sockets that the function returns. Servers are
// those of Config.Servers; those that cannot be asked over UDP are left out.
// Errors wrap ErrURI.
func NewKeeper(servers []string, sockets func() []*Socket, log *slog.Logger) (*Keeper, error) {
	k := &Keeper{sockets: sockets, log: log, again: make(chan struct{}, 1), first: make(chan struct{})}
	for _, s := range servers {
		u, err := ParseURI(s)
		if err != nil {
			return nil, err
		}
		if u.UDP() {
			k.uris = append(k.uris, u)
		}
	}
	return k, nil
}

// Run works until the context is done.
func (k *Keeper) Run(ctx context.Context) {
	first := sync.OnceFunc(func() { close(k.first) })
	defer first()
	if len(k.uris) == 0 {
		return
	}
	for {
		k.round(ctx)
		first()
		pause := time.NewTimer(keepEvery - rand.N(keepEvery/4))
		select {
		case <-ctx.Done():
			pause.Stop()
			return
		case <-k.again:
			pause.Stop()
		case <-pause.C:
		}
	}
}

// Refresh asks anew at once: the sockets have changed.
func (k *Keeper) Refresh() {
	select {
	case k.again <- struct{}{}:
	default:
	}
}

// Public returns the public addresses that are known; those that equal the local
// ones are not among them.
func (k *Keeper) Public() []Mapped {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.mapped)
}

// Known is closed when the first round is over.
func (k *Keeper) Known() <-chan struct{} { return k.first }

func (k *Keeper) round(ctx context.Context) {
	if time.Since(k.lookedUp) > lookUpEvery {
		k.targets = slices.DeleteFunc(resolve(ctx, k.uris, defaultTimeout), func(t target) bool { return !t.addr.IsValid() })
		if len(k.targets) > 0 {
			k.lookedUp = time.Now()
		}
	}
	sockets := k.sockets()
	found := make([]Mapped, len(sockets))
	var wg sync.WaitGroup
	for i, s := range sockets {
		wg.Go(func() { found[i] = k.look(ctx, s) })
	}
	wg.Wait()
	if ctx.Err() != nil {
		return
	}
	found = slices.DeleteFunc(found, func(m Mapped) bool { return !m.Public.IsValid() || m.Public == m.Local })
	k.mu.Lock()
	before := k.mapped
	k.mapped = found
	k.mu.Unlock()
	if !slices.Equal(before, found) {
		for _, m := range found {
			k.log.Info("public address of the media port", "local", m.Local.String(), "public", m.Public.String(), "server", m.Server)
		}
		if len(found) == 0 {
			k.log.Info("no public address of the media port is known any more")
		}
	}
}

// look asks the servers for one socket's address until one answers.
func (k *Keeper) look(ctx context.Context, s *Socket) Mapped {
	local := s.Local()
	for _, t := range k.targets {
		if t.addr.Addr().Is6() != local.Addr().Is6() || t.addr.Addr().IsLoopback() != local.Addr().IsLoopback() {
			continue
		}
		limited, cancel := context.WithTimeout(ctx, defaultTimeout)
		r, _, err := s.bind(limited, t.addr, changeNothing)
		cancel()
		if err == nil {
			return Mapped{Local: local, Public: r.answer.mapped, Server: t.url}
		}
		if ctx.Err() != nil {
			break
		}
		k.log.Debug("STUN server does not answer", "server", t.url, "local", local.String(), "error", err)
	}
	return Mapped{Local: local}
}
