// Command cut takes the power from a file system: from now on nothing more is
// written to its disk, neither data nor journal, as when a plug is pulled. It
// can then only be unmounted (ext4, XFS, F2FS; as root).
//
//	cut FOLDER
package main

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// FS_IOC_SHUTDOWN with the flag that the journal is not flushed before.
const (
	shutdown   = 0x8004587d
	noLogFlush = 2
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: cut FOLDER")
		os.Exit(2)
	}
	f, err := os.Open(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "cut:", err)
		os.Exit(1)
	}
	flag := uint32(noLogFlush)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), shutdown, uintptr(unsafe.Pointer(&flag))); errno != 0 {
		fmt.Fprintf(os.Stderr, "cut: %s: %v\n", os.Args[1], errno)
		os.Exit(1)
	}
}
