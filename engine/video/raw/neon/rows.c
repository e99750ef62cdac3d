#include <arm_neon.h>
#include <stdint.h>

// opaque keeps the compiler from making a vector constant in memory of v.
static inline int opaque(int v) {
	__asm__("" : "+r"(v));
	return v;
}

// n is a multiple of 8.
void interpolateKernel(uint16_t *out, const uint16_t *above, const uint16_t *here, const uint16_t *below, long stride, long at, long n) {
	uint16_t *green = out + stride, *third = green + stride;
	uint16x8_t own = vreinterpretq_u16_u32(vdupq_n_u32(opaque(at ? -65536 : 65535)));
	do {
		uint16x8_t h0 = vld1q_u16(here), h1 = vld1q_u16(here + 1), h2 = vld1q_u16(here + 2);
		uint16x8_t a0 = vld1q_u16(above), a1 = vld1q_u16(above + 1), a2 = vld1q_u16(above + 2);
		uint16x8_t b0 = vld1q_u16(below), b1 = vld1q_u16(below + 1), b2 = vld1q_u16(below + 2);
		uint16x8_t cross = vrshrq_n_u16(vaddq_u16(vaddq_u16(h0, h2), vaddq_u16(a1, b1)), 2);
		uint16x8_t corners = vrshrq_n_u16(vaddq_u16(vaddq_u16(a0, a2), vaddq_u16(b0, b2)), 2);
		vst1q_u16(out, vbslq_u16(own, h1, vrhaddq_u16(h0, h2)));
		vst1q_u16(green, vbslq_u16(own, cross, h1));
		vst1q_u16(third, vbslq_u16(own, corners, vrhaddq_u16(a1, b1)));
		out += 8, green += 8, third += 8, above += 8, here += 8, below += 8;
	} while (n -= 8);
}

static inline uint8x8_t luma(uint8x8_t r, uint8x8_t g, uint8x8_t b) {
	uint16x8_t s = vdupq_n_u16(opaque(16 * 256 + 128));
	s = vmlal_u8(s, r, vdup_n_u8(66));
	s = vmlal_u8(s, g, vdup_n_u8(129));
	s = vmlal_u8(s, b, vdup_n_u8(25));
	return vshrn_n_u16(s, 8);
}

static inline uint16x4_t chroma(int16x4_t r, int16x4_t g, int16x4_t b, int kr, int kg, int kb) {
	int32x4_t s = vdupq_n_s32(opaque(128 * 4 * 256 + 512));
	s = vmlal_n_s16(s, r, kr);
	s = vmlal_n_s16(s, g, kg);
	s = vmlal_n_s16(s, b, kb);
	return vreinterpret_u16_s16(vshrn_n_s32(s, 10));
}

// n is a multiple of 16: places of luma.
void yuvKernel(uint8_t *y0, uint8_t *y1, uint8_t *u, uint8_t *v, const uint8_t *rgb0, const uint8_t *rgb1, long stride, long n) {
	const uint8_t *g0p = rgb0 + stride, *b0p = g0p + stride, *g1p = rgb1 + stride, *b1p = g1p + stride;
	do {
		uint8x16_t r0 = vld1q_u8(rgb0), g0 = vld1q_u8(g0p), b0 = vld1q_u8(b0p);
		uint8x16_t r1 = vld1q_u8(rgb1), g1 = vld1q_u8(g1p), b1 = vld1q_u8(b1p);
		vst1_u8(y0, luma(vget_low_u8(r0), vget_low_u8(g0), vget_low_u8(b0)));
		vst1_u8(y0 + 8, luma(vget_high_u8(r0), vget_high_u8(g0), vget_high_u8(b0)));
		vst1_u8(y1, luma(vget_low_u8(r1), vget_low_u8(g1), vget_low_u8(b1)));
		vst1_u8(y1 + 8, luma(vget_high_u8(r1), vget_high_u8(g1), vget_high_u8(b1)));
		int16x8_t r = vreinterpretq_s16_u16(vpadalq_u8(vpaddlq_u8(r0), r1));
		int16x8_t g = vreinterpretq_s16_u16(vpadalq_u8(vpaddlq_u8(g0), g1));
		int16x8_t b = vreinterpretq_s16_u16(vpadalq_u8(vpaddlq_u8(b0), b1));
		uint16x4_t ul = chroma(vget_low_s16(r), vget_low_s16(g), vget_low_s16(b), -38, -74, 112);
		uint16x4_t uh = chroma(vget_high_s16(r), vget_high_s16(g), vget_high_s16(b), -38, -74, 112);
		uint16x4_t vl = chroma(vget_low_s16(r), vget_low_s16(g), vget_low_s16(b), 112, -94, -18);
		uint16x4_t vh = chroma(vget_high_s16(r), vget_high_s16(g), vget_high_s16(b), 112, -94, -18);
		vst1_u8(u, vmovn_u16(vcombine_u16(ul, uh)));
		vst1_u8(v, vmovn_u16(vcombine_u16(vl, vh)));
		y0 += 16, y1 += 16, u += 8, v += 8;
		rgb0 += 16, g0p += 16, b0p += 16, rgb1 += 16, g1p += 16, b1p += 16;
	} while (n -= 16);
}
