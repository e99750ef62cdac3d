// Package alsa is the sound driver for Linux: microphones and speakers on ALSA
// cards, through github.com/gen2brain/malgo (miniaudio, which loads libasound
// at run time; without it cards are listed with a Problem).
//
// Cards are named by their ALSA card id ("Device", "seeed2micvoicec"), which
// stays the same across boots, never by an index. A card's further PCM devices
// are named "id,device" ("Loopback,1"). Cards are found in /sys, because
// /proc/asound is hidden from services that see only their own processes.
//
// A card may run at any rate, format and channel count: miniaudio resamples
// (linear interpolation behind an eighth-order low-pass, the best it has) and
// mixes down to the 48 kHz mono blocks of [media.Block]. Its audio thread hands
// samples over through a bounded ring, under a lock that is held for a copy of
// some hundred samples and no longer, and allocates nothing.
//
// # miniaudio and malgo
//
// Worked round here:
//
//   - When a card is pulled out, miniaudio's audio thread does not end: it
//     polls in a loop without a pause, each round logging a warning. Read and
//     Write notice within 200 ms that the card's entry in /sys is gone and
//     report Kind Gone. Until Close the loop costs a processor: close soon.
//   - Uninitialising a device waits for its audio thread, without a limit and
//     without waking it; after an unplug that is for ever. Close stops the
//     device first, which wakes the thread. It does both in
//     another goroutine and waits two seconds at most, then gives the device
//     up, with a warning in the log: its memory and thread are then lost,
//     which is better than a node that hangs.
//   - A capture overrun is not reported but by a debug message. The message
//     comes on the audio thread of its device, whose thread id tells the
//     stream.
//   - malgo never frees the logger of a context: a Driver has one context,
//     made at first use and kept.
//   - miniaudio does not tell the fill of a card's buffer. Speaker.Delay
//     reckons with the buffer that was asked for, which cards may round.
package alsa
