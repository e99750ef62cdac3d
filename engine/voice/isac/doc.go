// Package isac is the adaptive speech codec iSAC: wideband (16 kHz, packets of
// 30 or 60 ms, 10 to 32 kbit/s) and super-wideband (32 kHz, 30 ms, to
// 56 kbit/s).
//
// Decoder decodes wideband streams in integers, sample for sample like the
// deployed fixed-point decoders, concealment included. SuperWidebandDecoder
// decodes both layers in floating point, within two units of the deployed
// floating-point decoder. Encoder and SuperWidebandEncoder write what either
// kind of deployed decoder reads. Bandwidth estimation runs inside the encoders:
// tell them of every payload received (Received), and they report on the path in
// every payload sent; with EncoderConfig.Adaptive they follow the other side's
// reports.
//
// Stats of each tells rates, frame length, bandwidth, what was refused, concealed or
// coded again, and what is known of the path in both directions. Correlations have
// kernels for AVX2, SSE2 and NEON, which give the portable code's results to the bit.
//
// Decoders are made for a jitter buffer: Samples, Decode and Conceal write at
// RateHz; a payload of 60 ms counts as two blocks for Conceal. Over RTP the
// encoding name is ISAC with clock rate 16000 or 32000, one payload per packet,
// no payload header; ptime 60 or more asks a wideband encoder for 60 ms.
//
// The specification is the edgecam iSAC specification (ISAC.md, its tables as
// JSON); bare section numbers in this package are its sections. The tables are
// Go source made by internal/gentables.
//
// # Where the specification leaves room
//
// Test vectors recorded from deployed coders decided these points:
//
//   - 6.4: the root envelope is used as an unsigned 16-bit number.
//   - 6.3: of all recorded packets one needs the 32-bit form. The encoder never
//     emits an envelope on which the forms differ.
//   - 12.4: the floating-point rate model uses whole milliseconds of delay,
//     rounded down, and its burst rate has no branch that gives zero.
//   - 12.4: the size from which the integer rate model goes on is the size asked
//     for, not the one the payload limit allowed.
//   - 13.5: the floating-point estimator computes in single precision; in double
//     precision a reported rate falls on the other side of an integer now and
//     then.
//   - 14.4: the muting of a 12 kHz upper band that comes back does not apply to
//     the first packets of a stream.
//   - 14.1: padding of an upper layer counts inside its body; read and written again,
//     all recorded layers end at their length or at such padding.
//
// And these are this package's own decisions:
//
//   - 5.2: symbols can express lags of 6.7 to 153.3 half-band samples, beyond
//     the encoder's 20 to 140. Annex B keeps 150 samples, so that concealment
//     repeats at most 150.
//   - 7.2: DecoderConfig.ExactMap puts the exact map of reflection coefficients
//     into the integer synthesis, for streams of encoders that use it, as this
//     package's do unless told otherwise. The default stays sample-exact with
//     the deployed integer decoders.
//   - 5.3: LPC models 1 and 2 are decoded by Decoder, without a known stream to
//     compare with; SuperWidebandDecoder refuses them.
//   - 10: the concealment of SuperWidebandDecoder is not Annex B's: it repeats
//     the last pitch period of the lower band and fades out over 120 ms.
//   - 11.3: the pitch search weights the full half band and searches both
//     half-frames jointly; it uses 0.65 of the best predictor's gain, drawn to
//     the block's mean.
//   - 11.7: a coefficient is taken a step nearer to zero where the bits saved are
//     worth more than the error added. At equal rate waveform SNR gains 0.1 dB,
//     at the lowest rates up to 0.5 dB, and STOI everywhere. The noise target (12.1) is
//     raised by what is saved, so that a target rate means the same actual rate.
//   - 12.3: a block that exceeds its payload limit is coded again up to eight
//     times with gains that follow the bytes left.
//   - 14.1: an upper layer whose checksum is right but whose symbols are
//     impossible counts as absent.
package isac

//go:generate go run ./internal/gentables
