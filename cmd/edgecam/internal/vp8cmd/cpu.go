package vp8cmd

import "golang.org/x/sys/unix"

// userCPU is the process's user time so far, in seconds.
func userCPU() float64 {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Sec) + float64(u.Utime.Usec)/1e6
}
