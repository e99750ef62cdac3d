package netlab

import (
	"container/heap"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	// maxFlows bounds the clients of a relay, maxPending the packets on the way.
	maxFlows, maxPending = 64, 20000
	maxPacket            = 2048
)

// RelayConfig sets a relay up.
type RelayConfig struct {
	// Target is the UDP address that clients are relayed to.
	Target netip.AddrPort
	// Listen is where clients send to; the zero value is any port on 127.0.0.1.
	Listen netip.AddrPort
	// ToServer and ToClient are the scripts of the two directions.
	ToServer, ToClient []Step
	// Trace, unless nil, decides about packets of sound to clients instead.
	Trace *Trace
	// Seed varies the randomness; every client and direction has its own.
	Seed uint64
	// Shared gives all clients the same two paths; without it each has its own.
	Shared bool
	// Download, unless 0, is when a download joins the packets to clients, in the
	// same queue, since the path's first packet. It takes Shared.
	Download time.Duration
	// Record, unless nil, is told what became of each packet to clients. It is
	// called with the relay's lock held: it must not call the relay.
	Record func(Passage)
}

// Passage is what became of a packet to a client.
type Passage struct {
	// At is when the packet came to the relay, since the path's first packet.
	At time.Duration
	// Fate is what the path did with it.
	Fate Fate
	// Bytes is its size with UDP's and IP's headers, Download whether it is one of
	// the download's.
	Bytes    int
	Download bool
}

// Relay passes UDP packets between clients and one server over bad paths.
type Relay struct {
	cfg    RelayConfig
	conn   *net.UDPConn
	wg     sync.WaitGroup
	closed chan struct{}
	wake   chan struct{}

	mu      sync.Mutex
	flows   map[netip.AddrPort]*flow
	pending deliveries
	order   int
	dropped uint64
	sent    int
	late    int      // of those sent more than 5 ms
	shared  [2]*Path // to the server, to clients
	rival   *Download
}

// flow is one client.
type flow struct {
	client    netip.AddrPort
	upstream  *net.UDPConn
	up, down  *Path
	deliverUp func([]byte)
	deliverTo func([]byte)
}

type delivery struct {
	at    time.Time
	order int
	data  []byte
	send  func([]byte)
}

type deliveries []delivery

func (d deliveries) Len() int { return len(d) }
func (d deliveries) Less(i, j int) bool {
	return d[i].at.Before(d[j].at) || d[i].at.Equal(d[j].at) && d[i].order < d[j].order
}
func (d deliveries) Swap(i, j int) { d[i], d[j] = d[j], d[i] }
func (d *deliveries) Push(x any)   { *d = append(*d, x.(delivery)) }
func (d *deliveries) Pop() any {
	last := (*d)[len(*d)-1]
	*d = (*d)[:len(*d)-1]
	return last
}

// NewRelay opens a relay; Close ends it.
func NewRelay(cfg RelayConfig) (*Relay, error) {
	if !cfg.Target.IsValid() {
		return nil, errors.New("netlab: a relay needs a target")
	}
	if !cfg.Listen.IsValid() {
		cfg.Listen = netip.MustParseAddrPort("127.0.0.1:0")
	}
	if cfg.Download > 0 && !cfg.Shared {
		return nil, errors.New("netlab: a download needs a path that is shared")
	}
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(cfg.Listen))
	if err != nil {
		return nil, fmt.Errorf("netlab: %w", err)
	}
	_ = conn.SetReadBuffer(1 << 20)
	r := &Relay{cfg: cfg, conn: conn, closed: make(chan struct{}), wake: make(chan struct{}, 1), flows: map[netip.AddrPort]*flow{}}
	if cfg.Shared {
		r.shared = [2]*Path{NewPath(cfg.Seed, cfg.ToServer...), NewPath(cfg.Seed+1, cfg.ToClient...)}
	}
	r.wg.Go(r.read)
	r.wg.Go(r.deliver)
	if cfg.Download > 0 {
		r.rival = NewDownload()
		r.wg.Go(r.download)
	}
	return r, nil
}

// Addr is where clients send to.
func (r *Relay) Addr() netip.AddrPort { return r.conn.LocalAddr().(*net.UDPAddr).AddrPort() }

// Stats returns the counts of all clients together, and how many packets were
// dropped because the relay itself could not keep up.
func (r *Relay) Stats() (toServer, toClient PathStats, overrun uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cfg.Shared {
		return r.shared[0].Stats(), r.shared[1].Stats(), r.dropped
	}
	for _, f := range r.flows {
		toServer.add(f.up.Stats())
		toClient.add(f.down.Stats())
	}
	return toServer, toClient, r.dropped
}

