#include <arm_neon.h>
#include <stdint.h>

// The layout of the Go types.
#define STRIDE 260

typedef struct {
	int64_t re[STRIDE], im[STRIDE], expect[STRIDE];
} sums;

typedef struct {
	int32_t gain[2 * STRIDE];
	uint32_t recip[STRIDE];
	int64_t ratio[STRIDE], step[STRIDE], offset[STRIDE], back[STRIDE];
	int64_t floor, noiseShift, energy;
} gains;

#define INLINE static inline __attribute__((always_inline))
#define LOW vget_low_s32

INLINE void add(int64_t *p, int64x2_t v) { vst1q_s64(p, vaddq_s64(vld1q_s64(p), v)); }

void accumulateKernel(sums *s, const int32_t *x, const int32_t *w, const int32_t *u, const int32_t *power, long n, long shift) {
	int64_t *re = s->re;
	int64x2_t up = vdupq_n_s64(shift - 28);
	do {
		int32x4x2_t a = vld2q_s32(w), b = vld2q_s32(x);
		int64x2_t acc = vmlal_s32(vld1q_s64(re), LOW(a.val[0]), LOW(b.val[0]));
		vst1q_s64(re, vmlsl_s32(acc, LOW(a.val[1]), LOW(b.val[1])));
		acc = vmlal_high_s32(vld1q_s64(re + 2), a.val[0], b.val[0]);
		vst1q_s64(re + 2, vmlsl_high_s32(acc, a.val[1], b.val[1]));
		acc = vmlal_s32(vld1q_s64(re + STRIDE), LOW(a.val[0]), LOW(b.val[1]));
		vst1q_s64(re + STRIDE, vmlal_s32(acc, LOW(a.val[1]), LOW(b.val[0])));
		acc = vmlal_high_s32(vld1q_s64(re + STRIDE + 2), a.val[0], b.val[1]);
		vst1q_s64(re + STRIDE + 2, vmlal_high_s32(acc, a.val[1], b.val[0]));
		int32x4_t c = vld1q_s32(u), p = vld1q_s32(power);
		add(re + 2 * STRIDE, vshlq_s64(vmull_s32(LOW(c), LOW(p)), up));
		add(re + 2 * STRIDE + 2, vshlq_s64(vmull_high_s32(c, p), up));
		w += 8, x += 8, u += 4, power += 4, re += 4;
	} while (n -= 4);
}

// (v·u)·2^-step, rounded, of four numbers.
INLINE int32x4_t stepped(int32x4_t v, int32x4_t u, int64x2_t s0, int64x2_t s1) {
	return vmovn_high_s64(vmovn_s64(vrshlq_s64(vmull_s32(LOW(v), LOW(u)), s0)), vrshlq_s64(vmull_high_s32(v, u), s1));
}

// u·q·2^shift, 2^30 at most.
INLINE uint32x4_t ratioOf(uint32x4_t u, uint32x4_t q, int64x2_t s0, int64x2_t s1) {
	uint64x2_t a = vshlq_u64(vmull_u32(vget_low_u32(u), vget_low_u32(q)), s0);
	uint64x2_t b = vshlq_u64(vmull_high_u32(u, q), s1);
	return vminq_u32(vmovn_high_u64(vmovn_u64(a), b), vdupq_n_u32(1 << 30));
}

INLINE uint32x4_t mul31(uint32x4_t a, uint32x4_t b) {
	return vshrn_high_n_u64(vshrn_n_u64(vmull_u32(vget_low_u32(a), vget_low_u32(b)), 31), vmull_high_u32(a, b), 31);
}

void updateKernel(gains *g, const int32_t *x, int32_t *w, uint32_t *u, const uint32_t *power, long n, long shift) {
	int64x2_t up = vdupq_n_s64(shift), noise = vdupq_n_s64(-g->noiseShift);
	uint64x2_t energy = vdupq_n_u64(0);
	uint32x4_t floor = vdupq_n_u32(g->floor);
	int32x4_t limit = vdupq_n_s32(1 << 29);
	const int32_t *gain = g->gain;
	const uint32_t *recip = g->recip;
	const int64_t *ratio = g->ratio;
	do {
		int32x4x2_t a = vld2q_s32(x), e = vld2q_s32(gain), v = vld2q_s32(w);
		uint32x4_t uk = vld1q_u32(u);
		int32x4_t us = vreinterpretq_s32_u32(uk);
		// conj(x)·gain
		int64x2_t lo = vmlal_s32(vmull_s32(LOW(a.val[0]), LOW(e.val[0])), LOW(a.val[1]), LOW(e.val[1]));
		int64x2_t hi = vmlal_high_s32(vmull_high_s32(a.val[0], e.val[0]), a.val[1], e.val[1]);
		int32x4_t cr = vrshrn_high_n_s64(vrshrn_n_s64(lo, 30), hi, 30);
		lo = vmlsl_s32(vmull_s32(LOW(a.val[0]), LOW(e.val[1])), LOW(a.val[1]), LOW(e.val[0]));
		hi = vmlsl_high_s32(vmull_high_s32(a.val[0], e.val[1]), a.val[1], e.val[0]);
		int32x4_t ci = vrshrn_high_n_s64(vrshrn_n_s64(lo, 30), hi, 30);
		int64x2_t s0 = vnegq_s64(vld1q_s64(ratio + STRIDE)), s1 = vnegq_s64(vld1q_s64(ratio + STRIDE + 2));
		v.val[0] = vaddq_s32(v.val[0], stepped(cr, us, s0, s1));
		v.val[1] = vaddq_s32(v.val[1], stepped(ci, us, s0, s1));
		v.val[0] = vminq_s32(vmaxq_s32(v.val[0], vnegq_s32(limit)), limit);
		v.val[1] = vminq_s32(vmaxq_s32(v.val[1], vnegq_s32(limit)), limit);
		vst2q_s32(w, v);
		uint64x2_t z0 = vreinterpretq_u64_s64(vmlal_s32(vmull_s32(LOW(v.val[0]), LOW(v.val[0])), LOW(v.val[1]), LOW(v.val[1])));
		uint64x2_t z1 = vreinterpretq_u64_s64(vmlal_high_s32(vmull_high_s32(v.val[0], v.val[0]), v.val[1], v.val[1]));
		energy = vsraq_n_u64(energy, z0, 20);
		energy = vsraq_n_u64(energy, z1, 20);
		uint32x4_t more = vmovn_high_u64(vmovn_u64(vshlq_u64(z0, noise)), vshlq_u64(z1, noise));
		uint32x4_t p = vld1q_u32(power), r = vld1q_u32(recip);
		uint32x4_t q = vrshrn_high_n_u64(vrshrn_n_u64(vmull_u32(vget_low_u32(p), vget_low_u32(r)), 31), vmull_high_u32(p, r), 31);
		q = ratioOf(uk, q, vsubq_s64(up, vld1q_s64(ratio)), vsubq_s64(up, vld1q_s64(ratio + 2)));
		uk = vsubq_u32(vaddq_u32(uk, more), mul31(uk, q));
		vst1q_u32(u, vminq_u32(vmaxq_u32(uk, floor), vdupq_n_u32(1 << 30)));
		x += 8, w += 8, gain += 8, u += 4, power += 4, recip += 4, ratio += 4;
	} while (n -= 4);
	g->energy = vaddvq_u64(energy);
}
