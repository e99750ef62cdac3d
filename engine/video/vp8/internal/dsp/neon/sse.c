#include "neon.h"

// Sums of squares, and of both sides' samples: 128 rows at most, or these
// would not fit.
typedef struct {
	uint32x4_t low, high;
	uint16x8_t a, b;
} diff_t;

INLINE diff_t none(void) {
	diff_t d = {vdupq_n_u32(0), vdupq_n_u32(0), vdupq_n_u16(0), vdupq_n_u16(0)};
	return d;
}

INLINE diff_t add16(diff_t d, uint8x16_t a, uint8x16_t b) {
	uint8x16_t v = vabdq_u8(a, b);
	d.low = vpadalq_u16(d.low, vmull_u8(vget_low_u8(v), vget_low_u8(v)));
	d.high = vpadalq_u16(d.high, vmull_high_u8(v, v));
	d.a = vpadalq_u8(d.a, a);
	d.b = vpadalq_u8(d.b, b);
	return d;
}

// Sums of squares in the low, of differences in the high half of the result.
INLINE uint64_t total(diff_t d) {
	uint64_t sse = vaddvq_u32(vaddq_u32(d.low, d.high));
	return sse | (uint64_t)(uint32_t)vaddlvq_s16(vreinterpretq_s16_u16(vsubq_u16(d.a, d.b))) << 32;
}

uint64_t diff16xN(src_t a, long as, src_t b, long bs, long h) {
	diff_t d = none();
	for (; h & 3; h--)
		d = add16(d, next16(&a, as), next16(&b, bs));
	for (; h; h -= 4) {
		d = add16(d, next16(&a, as), next16(&b, bs));
		d = add16(d, next16(&a, as), next16(&b, bs));
		d = add16(d, next16(&a, as), next16(&b, bs));
		d = add16(d, next16(&a, as), next16(&b, bs));
	}
	return total(d);
}

// Two rows at a time.
uint64_t diff8xN(src_t a, long as, src_t b, long bs, long h) {
	diff_t d = none();
	do {
		uint8x8_t p = next8(&a, as), q = next8(&b, bs);
		d = add16(d, vcombine_u8(p, next8(&a, as)), vcombine_u8(q, next8(&b, bs)));
	} while (h -= 2);
	return total(d);
}

uint32_t sse4x4(src_t a, long as, src_t b, long bs) {
	uint8x8_t v = vabd_u8(load4x2(a, as), load4x2(b, bs));
	uint8x8_t w = vabd_u8(load4x2(a + 2 * as, as), load4x2(b + 2 * bs, bs));
	return vaddvq_u32(vpadalq_u16(vpaddlq_u16(vmull_u8(v, v)), vmull_u8(w, w)));
}

void quadrants(src_t a, long as, src_t b, long bs, uint32_t *sse, int32_t *sum) {
	long half = 2;
	do {
		diff_t d = none();
		long h = 2;
		do {
			d = add16(d, next16(&a, as), next16(&b, bs));
			d = add16(d, next16(&a, as), next16(&b, bs));
			d = add16(d, next16(&a, as), next16(&b, bs));
			d = add16(d, next16(&a, as), next16(&b, bs));
		} while (--h);
		int16x8_t s = vreinterpretq_s16_u16(vsubq_u16(d.a, d.b));
		sse[0] = vaddvq_u32(d.low);
		sse[1] = vaddvq_u32(d.high);
		sum[0] = vaddlv_s16(vget_low_s16(s));
		sum[1] = vaddlv_s16(vget_high_s16(s));
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

uint32_t satd8xN(src_t a, long as, src_t b, long bs, long h) {
	uint32x4_t acc = vdupq_n_u32(0);
	do {
		int16x8_t r[4];
#define ROW8(i) r[i] = vreinterpretq_s16_u16(vsubl_u8(next8(&a, as), next8(&b, bs)));
		ROW8(0)
		ROW8(1)
		ROW8(2)
		ROW8(3)
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
	v = next16(&a, as), w = next16(&b, bs);                                        \
	r[i] = vreinterpretq_s16_u16(vsubl_u8(vget_low_u8(v), vget_low_u8(w)));        \
	q[i] = vreinterpretq_s16_u16(vsubl_high_u8(v, w));
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
