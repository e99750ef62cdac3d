package hal

import (
	"context"
	"time"

	"github.com/edgecam/edgecam/engine/media"
)

// CardInfo describes a sound card that a driver found.
type CardInfo struct {
	// ID opens the card: its ALSA card id ("Device", "seeed2micvoicec"), never
	// an index, which changes between boots.
	ID        string `json:"id"`
	Name      string `json:"name"`
	Driver    string `json:"driver"`
	Capture   bool   `json:"capture"`
	Playback  bool   `json:"playback"`
	Rates     []int  `json:"rates_hz,omitempty"`
	Problem   string `json:"problem,omitempty"`
	IsDefault bool   `json:"default,omitempty"`
}

// Microphone is an open capture stream. Drivers resample and mix down: blocks
// are always 10 ms, mono, media.EngineRateHz. One goroutine reads.
type Microphone interface {
	// Read fills b with the next block, waiting at most until ctx is done.
	// Kind Overrun tells that samples were lost before this block, which is
	// still filled.
	Read(ctx context.Context, b *media.Block) error
	Close() error
}

// Speaker is an open playback stream. One goroutine writes.
type Speaker interface {
	// Write queues the block and waits while the device's buffer is full, so
	// that the card's clock paces the caller.
	Write(ctx context.Context, b *media.Block) error
	// Delay is how long a sample written now takes to reach the converter.
	Delay() time.Duration
	Close() error
}

// SilenceCounter is what a Speaker implements that knows how much silence it
// played for want of blocks.
type SilenceCounter interface {
	// Silence returns the samples of silence at media.EngineRateHz that were put
	// in since the first Write, each after everything written before.
	Silence() uint64
}

// SoundDriver finds and opens sound cards. The id "" means the first usable.
type SoundDriver interface {
	Cards(ctx context.Context) ([]CardInfo, error)
	OpenMicrophone(ctx context.Context, id string) (Microphone, error)
	OpenSpeaker(ctx context.Context, id string) (Speaker, error)
}
