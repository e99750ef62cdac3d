// Package engine is edgecam's native API: it takes a camera, a microphone, a
// speaker and a few lines, and serves them to viewers over WebRTC.
//
// The caller gives the devices as functions that open them (the engine opens
// them when somebody watches or talks, opens them again when they come back,
// and closes them when nobody is left), runs the engine with [Engine.Run], and
// mounts a signalling handler (package session/whep) on [Engine.Sessions].
//
// Goroutines, each owning what it touches:
//
//	capture   opens and reads the camera, converts to I420
//	encode    owns the VP8 encoder; takes the newest picture, once for all viewers
//	voice     opens and reads the microphone; owns the Opus encoder
//	playout   owns mixer and speaker; pulls each talker's NetEQ at the card's clock
//	button, pir   wait for edges
//
// A picture the encoder has no time for is dropped and counted; nothing queues.
package engine
