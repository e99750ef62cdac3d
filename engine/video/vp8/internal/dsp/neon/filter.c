#include "neon.h"

// MBFilter of filter.go.
typedef struct {
	uint8_t mbLimit, subLimit, interior, hev, inner;
} filter_t;

// Sixteen positions along an edge: p3 p2 p1 p0 q0 q1 q2 q3.
typedef struct {
	uint8x16_t v[8];
} edge_t;

#define S8(x) vreinterpretq_s8_u8(x)
#define U8(x) vreinterpretq_u8_s8(x)
#define P(i) (e->v[3 - (i)])
#define Q(i) (e->v[4 + (i)])

INLINE uint8x16_t flip(uint8x16_t x) { return veorq_u8(x, vdupq_n_u8(0x80)); }

INLINE uint8x16_t edgeMask(const edge_t *e, uint8x16_t limit) {
	uint8x16_t a = vabdq_u8(P(0), Q(0)), b = vabdq_u8(P(1), Q(1));
	return vcleq_u8(vqaddq_u8(vqaddq_u8(a, a), vshrq_n_u8(b, 1)), limit);
}

INLINE uint8x16_t mask(const edge_t *e, uint8_t limit, const filter_t *f, uint8x16_t *hev) {
	uint8x16_t p = vabdq_u8(P(1), P(0)), q = vabdq_u8(Q(1), Q(0)), m = vmaxq_u8(p, q);
	*hev = vcgtq_u8(m, vdupq_n_u8(f->hev));
	m = vmaxq_u8(m, vmaxq_u8(vabdq_u8(P(3), P(2)), vabdq_u8(P(2), P(1))));
	m = vmaxq_u8(m, vmaxq_u8(vabdq_u8(Q(3), Q(2)), vabdq_u8(Q(2), Q(1))));
	return vandq_u8(vcleq_u8(m, vdupq_n_u8(f->interior)), edgeMask(e, vdupq_n_u8(limit)));
}

// Saturated a + 3*(q0-p0) where m is set.
INLINE int8x16_t add3(int8x16_t a, int8x16_t p0, int8x16_t q0, uint8x16_t m) {
	int8x16_t d = vqsubq_s8(q0, p0);
	return vandq_s8(vqaddq_s8(vqaddq_s8(vqaddq_s8(a, d), d), d), S8(m));
}

// Moves p0 and q0 towards each other by (a+3)>>3 and (a+4)>>3; returns the latter.
INLINE int8x16_t inner(int8x16_t a, int8x16_t *p0, int8x16_t *q0) {
	int8x16_t x = vshrq_n_s8(vqaddq_s8(a, vdupq_n_s8(4)), 3), y = vshrq_n_s8(vqaddq_s8(a, vdupq_n_s8(3)), 3);
	*q0 = vqsubq_s8(*q0, x);
	*p0 = vqaddq_s8(*p0, y);
	return x;
}

INLINE void subFilter(edge_t *e, const filter_t *f) {
	uint8x16_t hev, m = mask(e, f->subLimit, f, &hev);
	int8x16_t p1 = S8(flip(P(1))), p0 = S8(flip(P(0))), q0 = S8(flip(Q(0))), q1 = S8(flip(Q(1)));
	int8x16_t a = add3(vandq_s8(vqsubq_s8(p1, q1), S8(hev)), p0, q0, m);
	a = vbicq_s8(vrshrq_n_s8(inner(a, &p0, &q0), 1), S8(hev));
	q1 = vqsubq_s8(q1, a);
	p1 = vqaddq_s8(p1, a);
	P(1) = flip(U8(p1)), P(0) = flip(U8(p0)), Q(0) = flip(U8(q0)), Q(1) = flip(U8(q1));
}

// (k*w + 63) >> 7, saturated.
INLINE int8x16_t part(int16x8_t lo, int16x8_t hi) {
	int16x8_t r = vdupq_n_s16(63);
	return vcombine_s8(vshrn_n_s16(vaddq_s16(lo, r), 7), vshrn_n_s16(vaddq_s16(hi, r), 7));
}

