//go:build linux && cgo

package alsa

// ring is a bounded queue of samples. It is not safe for concurrent use.
type ring struct {
	data  []int16
	start int
	n     int
}

func newRing(samples int) ring { return ring{data: make([]int16, samples)} }

func (r *ring) free() int { return len(r.data) - r.n }

// push appends samples. When there is no room for all, the oldest make way;
// it returns how many did.
func (r *ring) push(samples []int16) (lost int) {
	if over := len(samples) - len(r.data); over > 0 {
		samples, lost = samples[over:], over
	}
	if over := len(samples) - r.free(); over > 0 {
		r.skip(over)
		lost += over
	}
	end := (r.start + r.n) % len(r.data)
	k := copy(r.data[end:], samples)
	copy(r.data, samples[k:])
	r.n += len(samples)
	return lost
}

// pop fills as much of dst as there are samples and returns how many.
func (r *ring) pop(dst []int16) int {
	n := min(len(dst), r.n)
	k := copy(dst[:n], r.data[r.start:])
	copy(dst[k:n], r.data)
	r.skip(n)
	return n
}

func (r *ring) skip(n int) {
	r.start = (r.start + n) % len(r.data)
	r.n -= n
}
