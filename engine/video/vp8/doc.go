// Package vp8 is a VP8 codec after RFC 6386, "VP8 Data Format and Decoding
// Guide" (November 2011). Section numbers in comments are those of the RFC.
//
// [Decoder] decodes the whole format: all four profiles, key and inter frames,
// split motion vectors, golden and altref frames, segmentation, both loop
// filters and all numbers of token partitions. Where a stream is damaged it
// conceals and says so instead of giving up.
//
// The package does no I/O and starts no goroutine but the workers that were
// asked for. It has its sample arithmetic in internal/dsp.
package vp8
