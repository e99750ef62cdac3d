#include "neon.h"

INLINE uint8x8_t step(int16_t *avg, uint8x8_t pix, int16x8_t shift, int16x8_t limit, int16x8_t minus) {
	int16x8_t p = vreinterpretq_s16_u16(vshll_n_u8(pix, 7)), a = vld1q_s16(avg);
	int16x8_t d = vsubq_s16(p, a);
	uint16x8_t far = vorrq_u16(vcgtq_s16(d, limit), vcgtq_s16(minus, d));
	a = vbslq_s16(far, p, vaddq_s16(a, vshlq_s16(d, shift)));
	vst1q_s16(avg, a);
	return vqrshrun_n_s16(a, 7);
}

void average(int16_t *avg, uint8_t *pix, long stride, long w, long h, long shift, long limit) {
	// A negative count shifts right.
	int16x8_t s = vdupq_n_s16(-shift), l = vdupq_n_s16(limit), m = vdupq_n_s16(-limit);
	if (w == 8) {
		do {
			vst1_u8(pix, step(avg, vld1_u8(pix), s, l, m));
			avg += stride, pix += stride;
		} while (--h);
		return;
	}
	do {
		uint8x16_t p = vld1q_u8(pix);
		uint8x8_t lo = step(avg, vget_low_u8(p), s, l, m), hi = step(avg + 8, vget_high_u8(p), s, l, m);
		vst1q_u8(pix, vcombine_u8(lo, hi));
		avg += stride, pix += stride;
	} while (--h);
}
