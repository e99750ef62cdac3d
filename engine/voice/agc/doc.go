// Package agc brings speech to one level: a level control that follows the
// talker, and behind it a look-ahead limiter that lets no sample clip.
//
// The level is the active speech level in the spirit of ITU-T P.56: the mean
// power of the frames that hold speech, pauses left out. It is averaged over
// the last four seconds of speech, so that the gain does not ride on syllables;
// where the last 0.8 s of speech lie well off that average, another distance or
// another talker is assumed and the average starts anew from them, so that a
// step settles within two seconds. Frames without speech change nothing:
// noise alone is not turned up, and after long silence a high gain is taken
// back slowly. Background is never raised above -40 dBFS.
//
// Levels are in dB of full scale, 0 dBFS being the power of a full-scale
// square wave. The algorithmic delay is 5 ms. All arithmetic is on integers;
// logarithms are to base 2 in Q10, of power unless said otherwise.
package agc
