package hal

// CaptureGain is what a Microphone implements whose driver can set a card's
// analogue gain. Gains are in centibels (0.1 dB). Its methods are for the
// goroutine that reads.
type CaptureGain interface {
	// GainRange returns the least and the greatest gain; ok is false for a card
	// that has none to set.
	GainRange() (minCB, maxCB int, ok bool)
	// Gain returns the gain that is set.
	Gain() (cB int, err error)
	// SetGain sets the gain to the card's step nearest to cB, within its range.
	SetGain(cB int) error
}
