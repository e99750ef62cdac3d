package jitter_test

import (
	"fmt"
	"time"

	"github.com/edgecam/edgecam/engine/video/jitter"
)

func Example() {
	b := jitter.New(jitter.Config{Immediate: true})
	now := time.Unix(1_790_000_000, 0) // the caller's clock
	b.Insert(jitter.Packet{
		SequenceNumber: 7, Timestamp: 90000, Marker: true,
		Payload: []byte{0x10, 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00},
	}, now)
	for {
		f, ok := b.Next(now)
		if !ok {
			break
		}
		fmt.Println("frame of", len(f.Data), "bytes, key:", f.Key)
	}
	if fb := b.Feedback(now); len(fb.NACK) > 0 || fb.PLI {
		fmt.Println("to be asked of the sender:", fb)
	}
	// Output:
	// frame of 10 bytes, key: true
}
