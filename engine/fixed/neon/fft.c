#include <arm_neon.h>
#include <stdint.h>

// A kernel is a leaf: its parts have to vanish into it. Complex numbers lie in
// memory as pairs; c4 holds four of them, parts apart.
#define INLINE static inline __attribute__((always_inline))

typedef const int32_t *src_t;
typedef int32_t *dst_t;
typedef int32x4x2_t c4;

#define R val[0]
#define I val[1]

INLINE c4 add(c4 a, c4 b) { return (c4){{vaddq_s32(a.R, b.R), vaddq_s32(a.I, b.I)}}; }
INLINE c4 sub(c4 a, c4 b) { return (c4){{vsubq_s32(a.R, b.R), vsubq_s32(a.I, b.I)}}; }

#define NARROW(lo, hi, shift) vrshrn_high_n_s64(vrshrn_n_s64(lo, shift), hi, shift)

#define ROTATE(name, shift)                                                                        \
	INLINE c4 name(c4 v, c4 w) {                                                                   \
		int64x2_t rl = vmull_s32(vget_low_s32(v.R), vget_low_s32(w.R));                            \
		int64x2_t rh = vmull_high_s32(v.R, w.R);                                                   \
		int64x2_t il = vmull_s32(vget_low_s32(v.R), vget_low_s32(w.I));                            \
		int64x2_t ih = vmull_high_s32(v.R, w.I);                                                   \
		rl = vmlsl_s32(rl, vget_low_s32(v.I), vget_low_s32(w.I));                                  \
		rh = vmlsl_high_s32(rh, v.I, w.I);                                                         \
		il = vmlal_s32(il, vget_low_s32(v.I), vget_low_s32(w.R));                                  \
		ih = vmlal_high_s32(ih, v.I, w.R);                                                         \
		return (c4){{NARROW(rl, rh, shift), NARROW(il, ih, shift)}};                               \
	}
ROTATE(rotate30, 30)
ROTATE(rotate31, 31)
ROTATE(rotate32, 32)

// The same with one w for all, of parts at lanes 0 and 1.
#define ROTATE_LANE(name, shift)                                                                   \
	INLINE c4 name(c4 v, int32x2_t w) {                                                            \
		int64x2_t rl = vmull_lane_s32(vget_low_s32(v.R), w, 0);                                    \
		int64x2_t rh = vmull_high_lane_s32(v.R, w, 0);                                             \
		int64x2_t il = vmull_lane_s32(vget_low_s32(v.R), w, 1);                                    \
		int64x2_t ih = vmull_high_lane_s32(v.R, w, 1);                                             \
		rl = vmlsl_lane_s32(rl, vget_low_s32(v.I), w, 1);                                          \
		rh = vmlsl_high_lane_s32(rh, v.I, w, 1);                                                   \
		il = vmlal_lane_s32(il, vget_low_s32(v.I), w, 0);                                          \
		ih = vmlal_high_lane_s32(ih, v.I, w, 0);                                                   \
		return (c4){{NARROW(rl, rh, shift), NARROW(il, ih, shift)}};                               \
	}
ROTATE_LANE(rotateBy30, 30)
ROTATE_LANE(rotateBy32, 32)

INLINE void butterfly(c4 y[4], c4 a, c4 b, c4 c, c4 d) {
	c4 s = add(a, c), t = add(b, d), u = sub(b, d);
	a = sub(a, c);
	y[0] = add(s, t);
	y[2] = sub(s, t);
	// -i·(b-d)
	y[1] = (c4){{vaddq_s32(a.R, u.I), vsubq_s32(a.I, u.R)}};
	y[3] = (c4){{vsubq_s32(a.R, u.I), vaddq_s32(a.I, u.R)}};
}

INLINE void turn(c4 y[4], c4 w1, c4 w2, c4 w3, long down) {
	if (down) {
		y[0].R = vrshrq_n_s32(y[0].R, 2), y[0].I = vrshrq_n_s32(y[0].I, 2);
		y[1] = rotate32(y[1], w1), y[2] = rotate32(y[2], w2), y[3] = rotate32(y[3], w3);
	} else {
		y[1] = rotate30(y[1], w1), y[2] = rotate30(y[2], w2), y[3] = rotate30(y[3], w3);
	}
}

// Two of the four pairs of x.
#define PAIRS(zip, x) vreinterpretq_s64_s32(zip(x.R, x.I))

// Stores the first numbers of a and b at dst, the second ones 4 numbers on.
INLINE void store(dst_t dst, int64x2_t a, int64x2_t b) {
	vst1q_s64((int64_t *)dst, vzip1q_s64(a, b));
	vst1q_s64((int64_t *)dst + 4, vzip2q_s64(a, b));
}

INLINE void first(dst_t dst, src_t src, src_t w, long m, src_t b, src_t d, long down) {
	src_t c = src + 4 * m, w2 = w + 2 * m, w3 = w + 4 * m;
	do {
		c4 y[4];
		butterfly(y, vld2q_s32(src), vld2q_s32(b), vld2q_s32(c), vld2q_s32(d));
		turn(y, vld2q_s32(w), vld2q_s32(w2), vld2q_s32(w3), down);
		int64x2_t p0 = PAIRS(vzip1q_s32, y[0]), p1 = PAIRS(vzip1q_s32, y[1]), p2 = PAIRS(vzip1q_s32, y[2]), p3 = PAIRS(vzip1q_s32, y[3]);
		store(dst, p0, p1), store(dst + 4, p2, p3);
		p0 = PAIRS(vzip2q_s32, y[0]), p1 = PAIRS(vzip2q_s32, y[1]), p2 = PAIRS(vzip2q_s32, y[2]), p3 = PAIRS(vzip2q_s32, y[3]);
		store(dst + 16, p0, p1), store(dst + 20, p2, p3);
		src += 8, b += 8, c += 8, d += 8, w += 8, w2 += 8, w3 += 8, dst += 32;
	} while (m -= 4);
}

