package ilbc

// codebookFilterQ12 makes the second half of the adaptive codebook out of the first
// (section 3.6.3.2); in the order of convolution.
var codebookFilterQ12 = [8]int16{
	-140, 446, -755, 3302, 2922, -590, 343, -138,
}

// crossFadeQ15 blends the four samples where a lag shorter than the vector begins
// its next period: 0.2, 0.4, 0.6, 0.8 (section 3.6.3.3).
var crossFadeQ15 = [4]int16{
	6554, 13107, 19661, 26214,
}

// gains5Q14 are the gains of the first stage (section 3.6.4.2); the last entry only
// ends the search.
var gains5Q14 = [33]int16{
	614, 1229, 1843, 2458, 3072, 3686, 4301, 4915, 5530, 6144, 6758,
	7373, 7987, 8602, 9216, 9830, 10445, 11059, 11674, 12288, 12902, 13517,
	14131, 14746, 15360, 15974, 16589, 17203, 17818, 18432, 19046, 19661, 32767,
}

// gains4Q14 are the gains of the second stage, relative to the first.
var gains4Q14 = [17]int16{
	-17203, -14746, -12288, -9830, -7373, -4915, -2458, 0, 2458, 4915, 7373,
	9830, 12288, 14746, 17203, 19661, 32767,
}

// gains3Q14 are the gains of the third stage, relative to the second.
var gains3Q14 = [9]int16{
	-16384, -10813, -5407, 0, 4096, 8192, 12288, 16384, 32767,
}

// gains5SquaredQ14 are the squares of gains5Q14.
var gains5SquaredQ14 = [32]int16{
	23, 92, 207, 368, 576, 829, 1129, 1474, 1866, 2304, 2787,
	3317, 3893, 4516, 5184, 5897, 6658, 7464, 8318, 9216, 10160, 11151,
	12187, 13271, 14400, 15574, 16796, 18062, 19377, 20736, 22140, 23593,
}
