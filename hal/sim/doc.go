// Package sim simulates the devices of a door station: a camera that looks at
// a front door, a microphone that hears a voice, a speaker that is heard by
// that microphone through a room, a push button, a motion sensor (PIR) and a
// relay. A node without hardware runs on them, and tests inject faults with
// them that real hardware shows only on bad days.
//
// All devices are paced by the system clock without drift (the sound card has
// a settable drift of its own) and leave no goroutine running: time passes
// inside the calls that wait for it. They run under testing/synctest.
//
// The camera's top rows carry the wall time as a machine-readable block code
// (see [StampClock]), and a clock to be read by people stands at the bottom
// left. Both are drawn at the moment the frame is handed out, so that picture,
// code and Frame.CapturedAt agree to well below a millisecond.
package sim
