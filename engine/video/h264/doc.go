// Package h264 reads and packs H.264 streams that were coded elsewhere, by a
// board's encoder or inside a camera: it splits access units in the byte stream
// format into NAL units (ITU-T H.264 (08/2021), Annex B), reads sequence parameter
// sets, keeps the parameter sets that a decoder needs at a key frame, and packs NAL
// units into RTP payloads (RFC 6184). It neither codes nor decodes pictures.
package h264
