#include "neon.h"

// Magnitudes of the six taps, each in all lanes. Taps 1 and 4 are negative.
typedef struct {
	uint8x8_t k[6];
} taps_t;

INLINE taps_t loadTaps(const uint8_t *p) {
	uint8x8_t v = vld1_u8(p);
	taps_t t = {{vdup_lane_u8(v, 0), vdup_lane_u8(v, 1), vdup_lane_u8(v, 2), vdup_lane_u8(v, 3), vdup_lane_u8(v, 4), vdup_lane_u8(v, 5)}};
	return t;
}

// The positive products reach 160*255 and the negative ones 32*255, so that
// both fit 16 bits, and the saturating difference clamps at 0.
INLINE uint8x8_t six(uint8x8_t a, uint8x8_t b, uint8x8_t c, uint8x8_t d, uint8x8_t e, uint8x8_t f, const taps_t *t) {
	uint16x8_t pos = vmull_u8(c, t->k[2]), neg = vmull_u8(b, t->k[1]);
	pos = vmlal_u8(pos, d, t->k[3]);
	neg = vmlal_u8(neg, e, t->k[4]);
	pos = vmlal_u8(pos, a, t->k[0]);
	pos = vmlal_u8(pos, f, t->k[5]);
	return vqrshrn_n_u16(vqsubq_u16(pos, neg), 7);
}

INLINE uint8x8_t get(src_t p, long w) { return w == 4 ? load4(p) : vld1_u8(p); }

INLINE void put(dst_t p, uint8x8_t v, long w) {
	if (w == 4)
		store4(p, v);
	else
		vst1_u8(p, v);
}

// One row of the horizontal pass; w (4 or 8) samples, nothing else read.
INLINE uint8x8_t across(src_t p, const taps_t *t, long w) {
	return six(get(p - 2, w), get(p - 1, w), get(p, w), get(p + 1, w), get(p + 2, w), get(p + 3, w), t);
}

// Strips of w columns. Between the passes rows stay in registers.
INLINE void both(dst_t d, long ds, src_t s, long ss, const taps_t *x, const taps_t *y, long h, long w) {
	s -= 2 * ss;
	uint8x8_t a = across(s, x, w), b = across(s + ss, x, w), c = across(s + 2 * ss, x, w);
	uint8x8_t e = across(s + 3 * ss, x, w), f = across(s + 4 * ss, x, w);
	s += 5 * ss;
	do {
		uint8x8_t g = across(s, x, w);
		put(d, six(a, b, c, e, f, g, y), w);
		a = b, b = c, c = e, e = f, f = g;
		s += ss, d += ds;
	} while (--h);
}

INLINE void down(dst_t d, long ds, src_t s, long ss, const taps_t *y, long h, long w) {
	s -= 2 * ss;
	uint8x8_t a = get(s, w), b = get(s + ss, w), c = get(s + 2 * ss, w);
	uint8x8_t e = get(s + 3 * ss, w), f = get(s + 4 * ss, w);
	s += 5 * ss;
	do {
		uint8x8_t g = get(s, w);
		put(d, six(a, b, c, e, f, g, y), w);
		a = b, b = c, c = e, e = f, f = g;
		s += ss, d += ds;
	} while (--h);
}

INLINE void right(dst_t d, long ds, src_t s, long ss, const taps_t *x, long h, long w) {
	do {
		put(d, across(s, x, w), w);
		s += ss, d += ds;
	} while (--h);
}

// The same for 16 columns.
typedef struct {
	uint8x16_t k[6];
} wideTaps_t;

INLINE wideTaps_t loadWideTaps(const uint8_t *p) {
	uint8x8_t v = vld1_u8(p);
	wideTaps_t t = {{vdupq_lane_u8(v, 0), vdupq_lane_u8(v, 1), vdupq_lane_u8(v, 2), vdupq_lane_u8(v, 3), vdupq_lane_u8(v, 4), vdupq_lane_u8(v, 5)}};
	return t;
}