void fftFirst(dst_t dst, src_t src, src_t w, long m, long swap, long down) {
	src_t b = src + (swap ? 6 * m : 2 * m), d = src + (swap ? 2 * m : 6 * m);
	if (down)
		first(dst, src, w, m, b, d, 1);
	else
		first(dst, src, w, m, b, d, 0);
}

INLINE void middle(dst_t dst, src_t src, src_t w, long m, long s, src_t b, src_t d, long down) {
	src_t c = src + 4 * m * s;
	long groups = m;
	do {
		int32x2_t w1 = vld1_s32(w), w2 = vld1_s32(w + 2 * m), w3 = vld1_s32(w + 4 * m);
		long n = s;
		do {
			c4 y[4];
			butterfly(y, vld2q_s32(src), vld2q_s32(b), vld2q_s32(c), vld2q_s32(d));
			if (down) {
				y[0].R = vrshrq_n_s32(y[0].R, 2), y[0].I = vrshrq_n_s32(y[0].I, 2);
				vst2q_s32(dst, y[0]);
				vst2q_s32(dst + 2 * s, rotateBy32(y[1], w1));
				vst2q_s32(dst + 4 * s, rotateBy32(y[2], w2));
				vst2q_s32(dst + 6 * s, rotateBy32(y[3], w3));
			} else {
				vst2q_s32(dst, y[0]);
				vst2q_s32(dst + 2 * s, rotateBy30(y[1], w1));
				vst2q_s32(dst + 4 * s, rotateBy30(y[2], w2));
				vst2q_s32(dst + 6 * s, rotateBy30(y[3], w3));
			}
			src += 8, b += 8, c += 8, d += 8, dst += 8;
		} while (n -= 4);
		dst += 6 * s, w += 2;
	} while (--groups);
}

void fftMiddle(dst_t dst, src_t src, src_t w, long m, long s, long swap, long down) {
	long n = m * s;
	src_t b = src + (swap ? 6 * n : 2 * n), d = src + (swap ? 2 * n : 6 * n);
	if (down)
		middle(dst, src, w, m, s, b, d, 1);
	else
		middle(dst, src, w, m, s, b, d, 0);
}

void fftLast(dst_t dst, src_t src, long s, long swap) {
	src_t b = src + (swap ? 6 * s : 2 * s), d = src + (swap ? 2 * s : 6 * s), c = src + 4 * s;
	long n = s;
	do {
		c4 y[4];
		butterfly(y, vld2q_s32(src), vld2q_s32(b), vld2q_s32(c), vld2q_s32(d));
		vst2q_s32(dst, y[0]);
		vst2q_s32(dst + 2 * s, y[1]);
		vst2q_s32(dst + 4 * s, y[2]);
		vst2q_s32(dst + 6 * s, y[3]);
		src += 8, b += 8, c += 8, d += 8, dst += 8;
	} while (n -= 4);
}

INLINE int32x4_t reverse(int32x4_t v) {
	v = vrev64q_s32(v);
	return vextq_s32(v, v, 2);
}

// Half the sum and the turned difference of low and high, high conjugate and
// backward.
INLINE void evenOdd(c4 *e, c4 *t, src_t low, src_t high, src_t w) {
	c4 a = vld2q_s32(low), b = vld2q_s32(high);
	b.R = reverse(b.R), b.I = reverse(b.I);
	e->R = vshrq_n_s32(vaddq_s32(a.R, b.R), 1), e->I = vshrq_n_s32(vsubq_s32(a.I, b.I), 1);
	*t = rotate31((c4){{vsubq_s32(a.R, b.R), vaddq_s32(a.I, b.I)}}, vld2q_s32(w));
}

void fftSplit(dst_t low, dst_t high, src_t w, long n) {
	high -= 6;
	do {
		c4 e, t, y;
		evenOdd(&e, &t, low, high, w);
		vst2q_s32(low, add(e, t));
		y.R = reverse(vsubq_s32(e.R, t.R)), y.I = reverse(vsubq_s32(t.I, e.I));
		vst2q_s32(high, y);
		low += 8, high -= 8, w += 8;
	} while (n -= 4);
}

void fftJoin(dst_t dstLow, dst_t dstHigh, src_t low, src_t high, src_t w, long n, long shift) {
	int32x4_t down = vdupq_n_s32(-shift);
	high -= 6, dstHigh -= 6;
	do {
		c4 e, t, y;
		evenOdd(&e, &t, low, high, w);
		y.R = vrshlq_s32(vaddq_s32(e.R, t.R), down), y.I = vrshlq_s32(vaddq_s32(e.I, t.I), down);
		vst2q_s32(dstLow, y);
		y.R = reverse(vrshlq_s32(vsubq_s32(e.R, t.R), down));
		y.I = reverse(vrshlq_s32(vsubq_s32(t.I, e.I), down));
		vst2q_s32(dstHigh, y);
		dstLow += 8, dstHigh -= 8, low += 8, high -= 8, w += 8;
	} while (n -= 4);
}
