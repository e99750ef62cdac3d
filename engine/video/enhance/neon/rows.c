#include <arm_neon.h>
#include <stdint.h>

// n is a multiple of 32 everywhere. Constants come from immediates or the
// tables: the code must not refer to data.

// opaque keeps the compiler from making a vector constant in memory of v.
static inline int opaque(int v) {
	__asm__("" : "+r"(v));
	return v;
}

void differencesKernel(int16_t *diff, int16_t *sum, int16_t *sumAbs, const uint8_t *cur, const uint16_t *avgQ7, long n) {
	int16x8_t most = vdupq_n_s16(opaque(1016)), least = vnegq_s16(most);
	do {
		int16x8_t d = vsubq_s16(vreinterpretq_s16_u16(vshll_n_u8(vld1_u8(cur), 7)), vreinterpretq_s16_u16(vld1q_u16(avgQ7)));
		d = vmaxq_s16(vminq_s16(vshrq_n_s16(d, 4), most), least);
		int16x8_t old = vld1q_s16(diff);
		vst1q_s16(diff, d);
		vst1q_s16(sum, vaddq_s16(vld1q_s16(sum), vsubq_s16(d, old)));
		vst1q_s16(sumAbs, vaddq_s16(vld1q_s16(sumAbs), vsubq_s16(vabsq_s16(d), vabsq_s16(old))));
		diff += 8, sum += 8, sumAbs += 8, cur += 8, avgQ7 += 8;
	} while (n -= 8);
}

static inline uint16x8_t mulHigh(uint16x8_t a, uint16x8_t b) {
	uint32x4_t l = vmull_u16(vget_low_u16(a), vget_low_u16(b)), h = vmull_high_u16(a, b);
	return vuzp2q_u16(vreinterpretq_u16_u32(l), vreinterpretq_u16_u32(h));
}

static inline int16x8_t sum5(const int16_t *p) {
	return vaddq_s16(vaddq_s16(vaddq_s16(vld1q_s16(p), vld1q_s16(p + 1)), vaddq_s16(vld1q_s16(p + 2), vld1q_s16(p + 3))), vld1q_s16(p + 4));
}

// lookup returns words whose halves stand in two tables.
static inline uint16x8_t lookup(uint8x16_t lo, uint8x16_t hi, uint8x8_t i) {
	return vorrq_u16(vmovl_u8(vqtbl1_u8(lo, i)), vshll_n_u8(vqtbl1_u8(hi, i), 8));
}

void blendKernel(uint8_t *out, uint16_t *avgQ7, uint8_t *support, const uint8_t *cur, const int16_t *sum, const int16_t *sumAbs, const uint8_t *t, long n) {
	uint8x16_t invLo = vld1q_u8(t), invHi = vld1q_u8(t + 16), gainLo = vld1q_u8(t + 32), gainHi = vld1q_u8(t + 48);
	uint16x8_t offset = vld1q_dup_u16((const uint16_t *)(t + 64)), point = vld1q_dup_u16((const uint16_t *)(t + 66));
	uint16x8_t still = vld1q_dup_u16((const uint16_t *)(t + 68));
	uint8x8_t most = vdup_n_u8(t[70]);
	uint16x8_t scale = vdupq_n_u16(opaque(39322));
	do {
		uint16x8_t s = vreinterpretq_u16_s16(vabsq_s16(sum5(sum))), sa = vreinterpretq_u16_s16(sum5(sumAbs));
		uint16x8_t avg = vld1q_u16(avgQ7);
		uint16x8_t inv = lookup(invLo, invHi, vshrn_n_u16(vshrq_n_u16(avg, 4), 7));
		int16x8_t d = vsubq_s16(vreinterpretq_s16_u16(vshll_n_u8(vld1_u8(cur), 7)), vreinterpretq_s16_u16(avg));
		uint16x8_t m = mulHigh(mulHigh(s, scale), inv);
		m = vmaxq_u16(m, vqsubq_u16(mulHigh(sa, inv), offset));
		m = vmaxq_u16(m, vqsubq_u16(mulHigh(mulHigh(vreinterpretq_u16_s16(vabsq_s16(d)), inv), point), vdupq_n_u16(24)));
		uint8x8_t k = vmin_u8(vld1_u8(support), vqmovn_u16(vshrq_n_u16(vqsubq_u16(still, m), 2)));
		int16x8_t gain = vreinterpretq_s16_u16(lookup(gainLo, gainHi, k));
		avg = vreinterpretq_u16_s16(vaddq_s16(vreinterpretq_s16_u16(avg), vqrdmulhq_s16(d, gain)));
		vst1q_u16(avgQ7, avg);
		vst1_u8(support, vmin_u8(vadd_u8(k, vdup_n_u8(1)), most));
		vst1_u8(out, vrshrn_n_u16(avg, 7));
		out += 8, avgQ7 += 8, support += 8, cur += 8, sum += 8, sumAbs += 8;
	} while (n -= 8);
}