INLINE uint8x16_t six16(uint8x16_t a, uint8x16_t b, uint8x16_t c, uint8x16_t d, uint8x16_t e, uint8x16_t f, const wideTaps_t *t) {
#define LOW(v) vget_low_u8(v)
	uint16x8_t pos = vmull_u8(LOW(c), LOW(t->k[2])), neg = vmull_u8(LOW(b), LOW(t->k[1]));
	uint16x8_t posHi = vmull_high_u8(c, t->k[2]), negHi = vmull_high_u8(b, t->k[1]);
	pos = vmlal_u8(pos, LOW(d), LOW(t->k[3])), posHi = vmlal_high_u8(posHi, d, t->k[3]);
	neg = vmlal_u8(neg, LOW(e), LOW(t->k[4])), negHi = vmlal_high_u8(negHi, e, t->k[4]);
	pos = vmlal_u8(pos, LOW(a), LOW(t->k[0])), posHi = vmlal_high_u8(posHi, a, t->k[0]);
	pos = vmlal_u8(pos, LOW(f), LOW(t->k[5])), posHi = vmlal_high_u8(posHi, f, t->k[5]);
	return vqrshrn_high_n_u16(vqrshrn_n_u16(vqsubq_u16(pos, neg), 7), vqsubq_u16(posHi, negHi), 7);
}

// Two loads reach from 2 samples left of the row to 3 right of it, no further.
INLINE uint8x16_t across16(src_t p, const wideTaps_t *t) {
	uint8x16_t v = vld1q_u8(p - 2), w = vld1q_u8(p + 3), x = vextq_u8(w, w, 11);
	return six16(v, vextq_u8(v, x, 1), vextq_u8(v, x, 2), vextq_u8(v, x, 3), vextq_u8(v, x, 4), w, t);
}

// Four rows at a time: the rows move to other registers once in four.
void sixTapY16(dst_t d, long ds, src_t s, long ss, const uint8_t *ky, long h) {
	wideTaps_t y = loadWideTaps(ky);
	s -= 2 * ss;
	uint8x16_t a = vld1q_u8(s), b = vld1q_u8(s + ss), c = vld1q_u8(s + 2 * ss);
	uint8x16_t e = vld1q_u8(s + 3 * ss), f = vld1q_u8(s + 4 * ss), g, i, j, k;
	s += 5 * ss;
	do {
		g = vld1q_u8(s), s += ss;
		vst1q_u8(d, six16(a, b, c, e, f, g, &y)), d += ds;
		i = vld1q_u8(s), s += ss;
		vst1q_u8(d, six16(b, c, e, f, g, i, &y)), d += ds;
		j = vld1q_u8(s), s += ss;
		vst1q_u8(d, six16(c, e, f, g, i, j, &y)), d += ds;
		k = vld1q_u8(s), s += ss;
		vst1q_u8(d, six16(e, f, g, i, j, k, &y)), d += ds;
		a = f, b = g, c = i, e = j, f = k;
	} while (h -= 4);
}

void sixTapX16(dst_t d, long ds, src_t s, long ss, const uint8_t *kx, long h) {
	wideTaps_t x = loadWideTaps(kx);
	do {
		vst1q_u8(d, across16(s, &x));
		s += ss, d += ds;
	} while (--h);
}

// The rows that sixTapY16 wants for h of its own, 16 bytes apart.
void sixTapRows16(dst_t d, src_t s, long ss, const uint8_t *kx, long h) {
	wideTaps_t x = loadWideTaps(kx);
	s -= 2 * ss, h += 5;
	do {
		vst1q_u8(d, across16(s, &x));
		s += ss, d += 16;
	} while (--h);
}

void sixTapXY(dst_t d, long ds, src_t s, long ss, const uint8_t *kx, const uint8_t *ky, long w, long h) {
	taps_t x = loadTaps(kx), y = loadTaps(ky);
	if (w == 4) {
		both(d, ds, s, ss, &x, &y, h, 4);
		return;
	}
	both(d, ds, s, ss, &x, &y, h, 8);
}

void sixTapX(dst_t d, long ds, src_t s, long ss, const uint8_t *kx, long w, long h) {
	taps_t x = loadTaps(kx);
	if (w == 4) {
		right(d, ds, s, ss, &x, h, 4);
		return;
	}
	right(d, ds, s, ss, &x, h, 8);
}