INLINE void mbFilter(edge_t *e, const filter_t *f) {
	uint8x16_t hev, m = mask(e, f->mbLimit, f, &hev);
	int8x16_t p2 = S8(flip(P(2))), p1 = S8(flip(P(1))), p0 = S8(flip(P(0)));
	int8x16_t q0 = S8(flip(Q(0))), q1 = S8(flip(Q(1))), q2 = S8(flip(Q(2)));
	int8x16_t w = add3(vqsubq_s8(p1, q1), p0, q0, m);
	inner(vandq_s8(w, S8(hev)), &p0, &q0);
	w = vbicq_s8(w, S8(hev));
	int8x8_t nine = vdup_n_s8(9);
	int16x8_t lo = vmull_s8(vget_low_s8(w), nine), hi = vmull_s8(vget_high_s8(w), nine);
	int8x16_t a = part(lo, hi);
	q2 = vqsubq_s8(q2, a), p2 = vqaddq_s8(p2, a);
	int16x8_t lo2 = vaddq_s16(lo, lo), hi2 = vaddq_s16(hi, hi);
	a = part(lo2, hi2);
	q1 = vqsubq_s8(q1, a), p1 = vqaddq_s8(p1, a);
	a = part(vaddq_s16(lo2, lo), vaddq_s16(hi2, hi));
	q0 = vqsubq_s8(q0, a), p0 = vqaddq_s8(p0, a);
	P(2) = flip(U8(p2)), P(1) = flip(U8(p1)), P(0) = flip(U8(p0));
	Q(0) = flip(U8(q0)), Q(1) = flip(U8(q1)), Q(2) = flip(U8(q2));
}

INLINE void simpleFilter(edge_t *e, uint8_t limit) {
	uint8x16_t m = edgeMask(e, vdupq_n_u8(limit));
	int8x16_t p1 = S8(flip(P(1))), p0 = S8(flip(P(0))), q0 = S8(flip(Q(0))), q1 = S8(flip(Q(1)));
	inner(add3(vqsubq_s8(p1, q1), p0, q0, m), &p0, &q0);
	P(0) = flip(U8(p0)), Q(0) = flip(U8(q0));
}

// Eight vectors of two 8x8 halves, rows to columns or back.
INLINE void transpose8(uint8x16_t v[8]) {
#define T(type, from, to, a, b)                                                                       \
	{                                                                                             \
		type x = from(v[a]), y = from(v[b]);                                                  \
		v[a] = to(TRN1(x, y));                                                                \
		v[b] = to(TRN2(x, y));                                                                \
	}
#define ID(x) (x)
#define TRN1 vtrn1q_u32
#define TRN2 vtrn2q_u32
	T(uint32x4_t, vreinterpretq_u32_u8, vreinterpretq_u8_u32, 0, 4)
	T(uint32x4_t, vreinterpretq_u32_u8, vreinterpretq_u8_u32, 1, 5)
	T(uint32x4_t, vreinterpretq_u32_u8, vreinterpretq_u8_u32, 2, 6)
	T(uint32x4_t, vreinterpretq_u32_u8, vreinterpretq_u8_u32, 3, 7)
#undef TRN1
#undef TRN2
#define TRN1 vtrn1q_u16
#define TRN2 vtrn2q_u16
	T(uint16x8_t, vreinterpretq_u16_u8, vreinterpretq_u8_u16, 0, 2)
	T(uint16x8_t, vreinterpretq_u16_u8, vreinterpretq_u8_u16, 1, 3)
	T(uint16x8_t, vreinterpretq_u16_u8, vreinterpretq_u8_u16, 4, 6)
	T(uint16x8_t, vreinterpretq_u16_u8, vreinterpretq_u8_u16, 5, 7)
#undef TRN1
#undef TRN2
#define TRN1 vtrn1q_u8
#define TRN2 vtrn2q_u8
	T(uint8x16_t, ID, ID, 0, 1)
	T(uint8x16_t, ID, ID, 2, 3)
	T(uint8x16_t, ID, ID, 4, 5)
	T(uint8x16_t, ID, ID, 6, 7)
}

