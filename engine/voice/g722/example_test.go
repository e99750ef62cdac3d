package g722_test

import (
	"fmt"

	"github.com/edgecam/edgecam/engine/voice/g722"
)

func Example() {
	enc, dec := g722.NewEncoder(), g722.NewDecoder()
	frame := make([]int16, enc.FrameSamples()) // 20 ms of silence
	packet := make([]byte, enc.MaxPacketBytes())
	pcm := make([]int16, dec.MaxSamples())

	n, err := enc.Encode(frame, packet)
	if err != nil {
		fmt.Println(err)
		return
	}
	samples, err := dec.Decode(packet[:n], pcm)
	fmt.Println(n, "bytes,", samples, "samples at", dec.RateHz(), "Hz,", err)
	// The next packet is lost.
	samples, err = dec.Conceal(pcm)
	fmt.Println(samples, "samples concealed,", err)
	// Output:
	// 160 bytes, 320 samples at 16000 Hz, <nil>
	// 320 samples concealed, <nil>
}
