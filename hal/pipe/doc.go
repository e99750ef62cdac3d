// Package pipe is the camera driver for sensors that need a camera stack in front
// of them: it starts the stack's own program and reads raw pictures (I420, no
// padding, no framing) from its standard output.
//
// On a Raspberry Pi the program is rpicam-vid (libcamera-vid in older systems),
// on a Jetson nvarguscamerasrc in a GStreamer pipeline. Camera IDs are "rpicam"
// and "argus", with the sensor's number behind a colon if there are several
// ("rpicam:1").
//
// A goroutine always reads, so that the program never waits for a slow consumer
// and its pictures do not grow old in the pipe: the newest frame replaces one that
// was not taken, which shows as a gap in [media.Frame.Sequence]. Only while the
// consumers hold every buffer does the program wait.
//
// A program that ends is Kind Gone with the last words it said, one that stops
// delivering Kind Timeout; the owner closes and opens again. Close ends the
// program and everything that it started, by force if need be; should edgecam
// itself die, the kernel ends it.
package pipe
