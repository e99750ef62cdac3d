// Package file plays recordings as if they were devices: clips as cameras and
// WAV files as microphones, in real time and in a loop.
//
// Ids are "file:" and a path, or a path alone. YUV4MPEG2 (.y4m, 8-bit 4:2:0)
// and IVF with VP8 (.ivf) are read natively; everything else (.mp4, .mkv,
// .webm, .mov, .avi, ...) is decoded by ffmpeg, which has to be installed. WAV
// files are 16-bit PCM with one or two channels at any rate; they are resampled
// to 48 kHz.
//
// A file that ends in the middle of a frame plays up to there. A recording is
// read as it plays: memory does not depend on its length.
package file
