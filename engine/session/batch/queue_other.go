//go:build !linux

package batch

import (
	"net"
	"net/netip"
)

// queue holds nothing on systems without sendmmsg.
type queue struct{}

func newQueue(*net.UDPConn) *queue             { return &queue{} }
func (*queue) works() bool                     { return false }
func (*queue) reaches(netip.Addr) bool         { return false }
func (*queue) len() int                        { return 0 }
func (*queue) add([]byte, netip.AddrPort) bool { return true }
func (*queue) send(*Sender)                    {}
