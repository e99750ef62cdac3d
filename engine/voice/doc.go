// Package voice puts the parts of the voice engine together: FrontEnd is what a
// microphone's signal goes through before it is coded.
//
//	capture ─▶ processing rate ─▶ high-pass ─▶ aec ─▶ ns ─▶ vad ─▶ agc ─▶ 48 kHz ─▶ encoder
//	                                            ▲
//	speaker ──▶ FarEnd ─▶ processing rate ──────┘
//
// FarEnd takes exactly what is handed to the speaker and gives it to the
// canceller in step with the microphone, by the times at which devices say that
// samples pass their converters. Nothing here allocates after it was made.
package voice