// Late returns which share of packets the relay has sent more than 5 ms later than
// it should have: what a busy machine adds to the path.
func (r *Relay) Late() float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return float64(r.late) / float64(max(r.sent, 1))
}

func (s *PathStats) add(o PathStats) {
	s.Packets += o.Packets
	s.Bytes += o.Bytes
	s.Lost += o.Lost
	s.Queued += o.Queued
	s.Reordered += o.Reordered
	s.Duplicated += o.Duplicated
}

// Close ends the relay; packets on the way are lost.
func (r *Relay) Close() error {
	select {
	case <-r.closed:
		return nil
	default:
	}
	close(r.closed)
	err := r.conn.Close()
	r.mu.Lock()
	for _, f := range r.flows {
		err = errors.Join(err, f.upstream.Close())
	}
	r.mu.Unlock()
	r.wg.Wait()
	return err
}

// read takes packets from clients.
func (r *Relay) read() {
	buf := make([]byte, maxPacket)
	for {
		n, from, err := r.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue // an ICMP error of an earlier packet
		}
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		if f := r.flow(from); f != nil {
			r.submit(f.up, buf[:n], f.deliverUp, false)
		}
	}
}

func (r *Relay) flow(client netip.AddrPort) *flow {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.closed:
		return nil
	default:
	}
	if f := r.flows[client]; f != nil {
		return f
	}
	if len(r.flows) >= maxFlows {
		return nil
	}
	upstream, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(r.cfg.Target))
	if err != nil {
		return nil
	}
	_ = upstream.SetReadBuffer(1 << 20)
	seed := r.cfg.Seed + uint64(len(r.flows))*2
	f := &flow{client: client, upstream: upstream, up: NewPath(seed, r.cfg.ToServer...), down: NewPath(seed+1, r.cfg.ToClient...)}
	if r.cfg.Shared {
		f.up, f.down = r.shared[0], r.shared[1]
	}
	f.deliverUp = func(b []byte) { _, _ = upstream.Write(b) }
	f.deliverTo = func(b []byte) { _, _ = r.conn.WriteToUDPAddrPort(b, client) }
	r.flows[client] = f
	r.wg.Go(func() {
		buf := make([]byte, maxPacket)
		for {
			n, err := upstream.Read(buf)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				r.submit(f.down, buf[:n], f.deliverTo, true)
			}
		}
	})
	return f
}

// submit puts a packet on a path.
func (r *Relay) submit(p *Path, data []byte, send func([]byte), toClient bool) {
	now := time.Now()
	r.mu.Lock()
	arrivals := p.Send(len(data), now)
	if toClient {
		r.record(p, now, len(data), false)
	}
	if toClient && r.cfg.Trace != nil {
		if at, lost, mine := r.cfg.Trace.arrival(data, now); mine {
			if arrivals = arrivals[:0]; !lost {
				arrivals = append(arrivals, at)
			}
		}
	}
	for _, at := range arrivals {
		if len(r.pending) >= maxPending {
			r.dropped++
			continue
		}
		r.order++
		r.push(delivery{at, r.order, append([]byte(nil), data...), send})
	}
	r.mu.Unlock()
}

// push adds a delivery; r.mu is held.
func (r *Relay) push(d delivery) {
	heap.Push(&r.pending, d)
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// record tells what became of the packet that was sent last.
func (r *Relay) record(p *Path, now time.Time, size int, download bool) {
	if r.cfg.Record != nil {
		r.cfg.Record(Passage{At: now.Sub(p.begin), Fate: p.Fate(), Bytes: size + overhead, Download: download})
	}
}

// deliver sends packets when they arrive.
func (r *Relay) deliver() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		r.mu.Lock()
		now := time.Now()
		var due []delivery
		for len(r.pending) > 0 && !r.pending[0].at.After(now) {
			d := heap.Pop(&r.pending).(delivery)
			r.sent++
			if now.Sub(d.at) > 5*time.Millisecond {
				r.late++
			}
			due = append(due, d)
		}
		wait := time.Hour
		if len(r.pending) > 0 {
			wait = r.pending[0].at.Sub(now)
		}
		r.mu.Unlock()
		for _, d := range due {
			d.send(d.data)
		}
		if len(due) > 0 {
			continue
		}
		timer.Reset(wait)
		select {
		case <-r.closed:
			return
		case <-r.wake:
		case <-timer.C:
		}
	}
}
