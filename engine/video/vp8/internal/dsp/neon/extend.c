#include "neon.h"

// p is the first sample of the first row; n is 24 or 48.
void extendRows(dst_t p, long stride, long w, long h, long n) {
	dst_t q = p + w;
	if (n == 24) {
		do {
			uint8x16_t a = vld1q_dup_u8(p), b = vld1q_dup_u8(q - 1);
			vst1q_u8(p - 24, a);
			vst1_u8(p - 8, vget_low_u8(a));
			vst1q_u8(q, b);
			vst1_u8(q + 16, vget_low_u8(b));
			p += stride, q += stride;
		} while (--h);
		return;
	}
	do {
		uint8x16_t a = vld1q_dup_u8(p), b = vld1q_dup_u8(q - 1);
		vst1q_u8(p - 48, a);
		vst1q_u8(p - 32, a);
		vst1q_u8(p - 16, a);
		vst1q_u8(q, b);
		vst1q_u8(q + 16, b);
		vst1q_u8(q + 32, b);
		p += stride, q += stride;
	} while (--h);
}
