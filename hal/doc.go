// Package hal is the hardware abstraction layer: what the engine needs from
// cameras, microphones, speakers and lines, and nothing else. It does no I/O.
//
// Drivers (packages v4l2, alsa, hal/gpio, hal/sim) implement the interfaces;
// each must pass the conformance suite in hal/haltest. Drivers do not see the
// engine or each other; the composition root in cmd/edgecam plugs them in.
//
// For users of devices: every failure is an [*Error] whose [Kind] tells how to
// react without knowing the driver. Gone means close, and open again later;
// Busy, retry later; Overrun, go on (data was lost); Timeout, the device
// stalled: close and open again; Unsupported, ask for something else.
//
// For authors of drivers: Read must return soon after Close is called from
// another goroutine, with Kind Gone or [ErrClosed]; buffers handed out stay
// valid until released even after Close; nothing may block for ever.
package hal
