// Common to the NEON kernels. They are written with the compiler's vector
// types, compiled by internal/neongen and become WORD data in the package's
// *_arm64.s: Go's assembler lacks most integer NEON instructions. Kernels are
// leaf functions without stack, calls or constants in memory; all integers are
// 64 bits wide, as Go's int.

#include <arm_neon.h>
#include <stdint.h>

// A kernel is a leaf: its parts have to vanish into it.
#define INLINE static inline __attribute__((always_inline))

typedef const uint8_t *src_t;
typedef uint8_t *dst_t;

// The sixteen samples at p, which goes on to the next row. The compiler does not
// come upon the instruction that does both. It is not told that memory is read:
// kernels that read by this do not write what they read.
INLINE uint8x16_t next16(src_t *p, long stride) {
	uint8x16_t v;
	__asm__("ld1 {%0.16b}, [%1], %2" : "=w"(v), "+r"(*p) : "r"(stride));
	return v;
}

INLINE uint8x8_t next8(src_t *p, long stride) {
	uint8x8_t v;
	__asm__("ld1 {%0.8b}, [%1], %2" : "=w"(v), "+r"(*p) : "r"(stride));
	return v;
}

INLINE uint8x8_t load4(src_t p) {
	uint32x2_t v = vdup_n_u32(0);
	return vreinterpret_u8_u32(vld1_lane_u32((const uint32_t *)p, v, 0));
}

INLINE void store4(dst_t p, uint8x8_t v) {
	vst1_lane_u32((uint32_t *)p, vreinterpret_u32_u8(v), 0);
}

// Two rows of four bytes.
INLINE uint8x8_t load4x2(src_t p, long stride) {
	uint32x2_t v = vdup_n_u32(0);
	v = vld1_lane_u32((const uint32_t *)p, v, 0);
	v = vld1_lane_u32((const uint32_t *)(p + stride), v, 1);
	return vreinterpret_u8_u32(v);
}

// Rows r[0..3] of two 4x4 blocks side by side become columns.
INLINE void transpose4(int16x8_t r[4]) {
	int16x8_t a = vtrn1q_s16(r[0], r[1]), b = vtrn2q_s16(r[0], r[1]);
	int16x8_t c = vtrn1q_s16(r[2], r[3]), d = vtrn2q_s16(r[2], r[3]);
#define S32(v) vreinterpretq_s32_s16(v)
#define S16(v) vreinterpretq_s16_s32(v)
	r[0] = S16(vtrn1q_s32(S32(a), S32(c)));
	r[1] = S16(vtrn1q_s32(S32(b), S32(d)));
	r[2] = S16(vtrn2q_s32(S32(a), S32(c)));
	r[3] = S16(vtrn2q_s32(S32(b), S32(d)));
}
