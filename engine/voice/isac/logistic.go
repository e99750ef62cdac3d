package isac

// logisticLimitQ15 is where the distribution's tails end.
const logisticLimitQ15 = 327680

// logistic returns the distribution function at x (Q15) in 65536ths (6.5).
func logistic(xQ15 int32) uint32 {
	xQ15 = min(max(xQ15, -logisticLimitQ15), logisticLimitQ15)
	t := 5 * (xQ15 + logisticLimitQ15) >> 16
	return uint32(logisticCDF[t] + (xQ15-logisticEdgeQ15[t])*logisticSlope[t]>>15)
}
