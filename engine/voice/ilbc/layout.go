package ilbc

// params is the content of a frame (section 3.8, table 3.2), each parameter at
// the place that the at… constants name.
type params [atEnd]int16

const (
	atEnvelope   = 0                                // codebook indices, three for each envelope
	atStart      = atEnvelope + 6                   // the first sub-frame, from 1, of the state block
	atStateFirst = atStart + 1                      // 1: the start state fills the front of its block
	atPeak       = atStateFirst + 1                 // scale factor of the start state
	atShape      = atPeak + 1                       // levels of the start state's samples
	atCode       = atShape + maxState               // vectors: rest of the state block, then other sub-frames
	atGain       = atCode + (maxSubframes-1)*stages // their gains
	atEmpty      = atGain + (maxSubframes-1)*stages // 1: nothing was sent; the frame is to be concealed
	atEnd        = atEmpty + 1
)

// code returns the codebook indices of the nth excitation vector.
func (p *params) code(n int) *[stages]int16 { return (*[stages]int16)(p[atCode+n*stages:]) }

// gain returns the gain indices of the nth excitation vector.
func (p *params) gain(n int) *[stages]int16 { return (*[stages]int16)(p[atGain+n*stages:]) }

// field places a parameter, or a run of like parameters, in the frame. The bits
// of a frame stand in three classes of falling importance; the high bits of a
// parameter go to the first class it has bits in. Each class holds its bits in
// the order of the table.
type field struct {
	at, count uint8
	classes   [3]uint8 // number of bits in each
}

var layout20 = [...]field{
	{atEnvelope, 1, [3]uint8{6, 0, 0}},
	{atEnvelope + 1, 1, [3]uint8{7, 0, 0}},
	{atEnvelope + 2, 1, [3]uint8{7, 0, 0}},
	{atStart, 1, [3]uint8{2, 0, 0}},
	{atStateFirst, 1, [3]uint8{1, 0, 0}},
	{atPeak, 1, [3]uint8{6, 0, 0}},
	{atShape, 57, [3]uint8{0, 1, 2}},
	{atCode, 1, [3]uint8{6, 0, 1}},
	{atCode + 1, 1, [3]uint8{0, 0, 7}},
	{atCode + 2, 1, [3]uint8{0, 0, 7}},
	{atGain, 1, [3]uint8{2, 0, 3}},
	{atGain + 1, 1, [3]uint8{1, 1, 2}},
	{atGain + 2, 1, [3]uint8{0, 0, 3}},
	{atCode + 3, 1, [3]uint8{7, 0, 1}},
	{atCode + 4, 1, [3]uint8{0, 0, 7}},
	{atCode + 5, 1, [3]uint8{0, 0, 7}},
	{atCode + 6, 1, [3]uint8{0, 0, 8}},
	{atCode + 7, 1, [3]uint8{0, 0, 8}},
	{atCode + 8, 1, [3]uint8{0, 0, 8}},
	{atGain + 3, 1, [3]uint8{1, 2, 2}},
	{atGain + 4, 1, [3]uint8{1, 1, 2}},
	{atGain + 5, 1, [3]uint8{0, 0, 3}},
	{atGain + 6, 1, [3]uint8{1, 1, 3}},
	{atGain + 7, 1, [3]uint8{0, 2, 2}},
	{atGain + 8, 1, [3]uint8{0, 0, 3}},
	{atEmpty, 1, [3]uint8{0, 0, 1}},
}

var layout30 = [...]field{
	{atEnvelope, 1, [3]uint8{6, 0, 0}},
	{atEnvelope + 1, 1, [3]uint8{7, 0, 0}},
	{atEnvelope + 2, 1, [3]uint8{7, 0, 0}},
	{atEnvelope + 3, 1, [3]uint8{6, 0, 0}},
	{atEnvelope + 4, 1, [3]uint8{7, 0, 0}},
	{atEnvelope + 5, 1, [3]uint8{7, 0, 0}},
	{atStart, 1, [3]uint8{3, 0, 0}},
	{atStateFirst, 1, [3]uint8{1, 0, 0}},
	{atPeak, 1, [3]uint8{6, 0, 0}},
	{atShape, 58, [3]uint8{0, 1, 2}},
	{atCode, 1, [3]uint8{4, 2, 1}},
	{atCode + 1, 1, [3]uint8{0, 0, 7}},
	{atCode + 2, 1, [3]uint8{0, 0, 7}},
	{atGain, 1, [3]uint8{1, 1, 3}},
	{atGain + 1, 1, [3]uint8{1, 1, 2}},
	{atGain + 2, 1, [3]uint8{0, 0, 3}},
	{atCode + 3, 1, [3]uint8{6, 1, 1}},
	{atCode + 4, 1, [3]uint8{0, 0, 7}},
	{atCode + 5, 1, [3]uint8{0, 0, 7}},
	{atCode + 6, 1, [3]uint8{0, 7, 1}},
	{atCode + 7, 1, [3]uint8{0, 0, 8}},
	{atCode + 8, 1, [3]uint8{0, 0, 8}},
	{atCode + 9, 1, [3]uint8{0, 7, 1}},
	{atCode + 10, 1, [3]uint8{0, 0, 8}},
	{atCode + 11, 1, [3]uint8{0, 0, 8}},
	{atCode + 12, 1, [3]uint8{0, 7, 1}},
	{atCode + 13, 1, [3]uint8{0, 0, 8}},
	{atCode + 14, 1, [3]uint8{0, 0, 8}},
	{atGain + 3, 1, [3]uint8{1, 2, 2}},
	{atGain + 4, 1, [3]uint8{1, 2, 1}},
	{atGain + 5, 1, [3]uint8{0, 0, 3}},
	{atGain + 6, 1, [3]uint8{0, 2, 3}},
	{atGain + 7, 1, [3]uint8{0, 2, 2}},
	{atGain + 8, 1, [3]uint8{0, 0, 3}},
	{atGain + 9, 1, [3]uint8{0, 1, 4}},
	{atGain + 10, 1, [3]uint8{0, 1, 3}},
	{atGain + 11, 1, [3]uint8{0, 0, 3}},
	{atGain + 12, 1, [3]uint8{0, 1, 4}},
	{atGain + 13, 1, [3]uint8{0, 1, 3}},
	{atGain + 14, 1, [3]uint8{0, 0, 3}},
	{atEmpty, 1, [3]uint8{0, 0, 1}},
}
