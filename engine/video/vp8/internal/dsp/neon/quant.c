#include "neon.h"

// QuantMatrix of quant.go.
typedef struct {
	int16_t zeroBin[16], round[16];
	uint16_t mulQ16[16];
	int16_t dequant[16];
} matrix_t;

INLINE int16x8_t quant8(int16x8_t v, int16x8_t mag, uint16x8_t live, const matrix_t *m, long o, int16_t *dequant) {
	int16x8_t sign = vshrq_n_s16(v, 15);
	uint16x8_t x = vreinterpretq_u16_s16(vaddq_s16(mag, vld1q_s16(m->round + o)));
	uint16x8_t k = vld1q_u16(m->mulQ16 + o);
	uint32x4_t lo = vmull_u16(vget_low_u16(x), vget_low_u16(k)), hi = vmull_high_u16(x, k);
	int16x8_t q = vreinterpretq_s16_u16(vuzp2q_u16(vreinterpretq_u16_u32(lo), vreinterpretq_u16_u32(hi)));
	q = vandq_s16(q, vreinterpretq_s16_u16(live));
	q = vsubq_s16(veorq_s16(q, sign), sign);
	vst1q_s16(dequant, vmulq_s16(q, vld1q_s16(m->dequant + o)));
	return q;
}

// table: two byte shuffles from raster to coding order over a whole block, and
// the numbers 1 to 16.
void quantizeBlocksNEON(int16_t *levels, int16_t *dequant, const int16_t *coef, uint8_t *eobs, const matrix_t *m, long first, long n, const uint8_t *table) {
	uint8x16_t z0 = vld1q_u8(table), z1 = vld1q_u8(table + 16), number = vld1q_u8(table + 32);
	uint16x8_t keep = vreinterpretq_u16_s16(vsetq_lane_s16((int16_t)(first - 1), vdupq_n_s16(-1), 0));
	int16x8_t bin0 = vld1q_s16(m->zeroBin), bin1 = vld1q_s16(m->zeroBin + 8), none = vdupq_n_s16(0);
	do {
		int16x8_t v0 = vld1q_s16(coef), v1 = vld1q_s16(coef + 8);
		int16x8_t m0 = vabsq_s16(v0), m1 = vabsq_s16(v1);
		uint16x8_t live0 = vandq_u16(vcgeq_s16(m0, bin0), keep), live1 = vcgeq_s16(m1, bin1);
		// Most blocks have nothing above the zero bins.
		if (vmaxvq_u16(vorrq_u16(live0, live1)) == 0) {
			vst1q_s16(dequant, none);
			vst1q_s16(dequant + 8, none);
			vst1q_s16(levels, none);
			vst1q_s16(levels + 8, none);
			*eobs++ = 0;
		} else {
			uint8x16x2_t q;
			q.val[0] = vreinterpretq_u8_s16(quant8(v0, m0, live0, m, 0, dequant));
			q.val[1] = vreinterpretq_u8_s16(quant8(v1, m1, live1, m, 8, dequant + 8));
			uint16x8_t a = vreinterpretq_u16_u8(vqtbl2q_u8(q, z0)), b = vreinterpretq_u16_u8(vqtbl2q_u8(q, z1));
			vst1q_s16(levels, vreinterpretq_s16_u16(a));
			vst1q_s16(levels + 8, vreinterpretq_s16_u16(b));
			uint8x16_t live = vcombine_u8(vmovn_u16(vtstq_u16(a, a)), vmovn_u16(vtstq_u16(b, b)));
			*eobs++ = vmaxvq_u8(vandq_u8(live, number));
		}
		coef += 16, levels += 16, dequant += 16;
	} while (--n);
}
