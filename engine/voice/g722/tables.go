package g722

// lowThresholds are the decision levels of the lower band's quantizer relative to
// its step, Q12 (table 14, Q6).
var lowThresholds = [29]int32{
	35, 72, 110, 150, 190, 233, 276, 323, 370, 422,
	473, 530, 587, 650, 714, 786, 858, 940, 1023, 1121,
	1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919,
}

// lowPositive and lowNegative are the codes of the lower band's levels (table 15).
var (
	lowPositive = [30]byte{
		61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47,
		46, 45, 44, 43, 42, 41, 40, 39, 38, 37, 36, 35, 34, 33, 32,
	}
	lowNegative = [30]byte{
		63, 62, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19,
		18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4,
	}
)

// lowLevels6 are the output levels by code, Q15 (table 16, QQ6). The first four
// codes are not sent.
var lowLevels6 = [64]int32{
	-136, -136, -136, -136, -24808, -21904, -19008, -16704,
	-14984, -13512, -12280, -11192, -10232, -9360, -8576, -7856,
	-7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576,
	-3168, -2776, -2400, -2032, -1688, -1360, -1040, -728,
	24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192,
	10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456,
	4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032,
	1688, 1360, 1040, 728, 432, 136, -432, -136,
}

// lowLevels4 are the output levels by the upper four bits of the code, Q15 (QQ4).
var lowLevels4 = [16]int32{
	0, -20456, -12896, -8968, -6288, -4240, -2584, -1200,
	20456, 12896, 8968, 6288, 4240, 2584, 1200, 0,
}

// lowLogWeights is what the same four bits add to the logarithm of the step, Q11
// (WL by RIL).
var lowLogWeights = [16]int32{
	-60, 3042, 1198, 538, 334, 172, 58, -30,
	3042, 1198, 538, 334, 172, 58, -30, -60,
}

// highThreshold is the decision level of the upper band's quantizer, Q12.
const highThreshold = 564

// highLevels are the output levels of the upper band by code, Q15 (QQ2).
var highLevels = [4]int32{-7408, -1616, 7408, 1616}

// highLogWeights is what a code adds to the logarithm of the step, Q11 (WH).
var highLogWeights = [4]int32{798, -214, 798, -214}

// powers is 2^(k/32), Q11 (ILB).
var powers = [32]int32{
	2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383,
	2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834,
	2896, 2960, 3025, 3091, 3158, 3228, 3298, 3371,
	3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
}