// Rows are read and written by instructions that go on to the next row, which the
// compiler does not come upon. It keeps what touches memory in order.
INLINE uint8x16_t loadRow(src_t *a, long s) {
	uint8x16_t v;
	__asm__ volatile("ld1 {%0.16b}, [%1], %2" : "=w"(v), "+r"(*a) : "r"(s) : "memory");
	return v;
}

INLINE void storeRow(dst_t *a, uint8x16_t v, long s) {
	__asm__ volatile("st1 {%1.16b}, [%0], %2" : "+r"(*a) : "w"(v), "r"(s) : "memory");
}

// Eight samples at a and eight at b.
INLINE uint8x16_t loadHalves(src_t *a, src_t *b, long s) {
	uint8x16_t v;
	__asm__ volatile("ld1 {%0.8b}, [%1], %3\n\tld1 {%0.d}[1], [%2], %3"
			 : "=&w"(v), "+r"(*a), "+r"(*b)
			 : "r"(s)
			 : "memory");
	return v;
}

INLINE void storeHalves(dst_t *a, dst_t *b, uint8x16_t v, long s) {
	__asm__ volatile("st1 {%2.8b}, [%0], %3\n\tst1 {%2.d}[1], [%1], %3"
			 : "+r"(*a), "+r"(*b)
			 : "w"(v), "r"(s)
			 : "memory");
}

INLINE edge_t loadRows(src_t p, long s) {
	edge_t e;
	e.v[0] = loadRow(&p, s), e.v[1] = loadRow(&p, s), e.v[2] = loadRow(&p, s), e.v[3] = loadRow(&p, s);
	e.v[4] = loadRow(&p, s), e.v[5] = loadRow(&p, s), e.v[6] = loadRow(&p, s), e.v[7] = loadRow(&p, s);
	return e;
}

INLINE edge_t loadRowsUV(src_t a, src_t b, long s) {
	edge_t e;
	e.v[0] = loadHalves(&a, &b, s), e.v[1] = loadHalves(&a, &b, s), e.v[2] = loadHalves(&a, &b, s), e.v[3] = loadHalves(&a, &b, s);
	e.v[4] = loadHalves(&a, &b, s), e.v[5] = loadHalves(&a, &b, s), e.v[6] = loadHalves(&a, &b, s), e.v[7] = loadHalves(&a, &b, s);
	return e;
}

// Rows: a holds eight of the first half, b eight of the second.
INLINE edge_t loadColumns(src_t a, src_t b, long s) {
	edge_t e = loadRowsUV(a, b, s);
	transpose8(e.v);
	return e;
}

INLINE void storeColumns(dst_t a, dst_t b, long s, edge_t e) {
	transpose8(e.v);
	storeHalves(&a, &b, e.v[0], s);
	storeHalves(&a, &b, e.v[1], s);
	storeHalves(&a, &b, e.v[2], s);
	storeHalves(&a, &b, e.v[3], s);
	storeHalves(&a, &b, e.v[4], s);
	storeHalves(&a, &b, e.v[5], s);
	storeHalves(&a, &b, e.v[6], s);
	storeHalves(&a, &b, e.v[7], s);
}

INLINE void mbEdgeH(dst_t y, long s, const filter_t *f) {
	edge_t e = loadRows(y - 4 * s, s);
	mbFilter(&e, f);
	y -= 3 * s;
	storeRow(&y, e.v[1], s);
	storeRow(&y, e.v[2], s);
	storeRow(&y, e.v[3], s);
	storeRow(&y, e.v[4], s);
	storeRow(&y, e.v[5], s);
	storeRow(&y, e.v[6], s);
}

INLINE void subEdgesH(dst_t y, long s, const filter_t *f) {
	long n = 3;
	do {
		edge_t e = loadRows(y, s);
		subFilter(&e, f);
		y += 2 * s;
		storeRow(&y, e.v[2], s);
		storeRow(&y, e.v[3], s);
		dst_t q = y;
		storeRow(&q, e.v[4], s);
		storeRow(&q, e.v[5], s);
	} while (--n);
}

