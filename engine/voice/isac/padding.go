package isac

// maxPadding is the largest count that fits the byte that begins padding.
const maxPadding = 255

// paddedSize returns the size of a packet whose code string has code bytes, if
// least are asked for and limit allowed (12.4).
func paddedSize(code, least, limit int) int {
	return max(code, min(least, limit, code+maxPadding))
}

// pad fills payload, whose code string has n bytes, up to size and returns it.
func pad(payload []byte, n, size int) []byte {
	if size > n {
		clear(payload[n:size])
		payload[n] = byte(size - n)
	}
	return payload[:size]
}

// Rates at which the channel-adaptive mode changes the frame length (12.2).
const (
	lengthenBps = 18000
	shortenBps  = 27000
)

// nextFrame returns the samples of the next packet, by those of this one and
// its target rate.
func nextFrame(samples int, bps int32) int {
	switch {
	case samples == blockSamples && bps < lengthenBps:
		return 2 * blockSamples
	case samples == 2*blockSamples && bps >= shortenBps:
		return blockSamples
	}
	return samples
}
