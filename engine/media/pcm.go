package media

import "time"

// PCM rates used inside the engine.
const (
	// EngineRateHz is the rate of every block between devices and codecs.
	EngineRateHz = 48000
	// BlockDuration is the length of one block: every voice stage works in it.
	BlockDuration = 10 * time.Millisecond
	// BlockSamples is the number of samples of one mono block.
	BlockSamples = EngineRateHz / 100
)

// Block is 10 ms of mono 16-bit PCM at EngineRateHz.
type Block struct {
	Samples [BlockSamples]int16
	// CapturedAt is when the first sample was at the converter.
	CapturedAt time.Time
}
