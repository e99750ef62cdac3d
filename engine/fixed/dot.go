package fixed

// Dot16 returns Σ a[i]·b[i], modulo 2^32; b is as long as a or longer.
func Dot16(a, b []int16) int32 {
	b = b[:len(a)]
	var sum int32
	n := 0
	if useSIMD && len(a) >= 16 {
		n = len(a) &^ 15
		sum = dotKernel(&a[0], &b[0], n)
	}
	return sum + dotGeneric(a[n:], b[n:])
}

func dotGeneric(a, b []int16) (sum int32) {
	for i, v := range a {
		sum += int32(v) * int32(b[i])
	}
	return sum
}

// Dot64 returns Σ a[i]·b[i]; b is as long as a or longer.
func Dot64(a, b []int16) int64 {
	b = b[:len(a)]
	var sum int64
	n := 0
	if useSIMD && len(a) >= 16 {
		n = len(a) &^ 15
		sum = dot64Kernel(&a[0], &b[0], n)
	}
	return sum + dot64Generic(a[n:], b[n:])
}

func dot64Generic(a, b []int16) (sum int64) {
	b = b[:len(a)]
	for i, v := range a {
		sum += int64(v) * int64(b[i])
	}
	return sum
}
