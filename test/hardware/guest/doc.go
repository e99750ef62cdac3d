// Package guest holds the tests that run inside the virtual machine that
// test/hardware/run.sh boots: the real drivers on the kernel's vivid cameras,
// its looped-back sound card and simulated GPIO lines. Elsewhere they skip.
package guest
