//go:build noasm || !arm64

package dsp

// RowCache is for kernels that keep the rows of a prediction's first pass in
// memory. None of these do: it holds nothing.
type RowCache struct{}

// Forget empties the cache, as must be done when the plane that was read may have
// changed.
func (c *RowCache) Forget() {}
