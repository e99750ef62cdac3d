#include "neon.h"

uint32_t sad16xN(src_t a, long as, src_t b, long bs, long h) {
	uint16x8_t lo = vdupq_n_u16(0), hi = lo;
	do {
#define ROW                                                                 \
	{                                                                   \
		uint8x16_t p = next16(&a, as), q = next16(&b, bs);          \
		lo = vabal_u8(lo, vget_low_u8(p), vget_low_u8(q));          \
		hi = vabal_high_u8(hi, p, q);                               \
	}
		ROW
		ROW
		ROW
		ROW
	} while (h -= 4);
	return vaddlvq_u16(vaddq_u16(lo, hi));
}

uint32_t sad8xN(src_t a, long as, src_t b, long bs, long h) {
	uint16x8_t s = vdupq_n_u16(0), t = s;
	do {
		s = vabal_u8(s, next8(&a, as), next8(&b, bs));
		t = vabal_u8(t, next8(&a, as), next8(&b, bs));
	} while (h -= 2);
	return vaddlvq_u16(vaddq_u16(s, t));
}

uint32_t sad4x4(src_t a, long as, src_t b, long bs) {
	uint16x8_t s = vabdl_u8(load4x2(a, as), load4x2(b, bs));
	s = vabal_u8(s, load4x2(a + 2 * as, as), load4x2(b + 2 * bs, bs));
	return vaddlvq_u16(s);
}

void sad16xNx4(src_t src, long ss, src_t ref, long rs, const long *off, uint32_t *out, long h) {
	src_t p0 = ref + off[0], p1 = ref + off[1], p2 = ref + off[2], p3 = ref + off[3];
	uint16x8_t l0 = vdupq_n_u16(0), h0 = l0, l1 = l0, h1 = l0, l2 = l0, h2 = l0, l3 = l0, h3 = l0;
	do {
		uint8x16_t s = next16(&src, ss), q;
		uint8x8_t sl = vget_low_u8(s);
#define ONE(p, l, h)                            \
	q = next16(&p, rs);                     \
	l = vabal_u8(l, sl, vget_low_u8(q));    \
	h = vabal_high_u8(h, s, q);
		ONE(p0, l0, h0)
		ONE(p1, l1, h1)
		ONE(p2, l2, h2)
		ONE(p3, l3, h3)
		s = next16(&src, ss);
		sl = vget_low_u8(s);
		ONE(p0, l0, h0)
		ONE(p1, l1, h1)
		ONE(p2, l2, h2)
		ONE(p3, l3, h3)
	} while (h -= 2);
	out[0] = vaddlvq_u16(vaddq_u16(l0, h0));
	out[1] = vaddlvq_u16(vaddq_u16(l1, h1));
	out[2] = vaddlvq_u16(vaddq_u16(l2, h2));
	out[3] = vaddlvq_u16(vaddq_u16(l3, h3));
}

void sad8xNx4(src_t src, long ss, src_t ref, long rs, const long *off, uint32_t *out, long h) {
	src_t p0 = ref + off[0], p1 = ref + off[1], p2 = ref + off[2], p3 = ref + off[3];
	uint16x8_t a = vdupq_n_u16(0), b = a, c = a, d = a;
	do {
#define FOUR                                     \
	{                                        \
		uint8x8_t s = next8(&src, ss);   \
		a = vabal_u8(a, s, next8(&p0, rs)); \
		b = vabal_u8(b, s, next8(&p1, rs)); \
		c = vabal_u8(c, s, next8(&p2, rs)); \
		d = vabal_u8(d, s, next8(&p3, rs)); \
	}
		FOUR
		FOUR
	} while (h -= 2);
	out[0] = vaddlvq_u16(a);
	out[1] = vaddlvq_u16(b);
	out[2] = vaddlvq_u16(c);
	out[3] = vaddlvq_u16(d);
}

void sad4x4x4(src_t src, long ss, src_t ref, long rs, const long *off, uint32_t *out) {
	uint8x8_t s0 = load4x2(src, ss), s1 = load4x2(src + 2 * ss, ss);
	long i = 0;
	do {
		src_t p = ref + off[i];
		uint16x8_t s = vabdl_u8(s0, load4x2(p, rs));
		s = vabal_u8(s, s1, load4x2(p + 2 * rs, rs));
		out[i] = vaddlvq_u16(s);
	} while (++i < 4);
}
