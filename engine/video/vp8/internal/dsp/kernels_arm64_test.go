//go:build !noasm

package dsp

import "testing"

// TestNEONRunsAllFamilies: a family left out would give the same bytes, only
// slowly.
func TestNEONRunsAllFamilies(t *testing.T) {
	for name, on := range map[string]bool{
		"SAD": useSAD, "SSE": useSSE, "SATD": useSATD, "FDCT": useFDCT, "IDCT": useDCT, "quantiser": useQuant, "inter": useInter,
		"intra": useIntra, "filter": useFilter, "simple filter": useSimple, "average": useAverage, "copy": useCopy,
	} {
		if !on {
			t.Errorf("%s runs as portable code", name)
		}
	}
}
