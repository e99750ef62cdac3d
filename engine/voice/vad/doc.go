// Package vad tells, every 10 ms, whether somebody speaks.
//
// The power of sixteen critical bands from 100 to 3700 Hz is compared with a
// tracked background: the mean of frames without speech, corrected by the least
// power of the last 1.6 s (minimum statistics). The score is by how much the
// bands stand out on average; it must pass a threshold that adapts to how much
// the background itself fluctuates (J. Sohn et al. 1999 compare likelihoods in
// the same way). Three frames begin speech; a hangover bridges weak endings.
//
// All arithmetic is on integers; logarithms are to base 2 in Q10.
package vad