typedef struct {
	int16x8_t sum;
	uint16x8_t weight;
} sums;

static inline sums tap(sums s, uint8x8_t v, uint8x8_t reach, const uint8_t *p) {
	uint8x8_t a = vld1_u8(p);
	uint8x8_t w = vqsub_u8(reach, vabd_u8(a, v));
	s.sum = vmlal_s8(s.sum, vreinterpret_s8_u8(w), vreinterpret_s8_u8(vsub_u8(a, v)));
	s.weight = vaddw_u8(s.weight, w);
	return s;
}

void smoothKernel(uint8_t *out, const uint8_t *const *rows, const uint8_t *support, const uint8_t *t, long n) {
	const uint8_t *r0 = rows[0], *r1 = rows[1], *r2 = rows[2], *r3 = rows[3], *r4 = rows[4];
	do {
		uint8x8_t v = vld1_u8(r2 + 2), k = vld1_u8(support);
		uint8x8_t young = vcle_u8(k, vdup_n_u8(t[128]));
		if (vget_lane_u64(vreinterpret_u64_u8(young), 0)) {
			uint8x8_t level = vshr_n_u8(v, 4);
			uint16x8_t product = vmull_u8(vqtbl1_u8(vld1q_u8(t), level), vqtbl1_u8(vld1q_u8(t + 16), k));
			uint8x8_t reach = vand_u8(vmovn_u16(vshrq_n_u16(product, 10)), young);
			sums s = {vdupq_n_s16(0), vdupq_n_u16(0)};
			s = tap(s, v, reach, r0 + 1);
			s = tap(s, v, reach, r0 + 2);
			s = tap(s, v, reach, r0 + 3);
			s = tap(s, v, reach, r1);
			s = tap(s, v, reach, r1 + 1);
			s = tap(s, v, reach, r1 + 2);
			s = tap(s, v, reach, r1 + 3);
			s = tap(s, v, reach, r1 + 4);
			s = tap(s, v, reach, r2);
			s = tap(s, v, reach, r2 + 1);
			s = tap(s, v, reach, r2 + 3);
			s = tap(s, v, reach, r2 + 4);
			s = tap(s, v, reach, r3);
			s = tap(s, v, reach, r3 + 1);
			s = tap(s, v, reach, r3 + 2);
			s = tap(s, v, reach, r3 + 3);
			s = tap(s, v, reach, r3 + 4);
			s = tap(s, v, reach, r4 + 1);
			s = tap(s, v, reach, r4 + 2);
			s = tap(s, v, reach, r4 + 3);
			uint16x8_t inv = mulHigh(lookup(vld1q_u8(t + 32), vld1q_u8(t + 48), level), lookup(vld1q_u8(t + 64), vld1q_u8(t + 80), k));
			inv = vshlq_n_u16(inv, 3);
			uint16x8_t i = mulHigh(s.weight, inv);
			i = vminq_u16(vshrq_n_u16(vaddq_u16(i, vshlq_n_u16(i, 2)), 3), vdupq_n_u16(15));
			uint16x8_t factor = mulHigh(inv, lookup(vld1q_u8(t + 96), vld1q_u8(t + 112), vmovn_u16(i)));
			int16x8_t r = vqrdmulhq_s16(s.sum, vreinterpretq_s16_u16(factor));
			v = vqmovun_s16(vaddq_s16(vreinterpretq_s16_u16(vmovl_u8(v)), r));
		}
		vst1_u8(out, v);
		out += 8, support += 8, r0 += 8, r1 += 8, r2 += 8, r3 += 8, r4 += 8;
	} while (n -= 8);
}