void sixTapY(dst_t d, long ds, src_t s, long ss, const uint8_t *ky, long w, long h) {
	taps_t y = loadTaps(ky);
	if (w == 4) {
		down(d, ds, s, ss, &y, h, 4);
		return;
	}
	down(d, ds, s, ss, &y, h, 8);
}

INLINE uint8x8_t weigh(uint8x8_t a, uint8x8_t b, uint8x8_t k0, uint8x8_t k1) {
	return vrshrn_n_u16(vmlal_u8(vmull_u8(a, k0), b, k1), 7);
}

INLINE void mean(dst_t d, long ds, src_t s, long ss, long step, uint8x8_t k0, uint8x8_t k1, long h, long w) {
	do {
		put(d, weigh(get(s, w), get(s + step, w), k0, k1), w);
		s += ss, d += ds;
	} while (--h);
}

INLINE void meanBoth(dst_t d, long ds, src_t s, long ss, long mx, long my, long h, long w) {
	uint8x8_t x0 = vdup_n_u8(128 - 16 * mx), x1 = vdup_n_u8(16 * mx);
	uint8x8_t y0 = vdup_n_u8(128 - 16 * my), y1 = vdup_n_u8(16 * my);
	uint8x8_t a = weigh(get(s, w), get(s + 1, w), x0, x1);
	do {
		s += ss;
		uint8x8_t b = weigh(get(s, w), get(s + 1, w), x0, x1);
		put(d, weigh(a, b, y0, y1), w);
		a = b, d += ds;
	} while (--h);
}

void bilinear(dst_t d, long ds, src_t s, long ss, long mx, long my, long w, long h) {
	if (mx && my) {
		if (w == 4) {
			meanBoth(d, ds, s, ss, mx, my, h, 4);
			return;
		}
		do {
			meanBoth(d, ds, s, ss, mx, my, h, 8);
			d += 8, s += 8;
		} while (w -= 8);
		return;
	}
	long step = mx ? 1 : ss, m = mx + my;
	uint8x8_t k0 = vdup_n_u8(128 - 16 * m), k1 = vdup_n_u8(16 * m);
	if (w == 4) {
		mean(d, ds, s, ss, step, k0, k1, h, 4);
		return;
	}
	do {
		mean(d, ds, s, ss, step, k0, k1, h, 8);
		d += 8, s += 8;
	} while (w -= 8);
}

void intraTM(dst_t d, long ds, src_t above, src_t left, long corner, long n) {
	uint8x8_t c = vdup_n_u8(corner);
	int16x8_t lo = vreinterpretq_s16_u16(vsubl_u8(vld1_u8(above), c));
	if (n == 8) {
		do {
			int16x8_t l = vreinterpretq_s16_u16(vmovl_u8(vld1_dup_u8(left)));
			vst1_u8(d, vqmovun_s16(vaddq_s16(lo, l)));
			d += ds, left++;
		} while (--n);
		return;
	}
	int16x8_t hi = vreinterpretq_s16_u16(vsubl_u8(vld1_u8(above + 8), c));
	do {
		int16x8_t l = vreinterpretq_s16_u16(vmovl_u8(vld1_dup_u8(left)));
		vst1q_u8(d, vcombine_u8(vqmovun_s16(vaddq_s16(lo, l)), vqmovun_s16(vaddq_s16(hi, l))));
		d += ds, left++;
	} while (--n);
}

// Each row is filled with its left neighbour.
void intraH(dst_t d, long ds, src_t left, long n) {
	if (n == 8) {
		do {
			vst1_u8(d, vld1_dup_u8(left));
			vst1_u8(d + ds, vld1_dup_u8(left + 1));
			d += 2 * ds, left += 2;
		} while (n -= 2);
		return;
	}
	do {
		vst1q_u8(d, vld1q_dup_u8(left));
		vst1q_u8(d + ds, vld1q_dup_u8(left + 1));
		d += 2 * ds, left += 2;
	} while (n -= 2);
}
