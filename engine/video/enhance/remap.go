package enhance

// placeTable says, for every sample of a plane, where it comes from: the index
// of the upper left of four samples, and the parts of the way to the right and
// down in sixteenths, 0 to 16. It holds for one stride of the source.
type placeTable struct {
	stride int
	at     []int32
	fx, fy []byte
	last   []int32 // the largest index of each row
}

// pack makes the table from places, width of which make a row.
func (t *placeTable) pack(places []place, width, stride int) {
	*t = placeTable{
		stride: stride, at: make([]int32, len(places)), fx: make([]byte, len(places)), fy: make([]byte, len(places)),
		last: make([]int32, len(places)/max(width, 1)),
	}
	for i, p := range places {
		t.at[i] = int32(p.at>>16)*int32(stride) + int32(p.at&0xffff)
		t.fx[i], t.fy[i] = p.fx, p.fy
		t.last[i/width] = max(t.last[i/width], t.at[i])
	}
}

// remapReach is how many bytes from a place on the kernels read.
const remapReach = 4

// remap makes a plane of w by h of src.
func (t *placeTable) remap(dst []byte, ds int, src []byte, w, h int) {
	for y := range h {
		row, at, fx, fy := dst[y*ds:y*ds+w], t.at[y*w:y*w+w], t.fx[y*w:y*w+w], t.fy[y*w:y*w+w]
		if int(t.last[y])+t.stride+remapReach <= len(src) {
			remapRow(row, src, at, fx, fy, t.stride)
			continue
		}
		remapEdge(row, src, at, fx, fy, t.stride)
	}
}

// remapEdge is remapRow where a place's right or lower neighbour may not be there:
// it has no weight then.
func remapEdge(row, src []byte, at []int32, fx, fy []byte, stride int) {
	for i, p := range at {
		x, y := uint32(fx[i]), uint32(fy[i])
		here := uint32(src[p])
		var right, below, both uint32
		if x != 0 {
			right = uint32(src[p+1])
		}
		if y != 0 {
			below = uint32(src[int(p)+stride])
			if x != 0 {
				both = uint32(src[int(p)+stride+1])
			}
		}
		top, bottom := here*(16-x)+right*x, below*(16-x)+both*x
		row[i] = byte((top*(16-y) + bottom*y + 128) >> 8)
	}
}
