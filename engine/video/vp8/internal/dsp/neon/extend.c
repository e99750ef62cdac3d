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

// Strips of 16 columns, and one of 8; w is a multiple of 8, h of 4.
void copyRun(dst_t dst, long ds, src_t src, long ss, long w, long h) {
	for (; w >= 16; w -= 16, dst += 16, src += 16) {
		dst_t p = dst;
		src_t q = src;
		long n = h;
		do {
			uint8x16_t a = vld1q_u8(q), b = vld1q_u8(q + ss);
			vst1q_u8(p, a);
			vst1q_u8(p + ds, b);
			p += 2 * ds, q += 2 * ss;
		} while (n -= 2);
	}
	if (w == 0)
		return;
	do {
		uint8x8_t a = vld1_u8(src), b = vld1_u8(src + ss);
		vst1_u8(dst, a);
		vst1_u8(dst + ds, b);
		dst += 2 * ds, src += 2 * ss;
	} while (h -= 2);
}
