// Package y4m reads and writes YUV4MPEG2 streams, the plain format in which
// mjpegtools, ffmpeg and libvpx exchange uncompressed video. It takes
// progressive 8-bit 4:2:0 (C420, C420jpeg, C420mpeg2, C420paldv): all that a
// VP8 codec can use. It works on any io.Reader and io.Writer and holds at most
// one frame.
package y4m
