package vp8

// Sizes of the token probability table (section 13.3).
const (
	numBlockTypes    = 4
	numCoeffBands    = 8
	numCoeffContexts = 3
	numTokenProbs    = numTokens - 1
)

// Block types: the first index of coeffProbs.
const (
	blockYAfterY2 = iota // luma from coefficient 1: DC is in Y2
	blockY2
	blockChroma
	blockYWithDC
)

// Tokens of the coefficient tree (section 13.2).
const (
	tokenZero = iota
	tokenOne
	tokenTwo
	tokenThree
	tokenFour
	tokenCat1 // 5..6
	tokenCat2 // 7..10
	tokenCat3 // 11..18
	tokenCat4 // 19..34
	tokenCat5 // 35..66
	tokenCat6 // 67..2114
	tokenEOB
	numTokens
)

// Trees are arrays of pairs: at even index i stand the branches for bit 0 and
// bit 1, read with probability i/2. A positive entry is the index of the next
// pair, another one the negated value of a leaf (section 8.1).

var coeffTree = [2 * numTokenProbs]int8{
	-tokenEOB, 2,
	-tokenZero, 4,
	-tokenOne, 6,
	8, 12,
	-tokenTwo, 10,
	-tokenThree, -tokenFour,
	14, 16,
	-tokenCat1, -tokenCat2,
	18, 20,
	-tokenCat3, -tokenCat4,
	-tokenCat5, -tokenCat6,
}

// tokenCatBase is the smallest value of categories 1 to 6, tokenCatProbs the
// probabilities of the extra bits that follow, highest bit first.
var (
	tokenCatBase  = [6]int{5, 7, 11, 19, 35, 67}
	tokenCatProbs = [6][]uint8{
		{159},
		{165, 145},
		{173, 148, 140},
		{176, 155, 140, 135},
		{180, 157, 141, 134, 130},
		{254, 254, 243, 230, 196, 177, 153, 140, 133, 130, 129},
	}
)

// zigzag gives the raster position of the i-th coefficient (section 13).
var zigzag = [16]uint8{0, 1, 4, 8, 5, 2, 3, 6, 9, 12, 13, 10, 7, 11, 14, 15}

// coeffBand gives the band of the i-th coefficient. The seventeenth entry lets
// a token loop look up the band behind the last coefficient.
var coeffBand = [17]uint8{0, 1, 2, 3, 6, 4, 5, 6, 6, 6, 6, 6, 6, 6, 6, 7, 0}

// Macroblock modes: the five intra modes of section 11.2, then the inter modes
// of section 16.2.
const (
	modeDC = iota
	modeV
	modeH
	modeTM
	modeB // each luma subblock has its own mode
	modeNearest
	modeNear
	modeZero
	modeNew
	modeSplit // partitions of the macroblock have their own vectors

	numYModes  = modeB + 1
	numUVModes = modeTM + 1
)

// Subblock intra modes (section 11.2).
const (
	subDC = iota
	subTM
	subVE
	subHE
	subLD
	subRD
	subVR
	subVL
	subHD
	subHU
	numSubblockModes
)

// Subblock modes inside modeSplit (section 16.4).
const (
	splitLeft = iota
	splitAbove
	splitZero
	splitNew
	numSplitModes
)

// Reference frames of a macroblock.
const (
	refIntra = iota
	refLast
	refGolden
	refAltRef
	numRefs
)

var (
	kfYModeTree      = [2 * (numYModes - 1)]int8{-modeB, 2, 4, 6, -modeDC, -modeV, -modeH, -modeTM}
	yModeTree        = [2 * (numYModes - 1)]int8{-modeDC, 2, 4, 6, -modeV, -modeH, -modeTM, -modeB}
	uvModeTree       = [2 * (numUVModes - 1)]int8{-modeDC, 2, -modeV, 4, -modeH, -modeTM}
	subblockModeTree = [2 * (numSubblockModes - 1)]int8{
		-subDC, 2, -subTM, 4, -subVE, 6, 8, 12, -subHE, 10, -subRD, -subVR, -subLD, 14, -subVL, 16, -subHD, -subHU,
	}
	segmentTree   = [6]int8{2, 4, -0, -1, -2, -3}
	interModeTree = [8]int8{-modeZero, 2, -modeNearest, 4, -modeNear, 6, -modeNew, -modeSplit}
	splitModeTree = [2 * (numSplitModes - 1)]int8{-splitLeft, 2, -splitAbove, 4, -splitZero, -splitNew}
	// Leaves of partitionTree are the partition kinds below.
	partitionTree = [6]int8{-partition16, 2, -partitionQuarters, 4, -partitionTopBottom, -partitionLeftRight}
)

