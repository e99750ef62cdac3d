package batch

import (
	"net/netip"
	"syscall"
	"testing"
	"time"
)

// processorTime is the process's, user's and system's together.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkPictures sends a picture of five packets, or a packet of sound, to each of
// 50 receivers, which do not read. cpu-ns/packet is the processor's time, whoever
// else keeps the machine busy.
func BenchmarkPictures(b *testing.B) {
	for _, c := range []struct {
		name    string
		packets int
		hold    bool
	}{{"picture/single", 5, false}, {"picture/batch", 5, true}, {"sound/single", 1, false}, {"sound/batch", 1, true}} {
		b.Run(c.name, func(b *testing.B) {
			from, _ := open(b, "udp", "127.0.0.1:0")
			var to []netip.AddrPort
			for range 50 {
				_, a := open(b, "udp", "127.0.0.1:0")
				to = append(to, a)
			}
			s := New(from)
			data := datagram(1, 1100)
			if c.packets == 1 {
				data = data[:160]
			}
			began := processorTime(b)
			for b.Loop() {
				if c.hold {
					s.Hold()
				}
				for _, a := range to {
					for range c.packets {
						_, _ = s.WriteToAddrPort(data, a)
					}
				}
				if c.hold {
					s.Flush()
				}
			}
			b.ReportMetric(float64(processorTime(b)-began)/float64(b.N*c.packets*len(to)), "cpu-ns/packet")
		})
	}
}
