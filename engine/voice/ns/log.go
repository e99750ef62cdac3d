package ns

// decibel is one decibel of power as a logarithm to base 2 in Q10. All logarithms
// here are of that kind; of an amplitude the same number is two decibels.
const decibel = 340

// lookup interpolates in a table of a function of x (Q10) whose first entry is
// for x = first·1024 and whose entries are 1/16 apart; beyond its ends the
// table goes on flat.
func lookup(table []int16, x, first int32) int32 {
	x = min(max(x-first<<10, 0), int32(len(table)-1)<<6-1)
	i := int(x >> 6)
	a, b := int32(table[i]), int32(table[i+1])
	return a + (b-a)*(x&63)>>6
}

// nearest is lookup without interpolation, for where a step does no harm.
func nearest(table []int16, x, first int32) int32 {
	x = min(max(x-first<<10+32, 0), int32(len(table)-1)<<6)
	return int32(table[x>>6])
}
