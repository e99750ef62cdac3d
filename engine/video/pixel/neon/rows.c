#include <arm_neon.h>
#include <stdint.h>

// n is a multiple of 16 (chroma samples) everywhere.

static inline void packed(uint8_t *y0, uint8_t *y1, uint8_t *u, uint8_t *v, uint8x16x4_t a, uint8x16x4_t b, int lumaAt) {
	int c = 1 - lumaAt;
	uint8x16x2_t l = {{a.val[lumaAt], a.val[lumaAt + 2]}}, m = {{b.val[lumaAt], b.val[lumaAt + 2]}};
	vst2q_u8(y0, l);
	vst2q_u8(y1, m);
	vst1q_u8(u, vrhaddq_u8(a.val[c], b.val[c]));
	vst1q_u8(v, vrhaddq_u8(a.val[c + 2], b.val[c + 2]));
}

void packedKernel(uint8_t *y0, uint8_t *y1, uint8_t *u, uint8_t *v, const uint8_t *r0, const uint8_t *r1, long n, long lumaAt) {
	if (lumaAt) {
		do {
			packed(y0, y1, u, v, vld4q_u8(r0), vld4q_u8(r1), 1);
			y0 += 32, y1 += 32, u += 16, v += 16, r0 += 64, r1 += 64;
		} while (n -= 16);
		return;
	}
	do {
		packed(y0, y1, u, v, vld4q_u8(r0), vld4q_u8(r1), 0);
		y0 += 32, y1 += 32, u += 16, v += 16, r0 += 64, r1 += 64;
	} while (n -= 16);
}

void splitKernel(uint8_t *u, uint8_t *v, const uint8_t *src, long n) {
	do {
		uint8x16x2_t p = vld2q_u8(src);
		vst1q_u8(u, p.val[0]);
		vst1q_u8(v, p.val[1]);
		u += 16, v += 16, src += 32;
	} while (n -= 16);
}

void halveKernel(uint8_t *dst, const uint8_t *r0, const uint8_t *r1, long n) {
	do {
		uint16x8_t a = vpadalq_u8(vpaddlq_u8(vld1q_u8(r0)), vld1q_u8(r1));
		uint16x8_t b = vpadalq_u8(vpaddlq_u8(vld1q_u8(r0 + 16)), vld1q_u8(r1 + 16));
		vst1q_u8(dst, vcombine_u8(vrshrn_n_u16(a, 2), vrshrn_n_u16(b, 2)));
		dst += 16, r0 += 32, r1 += 32;
	} while (n -= 16);
}

// row[x] = (a[x]*wa + b[x]*wb + 64) >> 7; the weights add up to 1<<14, so that
// every sum is below 1<<22 and every result below 1<<15.
void blendKernel(uint16_t *row, const uint8_t *a, const uint8_t *b, long wa, long wb, long n) {
	do {
		uint8x16_t p = vld1q_u8(a), q = vld1q_u8(b);
		uint16x8_t pl = vmovl_u8(vget_low_u8(p)), ph = vmovl_high_u8(p);
		uint16x8_t ql = vmovl_u8(vget_low_u8(q)), qh = vmovl_high_u8(q);
#define HALF(x, y) vrshrn_n_u32(vmlal_n_u16(vmull_n_u16(x, wa), y, wb), 7)
		vst1q_u16(row, vcombine_u16(HALF(vget_low_u16(pl), vget_low_u16(ql)), HALF(vget_high_u16(pl), vget_high_u16(ql))));
		vst1q_u16(row + 8, vcombine_u16(HALF(vget_low_u16(ph), vget_low_u16(qh)), HALF(vget_high_u16(ph), vget_high_u16(qh))));
		row += 16, a += 16, b += 16;
	} while (n -= 16);
}
