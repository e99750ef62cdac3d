package cn_test

import (
	"fmt"

	"github.com/edgecam/edgecam/engine/voice/cn"
)

func Example() {
	enc, err := cn.NewEncoder(cn.EncoderConfig{RateHz: 8000, Order: 5})
	if err != nil {
		fmt.Println(err)
		return
	}
	dec, err := cn.NewDecoder(8000)
	if err != nil {
		fmt.Println(err)
		return
	}
	noise := make([]int16, enc.FrameSamples()) // a hum of 4 kHz
	for i := range noise {
		noise[i] = int16(328 - 656*(i%2))
	}
	packet := make([]byte, enc.MaxPacketBytes())
	n, err := enc.Encode(noise, packet)
	if err != nil {
		fmt.Println(err)
		return
	}
	pcm := make([]int16, dec.MaxSamples())
	samples, err := dec.Decode(packet[:n], pcm)
	fmt.Println(n, "bytes,", -int(packet[0]), "dBov,", samples, "samples,", err)
	// Output:
	// 6 bytes, -40 dBov, 160 samples, <nil>
}
