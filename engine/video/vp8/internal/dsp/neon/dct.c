#include "neon.h"

// c*K1 + d*K2, rounded and shifted right by S, in 16 bits.
#define ROTATE(c, d, K1, K2, S)                                                                   \
	vcombine_s16(vrshrn_n_s32(vmlal_n_s16(vmull_n_s16(vget_low_s16(c), K1), vget_low_s16(d), K2), S),  \
		     vrshrn_n_s32(vmlal_n_s16(vmull_n_s16(vget_high_s16(c), K1), vget_high_s16(d), K2), S))

// Residual rows of two blocks side by side become coefficient rows.
INLINE void fdct(int16x8_t r[4]) {
	int16x8_t a, b, c, d;
	transpose4(r);
	a = vshlq_n_s16(vaddq_s16(r[0], r[3]), 3), b = vshlq_n_s16(vaddq_s16(r[1], r[2]), 3);
	c = vshlq_n_s16(vsubq_s16(r[1], r[2]), 3), d = vshlq_n_s16(vsubq_s16(r[0], r[3]), 3);
	r[0] = vaddq_s16(a, b), r[2] = vsubq_s16(a, b);
	r[1] = ROTATE(c, d, 2217, 5352, 12);
	r[3] = ROTATE(d, c, 2217, -5352, 12);
	transpose4(r);
	a = vaddq_s16(r[0], r[3]), b = vaddq_s16(r[1], r[2]);
	c = vsubq_s16(r[1], r[2]), d = vsubq_s16(r[0], r[3]);
	a = vaddq_s16(a, vdupq_n_s16(7));
	r[0] = vshrq_n_s16(vaddq_s16(a, b), 4), r[2] = vshrq_n_s16(vsubq_s16(a, b), 4);
	r[1] = ROTATE(c, d, 2217, 5352, 16);
	r[3] = ROTATE(d, c, 2217, -5352, 16);
}

INLINE int16x8_t sub8(src_t a, src_t b) {
	return vreinterpretq_s16_u16(vsubl_u8(vld1_u8(a), vld1_u8(b)));
}

INLINE void fdctPair(int16_t *coef, src_t s, long ss, src_t p, long ps) {
	int16x8_t r[4] = {sub8(s, p), sub8(s + ss, p + ps), sub8(s + 2 * ss, p + 2 * ps), sub8(s + 3 * ss, p + 3 * ps)};
	fdct(r);
	vst1q_s16(coef, vcombine_s16(vget_low_s16(r[0]), vget_low_s16(r[1])));
	vst1q_s16(coef + 8, vcombine_s16(vget_low_s16(r[2]), vget_low_s16(r[3])));
	vst1q_s16(coef + 16, vcombine_s16(vget_high_s16(r[0]), vget_high_s16(r[1])));
	vst1q_s16(coef + 24, vcombine_s16(vget_high_s16(r[2]), vget_high_s16(r[3])));
}

void fdct16x16(int16_t *coef, src_t s, long ss, src_t p, long ps) {
	long n = 4;
	do {
		fdctPair(coef, s, ss, p, ps);
		fdctPair(coef + 32, s + 8, ss, p + 8, ps);
		coef += 64, s += 4 * ss, p += 4 * ps;
	} while (--n);
}

void fdct8x8(int16_t *coef, src_t s, long ss, src_t p, long ps) {
	fdctPair(coef, s, ss, p, ps);
	fdctPair(coef + 32, s + 4 * ss, ss, p + 4 * ps, ps);
}

INLINE int16x8_t sub4(src_t a, src_t b) {
	return vreinterpretq_s16_u16(vsubl_u8(load4(a), load4(b)));
}

void fdct4x4(int16_t *coef, src_t s, long ss, src_t p, long ps) {
	int16x8_t r[4] = {sub4(s, p), sub4(s + ss, p + ps), sub4(s + 2 * ss, p + 2 * ps), sub4(s + 3 * ss, p + 3 * ps)};
	fdct(r);
	vst1q_s16(coef, vcombine_s16(vget_low_s16(r[0]), vget_low_s16(r[1])));
	vst1q_s16(coef + 8, vcombine_s16(vget_low_s16(r[2]), vget_low_s16(r[3])));
}

// sqrt(2)*sin(pi/8) and sqrt(2)*cos(pi/8)-1, Q16: the doubling multiply takes
// half the first; of the second, which is odd, the doubled product is halved.
#define SIN(v) vqdmulhq_n_s16(v, 35468 / 2)
#define COS(v) vaddq_s16(v, vshrq_n_s16(vqdmulhq_n_s16(v, 20091), 1))

