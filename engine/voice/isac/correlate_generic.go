package isac

// correlateGeneric is the reference of the kernels. The conversions keep the
// compiler from fusing multiplication and addition.
func correlateGeneric(dst, x, y []float64) {
	for k := range dst {
		var sum float64
		past := y[k:][:len(x)]
		for n, v := range x {
			sum += float64(v * past[n])
		}
		dst[k] = sum
	}
}