// Fixed and default probabilities of the trees above.
var (
	kfYModeProbs      = [numYModes - 1]uint8{145, 156, 163, 128}
	kfUVModeProbs     = [numUVModes - 1]uint8{142, 114, 183}
	defaultYModeProbs = [numYModes - 1]uint8{112, 86, 140, 37}
	defaultUVProbs    = [numUVModes - 1]uint8{162, 101, 204}
	// subblockModeProbs is used in inter frames, where subblock modes have no
	// context (section 16.1).
	subblockModeProbs = [numSubblockModes - 1]uint8{120, 90, 79, 133, 87, 85, 80, 111, 151}
	partitionProbs    = [3]uint8{110, 111, 150}
)

// interModeProbs gives the probabilities of interModeTree: node n is read with
// interModeProbs[count[n]][n], count being the census of the neighbours'
// vectors (section 16.3).
var interModeProbs = [6][4]uint8{
	{7, 1, 1, 143},
	{14, 18, 14, 107},
	{135, 64, 57, 68},
	{60, 56, 128, 65},
	{159, 134, 128, 34},
	{234, 188, 128, 28},
}

// Contexts of splitModeProbs, from the vectors left and above (section 16.4).
const (
	splitContextNormal = iota
	splitContextLeftZero
	splitContextAboveZero
	splitContextSame
	splitContextBothZero
	numSplitContexts
)

var splitModeProbs = [numSplitContexts][numSplitModes - 1]uint8{
	{147, 136, 18},
	{106, 145, 1},
	{179, 121, 1},
	{223, 1, 34},
	{208, 1, 1},
}

// Kinds of partition of a split macroblock.
const (
	partitionTopBottom = iota
	partitionLeftRight
	partitionQuarters
	partition16
	numPartitionKinds
)

// partitionCount is the number of vectors of each kind; partitionMap names the
// part that each of the 16 subblocks belongs to; partitionFirst is the first
// subblock (in raster order) of each part.
var (
	partitionCount = [numPartitionKinds]uint8{2, 2, 4, 16}
	partitionMap   = [numPartitionKinds][16]uint8{
		{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1},
		{0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1},
		{0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3, 2, 2, 3, 3},
		{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
	}
	partitionFirst = [numPartitionKinds][16]uint8{
		{0, 8},
		{0, 2},
		{0, 2, 8, 10},
		{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
	}
)

// Layout of the probabilities of one vector component (section 17.1).
const (
	mvIsShort  = 0 // false: 0..7 by tree; true: long form
	mvSign     = 1
	mvShort    = 2 // 7 probabilities of mvShortTree
	mvLongBits = 9 // 10 probabilities, bit 0 first
	numMVProbs = 19

	mvLongWidth = 10
)

// mvProbs are the probabilities of a vector: index 0 is the row (vertical)
// component, 1 the column.
type mvProbs [2][numMVProbs]uint8

var mvShortTree = [14]int8{2, 8, 4, 6, -0, -1, -2, -3, 10, 12, -4, -5, -6, -7}

// mvUpdateProbs are the probabilities that a header replaces the vector
// probability at the same place, defaultMVProbs what key frames start from
// (section 17.2).
var (
	mvUpdateProbs = mvProbs{
		{237, 246, 253, 253, 254, 254, 254, 254, 254, 254, 254, 254, 254, 254, 250, 250, 252, 254, 254},
		{231, 243, 245, 253, 254, 254, 254, 254, 254, 254, 254, 254, 254, 254, 251, 251, 254, 254, 254},
	}
	defaultMVProbs = mvProbs{
		{162, 128, 225, 146, 172, 147, 214, 39, 156, 128, 129, 132, 75, 145, 178, 206, 239, 254, 254},
		{164, 128, 204, 170, 119, 235, 140, 230, 228, 128, 130, 130, 74, 148, 180, 203, 236, 254, 254},
	}
)
