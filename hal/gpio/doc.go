// Package gpio is the driver for buttons, sensors and relays on the lines of
// GPIO chips, through the kernel's character devices (/dev/gpiochip*).
//
// Lines are named by chip label and offset, or by their own name; chip numbers
// change from kernel to kernel. Chips that are plugged in later are
// found, too.
//
// # Safety of outputs
//
// An output is at its safe level from the moment it is an output, and again at
// Close; with a longest pulse the driver takes it back by itself. When the process dies the kernel takes the line back and most chips
// keep the last level: what must not stay on (a door strike) needs a pull
// resistor that turns it off and a watchdog that restarts the process, which
// opens the line at the safe level.
//
// # periph
//
// Chips, labels and line names come from periph.io/x/host/v3/gpioioctl, which
// also knows the Raspberry Pi 5's doubled chip; it reads them once in a process, so
// that chips that come later are read by this package. Lines are requested from the
// kernel by this package itself (GPIO v2, Linux 5.10), because periph v3.8.5
//
//   - turns a line into an output at level 0 and sets the wanted level after,
//     which would fire an active-low relay for a moment at every start;
//   - knows neither debouncing nor "no bias" nor active-low lines;
//   - waits for edges without saying which edge came or when, takes a timeout
//     of 0 for ever, and does not tell a closed line from a timeout;
//   - reports failures as plain texts, so that a line in use cannot be told
//     from one that may not be used, or writes them to the standard logger and
//     returns Low. Its messages while it reads the chips are caught and logged
//     at debug level.
//
// Debouncing is the kernel's, which debounces in software what the chip does
// not in hardware. Where it refuses (lines without interrupts), this package
// debounces: a change counts when the line was quiet for the time, and is
// dated back to its first edge.
package gpio
