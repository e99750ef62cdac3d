#include "neon.h"

// Sums of squares in the low, of differences in the high half of the result.
typedef struct {
	int32x4_t sse;
	int16x8_t sum;
} diff_t;

INLINE void add8(diff_t *d, uint8x8_t a, uint8x8_t b) {
	int16x8_t v = vreinterpretq_s16_u16(vsubl_u8(a, b));
	d->sum = vaddq_s16(d->sum, v);
	d->sse = vmlal_s16(d->sse, vget_low_s16(v), vget_low_s16(v));
	d->sse = vmlal_high_s16(d->sse, v, v);
}

INLINE uint64_t total(diff_t d) {
	uint64_t sse = (uint32_t)vaddvq_s32(d.sse);
	return sse | (uint64_t)(uint32_t)vaddlvq_s16(d.sum) << 32;
}

uint64_t diff16xN(src_t a, long as, src_t b, long bs, long h) {
	diff_t d = {vdupq_n_s32(0), vdupq_n_s16(0)}, e = d;
	do {
		uint8x16_t p = vld1q_u8(a), q = vld1q_u8(b);
		add8(&d, vget_low_u8(p), vget_low_u8(q));
		add8(&e, vget_high_u8(p), vget_high_u8(q));
		a += as, b += bs;
	} while (--h);
	d.sse = vaddq_s32(d.sse, e.sse);
	d.sum = vaddq_s16(d.sum, e.sum);
	return total(d);
}

uint64_t diff8xN(src_t a, long as, src_t b, long bs, long h) {
	diff_t d = {vdupq_n_s32(0), vdupq_n_s16(0)};
	do {
		add8(&d, vld1_u8(a), vld1_u8(b));
		a += as, b += bs;
	} while (--h);
	return total(d);
}

uint32_t sse4x4(src_t a, long as, src_t b, long bs) {
	diff_t d = {vdupq_n_s32(0), vdupq_n_s16(0)};
	add8(&d, load4x2(a, as), load4x2(b, bs));
	add8(&d, load4x2(a + 2 * as, as), load4x2(b + 2 * bs, bs));
	return vaddvq_s32(d.sse);
}

void quadrants(src_t a, long as, src_t b, long bs, uint32_t *sse, int32_t *sum) {
	long half = 2;
	do {
		diff_t d = {vdupq_n_s32(0), vdupq_n_s16(0)}, e = d;
		long h = 8;
		do {
			uint8x16_t p = vld1q_u8(a), q = vld1q_u8(b);
			add8(&d, vget_low_u8(p), vget_low_u8(q));
			add8(&e, vget_high_u8(p), vget_high_u8(q));
			a += as, b += bs;
		} while (--h);
		sse[0] = vaddvq_s32(d.sse);
		sse[1] = vaddvq_s32(e.sse);
		sum[0] = vaddlvq_s16(d.sum);
		sum[1] = vaddlvq_s16(e.sum);
		sse += 2, sum += 2;
	} while (--half);
}

// Of the last butterfly only the larger magnitude counts: |s+v| + |s-v| is
// twice the larger of |s| and |v|.
INLINE uint32x4_t hadamard(uint32x4_t acc, int16x8_t r[4]) {
	int16x8_t s = vaddq_s16(r[0], r[2]), u = vsubq_s16(r[0], r[2]);
	int16x8_t v = vaddq_s16(r[1], r[3]), w = vsubq_s16(r[1], r[3]);
	r[0] = vaddq_s16(s, v), r[1] = vsubq_s16(s, v);
	r[2] = vaddq_s16(u, w), r[3] = vsubq_s16(u, w);
	transpose4(r);
	s = vabsq_s16(vaddq_s16(r[0], r[2])), u = vabsq_s16(vsubq_s16(r[0], r[2]));
	v = vabsq_s16(vaddq_s16(r[1], r[3])), w = vabsq_s16(vsubq_s16(r[1], r[3]));
	s = vaddq_s16(vmaxq_s16(s, v), vmaxq_s16(u, w));
	return vpadalq_u16(acc, vreinterpretq_u16_s16(s));
}

INLINE int16x8_t sub8(src_t a, src_t b) {
	return vreinterpretq_s16_u16(vsubl_u8(vld1_u8(a), vld1_u8(b)));
}

uint32_t satd8xN(src_t a, long as, src_t b, long bs, long h) {
	uint32x4_t acc = vdupq_n_u32(0);
	do {
		int16x8_t r[4];
		r[0] = sub8(a, b);
		a += as, b += bs;
		r[1] = sub8(a, b);
		a += as, b += bs;
		r[2] = sub8(a, b);
		a += as, b += bs;
		r[3] = sub8(a, b);
		a += as, b += bs;
		acc = hadamard(acc, r);
	} while (h -= 4);
	return vaddvq_u32(acc);
}

uint32_t satd16x16(src_t a, long as, src_t b, long bs) {
	uint32x4_t acc = vdupq_n_u32(0);
	long n = 4;
	do {
		int16x8_t r[4], q[4];
		uint8x16_t v, w;
#define ROW16(i)                                                                       \
	v = vld1q_u8(a), w = vld1q_u8(b);                                              \
	r[i] = vreinterpretq_s16_u16(vsubl_u8(vget_low_u8(v), vget_low_u8(w)));        \
	q[i] = vreinterpretq_s16_u16(vsubl_high_u8(v, w));                             \
	a += as, b += bs;
		ROW16(0)
		ROW16(1)
		ROW16(2)
		ROW16(3)
		acc = hadamard(acc, r);
		acc = hadamard(acc, q);
	} while (--n);
	return vaddvq_u32(acc);
}

uint32_t satd4x4(src_t a, long as, src_t b, long bs) {
	int16x8_t r[4];
	r[0] = vreinterpretq_s16_u16(vsubl_u8(load4(a), load4(b)));
	r[1] = vreinterpretq_s16_u16(vsubl_u8(load4(a + as), load4(b + bs)));
	r[2] = vreinterpretq_s16_u16(vsubl_u8(load4(a + 2 * as), load4(b + 2 * bs)));
	r[3] = vreinterpretq_s16_u16(vsubl_u8(load4(a + 3 * as), load4(b + 3 * bs)));
	return vaddvq_u32(hadamard(vdupq_n_u32(0), r));
}
