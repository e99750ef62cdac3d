package ilbc

// upsampleQ12 interpolates by four: one filter for each quarter of a sample
// (section 4.6.2).
var upsampleQ12 = [4][7]int16{
	{0, 0, 0, 4096, 0, 0, 0},
	{64, -315, 1181, 3531, -436, 77, -64},
	{97, -509, 2464, 2464, -509, 97, -97},
	{77, -436, 3531, 1181, -315, 64, -77},
}

// surroundWeightQ16 weighs the three neighbouring pitch cycles on either side, the
// farthest first (section 4.6.3).
var surroundWeightQ16 = [3]int16{
	4800, 16384, 27968,
}

// pitchFilterQ12 is the low-pass filter in front of the pitch search at 4 kHz.
var pitchFilterQ12 = [7]int16{
	-273, 512, 1297, 1696, 1297, 512, -273,
}

// periodicityQ15 are the squared periodicities at which pitchShareQ15 is tabulated
// (section 4.5).
var periodicityQ15 = [6]int16{
	839, 1343, 2048, 2998, 4247, 5849,
}

// pitchShareQ15 is the share of pitch repetition, the rest being noise.
var pitchShareQ15 = [6]int16{
	0, 5462, 10922, 16384, 21846, 27306,
}

// pitchShareSlopeQ11 is its slope from one entry to the next.
var pitchShareSlopeQ11 = [6]int16{
	26667, 18729, 13653, 10258, 7901, 6214,
}
