// Package ns reduces the noise of speech: a spectral suppressor in fixed point.
//
// Every 10 ms a window of 32 ms goes through a Fourier transform; a tracker
// follows the noise in every bin by how probable speech is there, the
// log-spectral amplitude estimator gives the gain, and an asymmetric pair of
// windows puts the signal together again with a delay of 10 ms (one frame). In
// pauses all bins go to one gain, so that the rest of the noise sounds as it
// did, only softer. The sources are named at each part.
//
// Signals of 8, 16, 32 and 48 kHz are taken; above 8 kHz bands of about 750 Hz
// share a gain.
package ns
