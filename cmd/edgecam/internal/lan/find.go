package lan

import (
	"cmp"
	"context"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/pion/mdns/v2"
)

// maxFound bounds what a hostile neighbour can make Find keep.
const maxFound = 1000

// Found is a node that was seen on the local network. What it says of itself
// is not proven: the page's certificate and password are.
type Found struct {
	Name    string     `json:"name"`
	URL     string     `json:"url"`
	Host    string     `json:"host"`
	Addr    netip.Addr `json:"address"`
	Port    int        `json:"port"`
	Version string     `json:"version,omitempty"`
	Board   string     `json:"board,omitempty"`
}

// Find returns the nodes that answer until ctx is done, by name.
func Find(ctx context.Context) ([]Found, error) {
	ifaces, _ := networks()
	return find(ctx, ifaces)
}

func find(ctx context.Context, ifaces []net.Interface) ([]Found, error) {
	conn, err := open(ifaces, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	defer closeConn(conn)
	var mu sync.Mutex
	found := map[string]Found{}
	conn.OnServiceDiscovered(func(e mdns.ServiceEvent) {
		mu.Lock()
		defer mu.Unlock()
		if _, known := found[e.Instance.Instance]; known || len(found) < maxFound {
			found[e.Instance.Instance] = seen(e)
		}
	})
	if err := conn.Browse(ctx, ServiceType); err != nil {
		return nil, err
	}
	<-ctx.Done()
	mu.Lock()
	defer mu.Unlock()
	all := make([]Found, 0, len(found))
	for _, f := range found {
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b Found) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

// seen translates an answer. Texts that cannot be shown are cut to what can.
func seen(e mdns.ServiceEvent) Found {
	f := Found{
		Name: label(e.Instance.Instance), Host: strings.TrimSuffix(label(e.Instance.Host), "."),
		Addr: e.Addr.WithZone(""), Port: int(e.Instance.Port),
	}
	scheme := "http"
	for _, t := range e.Instance.Text {
		switch v := string(t.Value); strings.ToLower(t.Key) {
		case "tls":
			if v == "1" {
				scheme = "https"
			}
		case "version":
			f.Version = label(v)
		case "board":
			f.Board = label(v)
		}
	}
	f.URL = scheme + "://" + net.JoinHostPort(e.Addr.WithZone("").String(), strconv.Itoa(f.Port)) + "/"
	return f
}
