package neteq

import (
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/edgecam/edgecam/engine/media"
)

// processorTime is that of this thread: what else the machine does is not in it.
func processorTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkPull plays a second of sound per operation, 16 kHz, packets of 20 ms;
// %cpu is the share of one processor.
func BenchmarkPull(b *testing.B) {
	for _, c := range []struct {
		name   string
		jitter int // blocks
		loss   float64
	}{{"clean", 1, 0}, {"jitter", 6, 0}, {"loss10", 1, 0.1}} {
		b.Run(c.name, func(b *testing.B) {
			const rate = 16000
			l := &link{rateHz: rate, x: voice(rate, 20)}
			var packets [1000]Packet
			for i := range packets {
				packets[i] = l.packet(i)
			}
			q := NewMulti(Config{})
			if err := q.Register(0, Codec{Decoder: linear{rate}}); err != nil {
				b.Fatal(err)
			}
			r := rand.New(rand.NewPCG(1, 1))
			var due [16][]int // by block, modulo
			var pcm [media.BlockSamples]int16
			n := 0
			b.ReportAllocs()
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			begin := processorTime()
			for b.Loop() {
				for range 50 {
					if r.Float64() >= c.loss {
						at := (2*n + r.IntN(c.jitter)) % len(due)
						due[at] = append(due[at], n)
					}
					for half := range 2 {
						at := (2*n + half) % len(due)
						for _, i := range due[at] {
							p := packets[i%len(packets)]
							p.SequenceNumber, p.Timestamp = uint16(i), uint32(i*rate/50)
							q.InsertPacket(p)
						}
						due[at] = due[at][:0]
						q.PullSamples(pcm[:])
					}
					n++
				}
			}
			b.ReportMetric(float64(processorTime()-begin)/float64(b.N)/float64(time.Second)*100, "%cpu")
		})
	}
}
