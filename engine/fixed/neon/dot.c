#include <arm_neon.h>
#include <stdint.h>

// n is a multiple of 16.
int32_t dotKernel(const int16_t *a, const int16_t *b, long n) {
	int32x4_t s = vdupq_n_s32(0), t = s;
	do {
		int16x8_t p = vld1q_s16(a), q = vld1q_s16(b), r = vld1q_s16(a + 8), u = vld1q_s16(b + 8);
		s = vmlal_s16(s, vget_low_s16(p), vget_low_s16(q));
		t = vmlal_high_s16(t, p, q);
		s = vmlal_s16(s, vget_low_s16(r), vget_low_s16(u));
		t = vmlal_high_s16(t, r, u);
		a += 16, b += 16;
	} while (n -= 16);
	return vaddvq_s32(vaddq_s32(s, t));
}

// n is a multiple of 16.
int64_t dot64Kernel(const int16_t *a, const int16_t *b, long n) {
	int64x2_t s = vdupq_n_s64(0), t = s;
	do {
		int16x8_t p = vld1q_s16(a), q = vld1q_s16(b), r = vld1q_s16(a + 8), u = vld1q_s16(b + 8);
		s = vpadalq_s32(s, vmull_s16(vget_low_s16(p), vget_low_s16(q)));
		t = vpadalq_s32(t, vmull_high_s16(p, q));
		s = vpadalq_s32(s, vmull_s16(vget_low_s16(r), vget_low_s16(u)));
		t = vpadalq_s32(t, vmull_high_s16(r, u));
		a += 16, b += 16;
	} while (n -= 16);
	return vaddvq_s64(vaddq_s64(s, t));
}