INLINE void idctPass(int16x8_t r[4]) {
	int16x8_t a = vaddq_s16(r[0], r[2]), b = vsubq_s16(r[0], r[2]);
	int16x8_t c = vsubq_s16(SIN(r[1]), COS(r[3])), d = vaddq_s16(COS(r[1]), SIN(r[3]));
	r[0] = vaddq_s16(a, d), r[3] = vsubq_s16(a, d);
	r[1] = vaddq_s16(b, c), r[2] = vsubq_s16(b, c);
}

INLINE void idct(int16x8_t r[4]) {
	idctPass(r);
	transpose4(r);
	r[0] = vaddq_s16(r[0], vdupq_n_s16(4));
	idctPass(r);
	r[0] = vshrq_n_s16(r[0], 3), r[1] = vshrq_n_s16(r[1], 3);
	r[2] = vshrq_n_s16(r[2], 3), r[3] = vshrq_n_s16(r[3], 3);
	transpose4(r);
}

INLINE void addRow8(dst_t d, src_t p, int16x8_t v) {
	vst1_u8(d, vqmovun_s16(vreinterpretq_s16_u16(vaddw_u8(vreinterpretq_u16_s16(v), vld1_u8(p)))));
}

INLINE void idctPair(dst_t d, long ds, src_t p, long ps, const int16_t *coef, int full) {
	int16x8_t r[4];
	if (full) {
		int16x8_t a = vld1q_s16(coef), b = vld1q_s16(coef + 8), c = vld1q_s16(coef + 16), e = vld1q_s16(coef + 24);
		r[0] = vcombine_s16(vget_low_s16(a), vget_low_s16(c));
		r[1] = vcombine_s16(vget_high_s16(a), vget_high_s16(c));
		r[2] = vcombine_s16(vget_low_s16(b), vget_low_s16(e));
		r[3] = vcombine_s16(vget_high_s16(b), vget_high_s16(e));
		idct(r);
	} else {
		// Sums wrap at 16 bits here as they do above.
		int16x8_t v = vcombine_s16(vld1_dup_s16(coef), vld1_dup_s16(coef + 16));
		r[0] = r[1] = r[2] = r[3] = vshrq_n_s16(vaddq_s16(v, vdupq_n_s16(4)), 3);
	}
	addRow8(d, p, r[0]);
	addRow8(d + ds, p + ps, r[1]);
	addRow8(d + 2 * ds, p + 2 * ps, r[2]);
	addRow8(d + 3 * ds, p + 3 * ps, r[3]);
}

// Four blocks side by side that have DC alone: added where it is positive,
// subtracted where it is negative, both saturating.
INLINE void addDC4(dst_t d, long ds, src_t p, long ps, const int16_t *coef) {
	int16x8_t v = vdupq_n_s16(0);
	v = vld1q_lane_s16(coef, v, 0);
	v = vld1q_lane_s16(coef + 16, v, 1);
	v = vld1q_lane_s16(coef + 32, v, 2);
	v = vld1q_lane_s16(coef + 48, v, 3);
	v = vshrq_n_s16(vaddq_s16(v, vdupq_n_s16(4)), 3);
	uint8x16_t up = vcombine_u8(vqmovun_s16(v), vdup_n_u8(0)), down = vcombine_u8(vqmovun_s16(vnegq_s16(v)), vdup_n_u8(0));
	uint16x8_t up2 = vreinterpretq_u16_u8(vzip1q_u8(up, up)), down2 = vreinterpretq_u16_u8(vzip1q_u8(down, down));
	up = vreinterpretq_u8_u16(vzip1q_u16(up2, up2));
	down = vreinterpretq_u8_u16(vzip1q_u16(down2, down2));
	uint8x16_t a = vld1q_u8(p), b = vld1q_u8(p + ps), c = vld1q_u8(p + 2 * ps), e = vld1q_u8(p + 3 * ps);
	vst1q_u8(d, vqsubq_u8(vqaddq_u8(a, up), down));
	vst1q_u8(d + ds, vqsubq_u8(vqaddq_u8(b, up), down));
	vst1q_u8(d + 2 * ds, vqsubq_u8(vqaddq_u8(c, up), down));
	vst1q_u8(d + 3 * ds, vqsubq_u8(vqaddq_u8(e, up), down));
}

