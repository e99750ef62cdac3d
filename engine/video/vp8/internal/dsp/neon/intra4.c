#include "neon.h"

// Of the last butterfly only the larger magnitude counts: |s+v| + |s-v| is
// twice the larger of |s| and |v|. Four lanes belong to each of the two blocks.
INLINE uint16x8_t hadamard(int16x8_t r[4]) {
	int16x8_t s = vaddq_s16(r[0], r[2]), u = vsubq_s16(r[0], r[2]);
	int16x8_t v = vaddq_s16(r[1], r[3]), w = vsubq_s16(r[1], r[3]);
	r[0] = vaddq_s16(s, v), r[1] = vsubq_s16(s, v);
	r[2] = vaddq_s16(u, w), r[3] = vsubq_s16(u, w);
	transpose4(r);
	s = vabsq_s16(vaddq_s16(r[0], r[2])), u = vabsq_s16(vsubq_s16(r[0], r[2]));
	v = vabsq_s16(vaddq_s16(r[1], r[3])), w = vabsq_s16(vsubq_s16(r[1], r[3]));
	return vreinterpretq_u16_s16(vaddq_s16(vmaxq_s16(s, v), vmaxq_s16(u, w)));
}

// Two predictions against the rows of the source, each of which stands twice.
INLINE uint16x8_t pair(const uint8x8_t s[4], uint8x16_t p, uint8x16_t q) {
	uint32x4_t a = vreinterpretq_u32_u8(p), b = vreinterpretq_u32_u8(q);
	uint8x16_t lo = vreinterpretq_u8_u32(vzip1q_u32(a, b)), hi = vreinterpretq_u8_u32(vzip2q_u32(a, b));
	int16x8_t r[4];
	r[0] = vreinterpretq_s16_u16(vsubl_u8(s[0], vget_low_u8(lo)));
	r[1] = vreinterpretq_s16_u16(vsubl_u8(s[1], vget_high_u8(lo)));
	r[2] = vreinterpretq_s16_u16(vsubl_u8(s[2], vget_low_u8(hi)));
	r[3] = vreinterpretq_s16_u16(vsubl_u8(s[3], vget_high_u8(hi)));
	return hadamard(r);
}

INLINE uint8x8_t twice4(src_t p) {
	return vreinterpret_u8_u32(vld1_dup_u32((const uint32_t *)p));
}

// table is intra4Table.
void intra4SearchNEON(uint32_t *satd, dst_t preds, src_t edge, src_t src, long ss, src_t table) {
	uint8x16_t v = vcombine_u8(vld1_u8(edge), vld1_u8(edge + 5));
	uint8x16_t e = vqtbl1q_u8(v, vld1q_u8(table));
	uint8x16_t prev = vqtbl1q_u8(v, vld1q_u8(table + 16)), next = vqtbl1q_u8(v, vld1q_u8(table + 32));
	uint8x16x2_t t;
	t.val[0] = vrhaddq_u8(e, vhaddq_u8(prev, next));
	t.val[1] = vrhaddq_u8(e, next);
	uint8x8_t s[4] = {twice4(src), twice4(src + ss), twice4(src + 2 * ss), twice4(src + 3 * ss)};

	uint16_t sum = vaddlvq_u8(vqtbl1q_u8(e, vld1q_u8(table + 48)));
	uint8x16_t dc = vdupq_n_u8((uint8_t)((sum + 4) >> 3));
	uint8x16_t above = vqtbl1q_u8(e, vld1q_u8(table + 64)), left = vqtbl1q_u8(e, vld1q_u8(table + 80));
	int16x8_t corner = vreinterpretq_s16_u16(vmovl_u8(vdup_laneq_u8(e, 4)));
	int16x8_t lo = vsubq_s16(vreinterpretq_s16_u16(vaddl_u8(vget_low_u8(above), vget_low_u8(left))), corner);
	int16x8_t hi = vsubq_s16(vreinterpretq_s16_u16(vaddl_high_u8(above, left)), corner);
	uint8x16_t tm = vcombine_u8(vqmovun_s16(lo), vqmovun_s16(hi));
	vst1q_u8(preds, dc);
	vst1q_u8(preds + 16, tm);
	uint16x8_t a, b, c, d;
	uint8x16_t p, q;
	a = pair(s, dc, tm);
#define NEXT(sum)                                                                  \
	table += 32, preds += 32;                                                  \
	p = vqtbl2q_u8(t, vld1q_u8(table + 64)), q = vqtbl2q_u8(t, vld1q_u8(table + 80)); \
	vst1q_u8(preds, p);                                                        \
	vst1q_u8(preds + 16, q);                                                   \
	sum = pair(s, p, q);
	NEXT(b)
	NEXT(c)
	NEXT(d)
	b = vpaddq_u16(vpaddq_u16(a, b), vpaddq_u16(c, d));
	vst1q_u32(satd, vmovl_u16(vget_low_u16(b)));
	vst1q_u32(satd + 4, vmovl_high_u16(b));
	NEXT(a)
	a = vpaddq_u16(a, a);
	b = vpaddq_u16(a, a);
	vst1_u32(satd + 8, vget_low_u32(vmovl_u16(vget_low_u16(b))));
}