INLINE void mbEdgeHuv(dst_t u, dst_t v, long s, const filter_t *f) {
	edge_t e = loadRowsUV(u - 4 * s, v - 4 * s, s);
	mbFilter(&e, f);
	u -= 3 * s, v -= 3 * s;
	storeHalves(&u, &v, e.v[1], s);
	storeHalves(&u, &v, e.v[2], s);
	storeHalves(&u, &v, e.v[3], s);
	storeHalves(&u, &v, e.v[4], s);
	storeHalves(&u, &v, e.v[5], s);
	storeHalves(&u, &v, e.v[6], s);
}

INLINE void subEdgesHuv(dst_t u, dst_t v, long s, const filter_t *f) {
	edge_t e = loadRowsUV(u, v, s);
	subFilter(&e, f);
	u += 2 * s, v += 2 * s;
	storeHalves(&u, &v, e.v[2], s);
	storeHalves(&u, &v, e.v[3], s);
	storeHalves(&u, &v, e.v[4], s);
	storeHalves(&u, &v, e.v[5], s);
}

INLINE void mbEdgeV(dst_t y, long s, const filter_t *f) {
	edge_t e = loadColumns(y - 4, y + 8 * s - 4, s);
	mbFilter(&e, f);
	storeColumns(y - 4, y + 8 * s - 4, s, e);
}

INLINE void subEdgesV(dst_t y, long s, const filter_t *f) {
	long n = 3;
	do {
		edge_t e = loadColumns(y, y + 8 * s, s);
		subFilter(&e, f);
		storeColumns(y, y + 8 * s, s, e);
		y += 4;
	} while (--n);
}

INLINE void mbEdgeVuv(dst_t u, dst_t v, long s, const filter_t *f) {
	edge_t e = loadColumns(u - 4, v - 4, s);
	mbFilter(&e, f);
	storeColumns(u - 4, v - 4, s, e);
}

INLINE void subEdgesVuv(dst_t u, dst_t v, long s, const filter_t *f) {
	edge_t e = loadColumns(u, v, s);
	subFilter(&e, f);
	storeColumns(u, v, s, e);
}

// Has the compiler forget what it knows of x and y, so that it keeps nothing of one edge
// for the next: that would not fit the registers.
#define FORGET(x, y) __asm__("" : "+r"(x), "+r"(y))

// A row of macroblocks; edges: 1 if the first has a left edge, 2 if all have a top one.
void filterRow(const filter_t *f, long n, dst_t y, dst_t u, dst_t v, long ys, long uvs, long edges) {
	do {
		if (f->mbLimit) {
			if (edges & 1) {
				FORGET(f, ys);
				mbEdgeV(y, ys, f);
				FORGET(f, uvs);
				mbEdgeVuv(u, v, uvs, f);
			}
			if (f->inner) {
				FORGET(f, ys);
				subEdgesV(y, ys, f);
				FORGET(f, uvs);
				subEdgesVuv(u, v, uvs, f);
			}
			if (edges & 2) {
				FORGET(f, ys);
				mbEdgeH(y, ys, f);
				FORGET(f, uvs);
				mbEdgeHuv(u, v, uvs, f);
			}
			if (f->inner) {
				FORGET(f, ys);
				subEdgesH(y, ys, f);
				FORGET(f, uvs);
				subEdgesHuv(u, v, uvs, f);
			}
		}
		f++, y += 16, u += 8, v += 8;
		edges |= 1;
	} while (--n);
}

void filterSimpleH(dst_t y, long s, long limit) {
	edge_t e;
	e.v[2] = vld1q_u8(y - 2 * s), e.v[3] = vld1q_u8(y - s), e.v[4] = vld1q_u8(y), e.v[5] = vld1q_u8(y + s);
	simpleFilter(&e, limit);
	vst1q_u8(y - s, e.v[3]);
	vst1q_u8(y, e.v[4]);
}

void filterSimpleV(dst_t y, long s, long limit) {
	edge_t e = loadColumns(y - 4, y + 8 * s - 4, s);
	simpleFilter(&e, limit);
	storeColumns(y - 4, y + 8 * s - 4, s, e);
}