// Block pairs; four or two of which no block has more than its DC take the short way.
void idctAdd16x16(dst_t d, long ds, src_t p, long ps, const int16_t *coef, const uint8_t *eobs) {
	long n = 4;
	do {
		uint32_t four;
		__builtin_memcpy(&four, eobs, 4);
		if (four & 0xfefefefe) {
			idctPair(d, ds, p, ps, coef, (eobs[0] | eobs[1]) > 1);
			idctPair(d + 8, ds, p + 8, ps, coef + 32, (eobs[2] | eobs[3]) > 1);
		} else {
			addDC4(d, ds, p, ps, coef);
		}
		d += 4 * ds, p += 4 * ps, coef += 64, eobs += 4;
	} while (--n);
}

void idctAdd8x8(dst_t d, long ds, src_t p, long ps, const int16_t *coef, const uint8_t *eobs) {
	long n = 2;
	do {
		idctPair(d, ds, p, ps, coef, (eobs[0] | eobs[1]) > 1);
		d += 4 * ds, p += 4 * ps, coef += 32, eobs += 2;
	} while (--n);
}

INLINE void addRow4(dst_t d, src_t p, int16x8_t v) {
	store4(d, vqmovun_s16(vreinterpretq_s16_u16(vaddw_u8(vreinterpretq_u16_s16(v), load4(p)))));
}

void idctAdd(dst_t d, long ds, src_t p, long ps, const int16_t *coef) {
	int16x8_t a = vld1q_s16(coef), b = vld1q_s16(coef + 8);
	int16x8_t r[4] = {a, vextq_s16(a, a, 4), b, vextq_s16(b, b, 4)};
	idct(r);
	addRow4(d, p, r[0]);
	addRow4(d + ds, p + ps, r[1]);
	addRow4(d + 2 * ds, p + 2 * ps, r[2]);
	addRow4(d + 3 * ds, p + 3 * ps, r[3]);
}

INLINE void whtPass(int16x8_t r[4]) {
	int16x8_t a = vaddq_s16(r[0], r[3]), b = vaddq_s16(r[1], r[2]);
	int16x8_t c = vsubq_s16(r[1], r[2]), d = vsubq_s16(r[0], r[3]);
	r[0] = vaddq_s16(a, b), r[1] = vaddq_s16(c, d);
	r[2] = vsubq_s16(a, b), r[3] = vsubq_s16(d, c);
}

INLINE int16x8_t gatherDC(const int16_t *c) {
	int16x8_t v = vdupq_n_s16(0);
	v = vld1q_lane_s16(c, v, 0);
	v = vld1q_lane_s16(c + 16, v, 1);
	v = vld1q_lane_s16(c + 32, v, 2);
	return vld1q_lane_s16(c + 48, v, 3);
}

void fwht(int16_t *out, const int16_t *coef) {
	int16x8_t r[4] = {gatherDC(coef), gatherDC(coef + 64), gatherDC(coef + 128), gatherDC(coef + 192)};
	transpose4(r);
	whtPass(r);
	transpose4(r);
	whtPass(r);
	int16x8_t lo = vcombine_s16(vget_low_s16(r[0]), vget_low_s16(r[1]));
	int16x8_t hi = vcombine_s16(vget_low_s16(r[2]), vget_low_s16(r[3]));
	// Half away from zero: the comparison is -1 where positive.
	lo = vsubq_s16(lo, vreinterpretq_s16_u16(vcgtzq_s16(lo)));
	hi = vsubq_s16(hi, vreinterpretq_s16_u16(vcgtzq_s16(hi)));
	vst1q_s16(out, vshrq_n_s16(lo, 1));
	vst1q_s16(out + 8, vshrq_n_s16(hi, 1));
}

INLINE void scatterDC(int16_t *c, int16x8_t a, int16x8_t b, int16x8_t d, int16x8_t e) {
#define ROW(i)                                \
	vst1q_lane_s16(c + 64 * i, a, i);      \
	vst1q_lane_s16(c + 64 * i + 16, b, i); \
	vst1q_lane_s16(c + 64 * i + 32, d, i); \
	vst1q_lane_s16(c + 64 * i + 48, e, i);
	ROW(0)
	ROW(1)
	ROW(2)
	ROW(3)
}

void iwht(int16_t *coef, const int16_t *y2) {
	int16x8_t a = vld1q_s16(y2), b = vld1q_s16(y2 + 8);
	int16x8_t r[4] = {a, vextq_s16(a, a, 4), b, vextq_s16(b, b, 4)};
	whtPass(r);
	transpose4(r);
	r[0] = vaddq_s16(r[0], vdupq_n_s16(3));
	whtPass(r);
	scatterDC(coef, vshrq_n_s16(r[0], 3), vshrq_n_s16(r[1], 3), vshrq_n_s16(r[2], 3), vshrq_n_s16(r[3], 3));
}
