// The edges of the loop filter, for the two sets of vector instructions: the order
// in which rows and columns come to the registers and go back is theirs in common.
//
// Who includes this has defined LOAD(A, X) and STORE(X, A) for sixteen bytes,
// LOADUV(A, B, X) and STOREUV(X, A, B) for eight of each, LOADCOLUMNS, STORECOLUMNS,
// SPREADAX for the byte in AX to all of LIMITS, and the filters MBFILTER, SUBFILTER
// and SIMPLEFILTER.
//
// SI (and DI: of V, or of the next eight rows): first row of the block, R9 and R11:
// four rows above them, R8: stride, R10: its triple.

#define SIMPLEARGS \
	MOVQ    y+0(FP), SI; \
	MOVQ    stride+8(FP), R8; \
	MOVBLZX limit+16(FP), AX

#define ABOVE(P, A) \
	MOVQ P, A; \
	SUBQ R8, A; \
	SUBQ R10, A

#define LOADROWS \
	LOAD((R9), X0); \
	LOAD((R9)(R8*1), X1); \
	LOAD((R9)(R8*2), X2); \
	LOAD((R9)(R10*1), X3); \
	LOAD((SI), X4); \
	LOAD((SI)(R8*1), X5); \
	LOAD((SI)(R8*2), X6); \
	LOAD((SI)(R10*1), X7)

#define LOADROWSUV \
	LOADUV((R9), (R11), X0); \
	LOADUV((R9)(R8*1), (R11)(R8*1), X1); \
	LOADUV((R9)(R8*2), (R11)(R8*2), X2); \
	LOADUV((R9)(R10*1), (R11)(R10*1), X3); \
	LOADUV((SI), (DI), X4); \
	LOADUV((SI)(R8*1), (DI)(R8*1), X5); \
	LOADUV((SI)(R8*2), (DI)(R8*2), X6); \
	LOADUV((SI)(R10*1), (DI)(R10*1), X7)

// Between macroblocks, horizontal.
#define MBH \
	ABOVE(SI, R9); \
	LOADROWS; \
	MBFILTER; \
	STORE(X1, (R9)(R8*1)); \
	STORE(X2, (R9)(R8*2)); \
	STORE(X3, (R9)(R10*1)); \
	STORE(X4, (SI)); \
	STORE(X5, (SI)(R8*1)); \
	STORE(X6, (SI)(R8*2))

// The next of the three edges inside, horizontal.
#define SUBHNEXT \
	MOVQ SI, R9; \
	LEAQ (SI)(R8*4), SI; \
	LOADROWS; \
	SUBFILTER; \
	STORE(X2, (R9)(R8*2)); \
	STORE(X3, (R9)(R10*1)); \
	STORE(X4, (SI)); \
	STORE(X5, (SI)(R8*1))

#define MBHUV \
	ABOVE(SI, R9); \
	ABOVE(DI, R11); \
	LOADROWSUV; \
	MBFILTER; \
	STOREUV(X1, (R9)(R8*1), (R11)(R8*1)); \
	STOREUV(X2, (R9)(R8*2), (R11)(R8*2)); \
	STOREUV(X3, (R9)(R10*1), (R11)(R10*1)); \
	STOREUV(X4, (SI), (DI)); \
	STOREUV(X5, (SI)(R8*1), (DI)(R8*1)); \
	STOREUV(X6, (SI)(R8*2), (DI)(R8*2))

#define SUBHUV \
	MOVQ SI, R9; \
	MOVQ DI, R11; \
	LEAQ (SI)(R8*4), SI; \
	LEAQ (DI)(R8*4), DI; \
	LOADROWSUV; \
	SUBFILTER; \
	STOREUV(X2, (R9)(R8*2), (R11)(R8*2)); \
	STOREUV(X3, (R9)(R10*1), (R11)(R10*1)); \
	STOREUV(X4, (SI), (DI)); \
	STOREUV(X5, (SI)(R8*1), (DI)(R8*1))

// Between macroblocks, vertical.
#define MBV \
	SUBQ $4, SI; \
	LEAQ (SI)(R8*8), DI; \
	LOADCOLUMNS; \
	MBFILTER; \
	STORECOLUMNS

// The next of the three edges inside, vertical.
#define SUBVNEXT \
	LOADCOLUMNS; \
	SUBFILTER; \
	STORECOLUMNS; \
	ADDQ $4, SI; \
	ADDQ $4, DI

#define MBVUV \
	SUBQ $4, SI; \
	SUBQ $4, DI; \
	LOADCOLUMNS; \
	MBFILTER; \
	STORECOLUMNS

#define SUBVUV \
	LOADCOLUMNS; \
	SUBFILTER; \
	STORECOLUMNS

#define SIMPLEH \
	SIMPLEARGS; \
	SPREADAX; \
	MOVQ SI, R9; \
	SUBQ R8, R9; \
	SUBQ R8, R9; \
	LOAD((R9), X2); \
	LOAD((R9)(R8*1), X3); \
	LOAD((SI), X4); \
	LOAD((SI)(R8*1), X5); \
	SIMPLEFILTER(LIMITS); \
	STORE(X3, (R9)(R8*1)); \
	STORE(X4, (SI))

#define SIMPLEV \
	SIMPLEARGS; \
	LEAQ (R8)(R8*2), R10; \
	SUBQ $4, SI; \
	LEAQ (SI)(R8*8), DI; \
	LOADCOLUMNS; \
	SPREADAX; \
	SIMPLEFILTER(LIMITS); \
	STORECOLUMNS
