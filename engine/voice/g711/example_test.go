package g711_test

import (
	"fmt"

	"github.com/edgecam/edgecam/engine/voice/g711"
)

func Example() {
	enc, dec := g711.NewEncoder(g711.ALaw), g711.NewDecoder(g711.ALaw)
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
	// 160 bytes, 160 samples at 8000 Hz, <nil>
	// 160 samples concealed, <nil>
}