void toneKernel(uint8_t *row, const int16_t *liftQ15, long blackQ8, long gain, long n) {
	uint16x8_t b = vdupq_n_u16(blackQ8), g = vdupq_n_u16(gain), most = vdupq_n_u16(opaque(8191));
	int16x8_t one = vdupq_n_s16(opaque(32767)), white = vdupq_n_s16(219), floor = vdupq_n_s16(16);
	do {
		int16x8_t a = vld1q_s16(liftQ15);
		uint16x8_t w = mulHigh(vqsubq_u16(vshll_n_u8(vld1_u8(row), 8), b), g);
		int16x8_t x = vreinterpretq_s16_u16(vshlq_n_u16(vminq_u16(w, most), 2));
		x = vaddq_s16(x, vqrdmulhq_s16(vqrdmulhq_s16(x, vsubq_s16(one, x)), a));
		x = vaddq_s16(x, vqrdmulhq_s16(vqrdmulhq_s16(x, vsubq_s16(one, x)), a));
		x = vaddq_s16(x, vqrdmulhq_s16(vqrdmulhq_s16(x, vsubq_s16(one, x)), a));
		x = vaddq_s16(x, vqrdmulhq_s16(vqrdmulhq_s16(x, vsubq_s16(one, x)), a));
		vst1_u8(row, vqmovun_s16(vaddq_s16(vqrdmulhq_s16(x, white), floor)));
		row += 8, liftQ15 += 8;
	} while (n -= 8);
}

void scaleKernel(uint8_t *row, const int16_t *gainQ12, long from, long to, long n) {
	int16x8_t zero = vdupq_n_s16(from), base = vdupq_n_s16(to);
	do {
		int16x8_t d = vsubq_s16(vreinterpretq_s16_u16(vmovl_u8(vld1_u8(row))), zero);
		d = vqrdmulhq_s16(vshlq_n_s16(d, 3), vld1q_s16(gainQ12));
		vst1_u8(row, vqmovun_s16(vaddq_s16(d, base)));
		row += 8, gainQ12 += 8;
	} while (n -= 8);
}

// pair loads the two samples of a place into lane i.
#define pair(v, i) v = vld1q_lane_u16((const uint16_t *)(p + at[i]), v, i)

static inline uint8x16_t pairs(const uint8_t *p, const int32_t *at) {
	uint16x8_t v = vdupq_n_u16(0);
	pair(v, 0);
	pair(v, 1);
	pair(v, 2);
	pair(v, 3);
	pair(v, 4);
	pair(v, 5);
	pair(v, 6);
	pair(v, 7);
	return vreinterpretq_u8_u16(v);
}

void remapKernel(uint8_t *row, const uint8_t *src, const int32_t *at, const uint8_t *fx, const uint8_t *fy, long stride, long n) {
	do {
		uint8x16_t a = pairs(src, at), b = pairs(src + stride, at);
		uint8x8_t x = vld1_u8(fx), rx = vsub_u8(vdup_n_u8(16), x);
		uint16x8_t y = vmovl_u8(vld1_u8(fy)), ry = vsubq_u16(vdupq_n_u16(16), y);
		uint8x8_t a0 = vmovn_u16(vreinterpretq_u16_u8(a)), a1 = vshrn_n_u16(vreinterpretq_u16_u8(a), 8);
		uint8x8_t b0 = vmovn_u16(vreinterpretq_u16_u8(b)), b1 = vshrn_n_u16(vreinterpretq_u16_u8(b), 8);
		uint16x8_t top = vmlal_u8(vmull_u8(a0, rx), a1, x), bottom = vmlal_u8(vmull_u8(b0, rx), b1, x);
		vst1_u8(row, vrshrn_n_u16(vmlaq_u16(vmulq_u16(top, ry), bottom, y), 8));
		row += 8, at += 8, fx += 8, fy += 8;
	} while (n -= 8);
}
