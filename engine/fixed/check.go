package fixed

import "fmt"

// overflow reports a value that a function promised to hold cannot hold. It is
// reached under the build tag fixedcheck only.
//
//go:noinline
func overflow(op string, x int64) {
	panic(fmt.Sprintf("fixed: %s: %d does not fit", op, x))
}
