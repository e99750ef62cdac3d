package ilbc

// lsfMeanQ13 is where the interpolation of the first frame starts.
var lsfMeanQ13 = [10]int16{
	2308, 3652, 5434, 7885, 10255, 12559, 15160, 17513, 20328, 22752,
}

// lspMeanQ15 holds the cosines of the mean frequencies; the analysis falls back
// on them where it finds fewer than ten roots.
var lspMeanQ15 = [10]int16{
	31476, 29565, 25819, 18725, 10276, 1236, -9049, -17600, -25884, -30618,
}

// weights20Q14 is, for each sub-frame of 20 ms, the share of the older of the two
// frequency vectors that are interpolated (section 3.2.6).
var weights20Q14 = [4]int16{
	12288, 8192, 4096, 0,
}

// weights30Q14 is the same for 30 ms: the first entry between the frame before and
// the first vector, the others between the first and the second vector.
var weights30Q14 = [6]int16{
	8192, 16384, 10923, 5461, 0, 0,
}

// cosineQ15 samples the cosine at k·pi/64.
var cosineQ15 = [64]int16{
	32767, 32729, 32610, 32413, 32138, 31786, 31357, 30853,
	30274, 29622, 28899, 28106, 27246, 26320, 25330, 24279,
	23170, 22006, 20788, 19520, 18205, 16846, 15447, 14010,
	12540, 11039, 9512, 7962, 6393, 4808, 3212, 1608,
	0, -1608, -3212, -4808, -6393, -7962, -9512, -11039,
	-12540, -14010, -15447, -16846, -18205, -19520, -20788, -22006,
	-23170, -24279, -25330, -26320, -27246, -28106, -28899, -29622,
	-30274, -30853, -31357, -31786, -32138, -32413, -32610, -32729,
}

// cosineSlopeQ19 is the slope between the samples of cosineQ15.
var cosineSlopeQ19 = [64]int16{
	-632, -1893, -3150, -4399, -5638, -6863, -8072, -9261,
	-10428, -11570, -12684, -13767, -14817, -15832, -16808, -17744,
	-18637, -19486, -20287, -21039, -21741, -22390, -22986, -23526,
	-24009, -24435, -24801, -25108, -25354, -25540, -25664, -25726,
	-25726, -25664, -25540, -25354, -25108, -24801, -24435, -24009,
	-23526, -22986, -22390, -21741, -21039, -20287, -19486, -18637,
	-17744, -16808, -15832, -14817, -13767, -12684, -11570, -10428,
	-9261, -8072, -6863, -5638, -4399, -3150, -1893, -632,
}

// arccosineSlopeQ12 is the slope of the inverse between the same samples.
var arccosineSlopeQ12 = [64]int16{
	-26887, -8812, -5323, -3813, -2979, -2444, -2081, -1811,
	-1608, -1450, -1322, -1219, -1132, -1059, -998, -946,
	-901, -861, -827, -797, -772, -750, -730, -713,
	-699, -687, -677, -668, -662, -657, -654, -652,
	-652, -654, -657, -662, -668, -677, -687, -699,
	-713, -730, -750, -772, -797, -827, -861, -901,
	-946, -998, -1059, -1132, -1219, -1322, -1450, -1608,
	-1811, -2081, -2444, -2979, -3813, -5323, -8812, -26887,
}

// rootGridQ15 is where the search for the roots of the sum and difference
// polynomials looks for a change of sign: cos(k·pi/60).
var rootGridQ15 = [61]int16{
	32760, 32723, 32588, 32364, 32051, 31651, 31164, 30591, 29935, 29196,
	28377, 27481, 26509, 25465, 24351, 23170, 21926, 20621, 19260, 17846,
	16384, 14876, 13327, 11743, 10125, 8480, 6812, 5126, 3425, 1714,
	0, -1714, -3425, -5126, -6812, -8480, -10125, -11743, -13327, -14876,
	-16384, -17846, -19260, -20621, -21926, -23170, -24351, -25465, -26509, -27481,
	-28377, -29196, -29935, -30591, -31164, -31651, -32051, -32364, -32588, -32723,
	-32760,
}

// lagWindowQ31 tapers the autocorrelation: 60 Hz bandwidth expansion (section 3.2.1).
var lagWindowQ31 = [11]int32{
	2147483647, 2144885453, 2137754373, 2125918626, 2109459810, 2088483140,
	2063130336, 2033564590, 1999977009, 1962580174, 1921610283,
}

// synthesisChirpQ15 holds the powers of 0.9025 that widen the formants (section 3.2.2).
var synthesisChirpQ15 = predictor{
	32767, 29573, 26690, 24087, 21739, 19619, 17707, 15980, 14422, 13016, 11747,
}

// weightingChirpQ15 holds the powers of 0.4222 of the perceptual weighting filter
// (section 3.4).
var weightingChirpQ15 = predictor{
	32767, 13835, 5841, 2466, 1041, 440, 186, 78, 33, 14, 6,
}
