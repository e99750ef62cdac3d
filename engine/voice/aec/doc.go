// Package aec is an acoustic echo canceller in fixed point.
//
// The far-end signal that the loudspeaker plays and the near-end signal that
// the microphone hears are given in frames of 10 ms; the echo of the one in
// the other is found, subtracted and what remains of it suppressed.
//
// The stages, in the order of the signal:
//
//   - at 4 kHz sampling rate an adaptive filter searches the echo over the whole
//     range of delays ([Config.MaxDelay]) and places the main filter; while it
//     explains little, the coherence of far end and microphone at each delay
//     says where to look;
//   - the main filter, partitioned blocks in the frequency domain with step
//     sizes from a Kalman model with diagonal covariance, subtracts the linear
//     echo (Enzner and Vary, "Frequency-domain adaptive Kalman filter for
//     acoustic echo control in hands-free telephones", 2006; Kuech, Mabande and
//     Enzner, "State-space architecture of the partitioned-block-based acoustic
//     echo controller", 2014);
//   - the suppressor attenuates per bin what the linear filter leaves, as far
//     as it is echo, and puts noise like the background's into the holes.
//
// All of it runs at 16 kHz sampling rate; other rates are converted, and what
// lies above 8 kHz is gain-controlled along with the upper bands below it.
//
// Q formats: samples inside are Q4 (an int16 is Q0), spectra Q4 not scaled by
// the transform, powers Q8, filter weights Q24, their variance Q28.
package aec
