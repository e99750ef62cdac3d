package fixed

// SinQ30 returns the sine of turn·2π/2^32 in Q30. It is exact to one unit at
// multiples of a 2048th of a turn and within 2·10^-6 between them.
func SinQ30(turn uint32) int32 {
	at := turn >> 21
	rest := int64(turn & (1<<21 - 1))
	a := sineAt(at)
	if rest == 0 {
		return a
	}
	b := sineAt(at + 1)
	return int32(int64(a) + (int64(b-a)*rest+1<<20)>>21)
}

// CosQ30 returns the cosine of turn·2π/2^32 in Q30.
func CosQ30(turn uint32) int32 { return SinQ30(turn + 1<<30) }

// sineAt returns the sine of i 2048ths of a turn.
func sineAt(i uint32) int32 {
	switch i &= 2047; {
	case i <= 512:
		return sineQ30[i]
	case i <= 1024:
		return sineQ30[1024-i]
	case i <= 1536:
		return -sineQ30[i-1024]
	default:
		return -sineQ30[2048-i]
	}
}
