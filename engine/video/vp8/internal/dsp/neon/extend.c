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

// Strips of 64, 16 and 8 columns; w is a multiple of 8, h of 4.
void copyRun(dst_t dst, long ds, src_t src, long ss, long w, long h) {
	for (; w >= 64; w -= 64, dst += 64, src += 64) {
		dst_t p = dst;
		src_t q = src;
		long n = h;
		do {
			uint8x16_t a = vld1q_u8(q), b = vld1q_u8(q + 16), c = vld1q_u8(q + 32), d = vld1q_u8(q + 48);
			vst1q_u8(p, a);
			vst1q_u8(p + 16, b);
			vst1q_u8(p + 32, c);
			vst1q_u8(p + 48, d);
			p += ds, q += ss;
		} while (--n);
	}
	for (; w >= 16; w -= 16, dst += 16, src += 16) {
		dst_t p = dst;
		src_t q = src;
		long n = h;
		do {
			uint8x16_t a = next16(&q, ss), b = next16(&q, ss);
			vst1q_u8(p, a);
			vst1q_u8(p + ds, b);
			p += 2 * ds;
		} while (n -= 2);
	}
	if (w == 0)
		return;
	do {
		uint8x8_t a = next8(&src, ss), b = next8(&src, ss);
		vst1_u8(dst, a);
		vst1_u8(dst + ds, b);
		dst += 2 * ds;
	} while (h -= 2);
}
