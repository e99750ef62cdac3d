//go:build !fixedcheck

package fixed

const checking = false
