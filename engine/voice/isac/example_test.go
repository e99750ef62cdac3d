package isac_test

import (
	"fmt"
	"math"

	"github.com/edgecam/edgecam/engine/voice/isac"
)

// Example codes a tone, loses a packet and decodes the rest.
func Example() {
	encoder, err := isac.NewEncoder(isac.EncoderConfig{BitrateBps: 20000})
	if err != nil {
		fmt.Println(err)
		return
	}
	decoder := isac.NewDecoder(isac.DecoderConfig{})

	block := make([]int16, isac.BlockSamples)
	payload := make([]byte, isac.MaxPayloadBytes)
	out := make([]int16, decoder.MaxSamples())
	decoded, concealed := 0, 0
	for i := range 10 {
		for n := range block {
			block[n] = int16(8000 * math.Sin(2*math.Pi*440*float64(i*len(block)+n)/isac.WidebandRateHz))
		}
		size, err := encoder.Encode(block, payload)
		if err != nil {
			fmt.Println(err)
			return
		}
		var n int
		if i == 5 { // lost on the way
			n, err = decoder.Conceal(out)
			concealed += n
		} else {
			n, err = decoder.Decode(payload[:size], out)
			decoded += n
		}
		if err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Println(decoded, "samples decoded,", concealed, "concealed")
	// Output: 4320 samples decoded, 480 concealed
}
