//go:build fixedcheck

package aec

// fixedcheck says that ranges are checked, which portable code alone does.
const fixedcheck = true
