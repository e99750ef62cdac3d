package enhance

import (
	"math"

	"github.com/edgecam/edgecam/engine/media"
)

// denoiser averages each sample over time where the picture stands still and
// over space where the average is young. Its memory is one Q7 average and one
// counter per sample.
type denoiser struct {
	width, height int
	planes        [3]noisePlane
	fixedSigma    float32 // 0: estimated
	active        bool
	fast          bool // without smooth
	blend         blendTables
	smooth        smoothTables
}

// noisePlane is the denoiser's state of one plane.
type noisePlane struct {
	width, height int
	padded        int // width, rounded up to rowStep
	estimate      *noiseEstimator
	avgQ7         []uint16
	support       []byte
	fresh         bool // the averages are not set

	cur     []byte     // the row in work, padded
	diff    [5][]int16 // differences of the rows in the motion test
	sum     []int16    // with sidePad before and after
	sumAbs  []int16    //
	rounded [5][]byte  // averages, with sidePad before and after
	rows    [5][]byte  // rounded, in order
	out     []byte
}

// Deviations at which the denoiser begins and stops: below there is nothing to
// win, and detail to lose.
const (
	denoiseOn  = 0.9
	denoiseOff = 0.6
)

func newDenoiser(width, height int, cfg DenoiseConfig) *denoiser {
	d := &denoiser{width: width, height: height, fixedSigma: cfg.Sigma, fast: cfg.Fast}
	d.planes[0].init(width, height)
	d.planes[1].init((width+1)/2, (height+1)/2)
	d.planes[2].init((width+1)/2, (height+1)/2)
	for n := range levels {
		frames := float64(n + 1)
		if n > 11 { // counters are small: the last steps stand for more
			frames = [4]float64{14, 17, 21, 26}[n-12]
		}
		put16(&d.blend.gainLo[n], &d.blend.gainHi[n], 32767/frames)
	}
	d.blend.most = levels - 1
	for n := 1; n < levels; n++ {
		root := math.Sqrt(framesIn(n))
		d.smooth.shrink[n] = byte(min(256/root, 255))
		put16(&d.smooth.invShrinkLo[n], &d.smooth.invShrinkHi[n], 8192*root)
	}
	for i := range levels {
		put16(&d.smooth.recipLo[i], &d.smooth.recipHi[i], 32768/(1+1.6*(float64(i)+0.5)))
	}
	return d
}

// framesIn is how many frames' worth of averaging a support stands for.
func framesIn(support int) float64 {
	if support == levels-1 {
		return 26
	}
	return float64(support)
}

func put16(lo, hi *byte, v float64) {
	n := uint16(min(max(math.Round(v), 0), 65535))
	*lo, *hi = byte(n), byte(n>>8)
}

func (p *noisePlane) init(width, height int) {
	padded := (width + rowStep - 1) / rowStep * rowStep
	*p = noisePlane{
		width: width, height: height, padded: padded, fresh: true,
		estimate: newNoiseEstimator(width, height),
		avgQ7:    make([]uint16, padded*height), support: make([]byte, padded*height),
		cur: make([]byte, padded), out: make([]byte, padded),
		sum: make([]int16, padded+2*sidePad), sumAbs: make([]int16, padded+2*sidePad),
	}
	for i := range p.diff {
		p.diff[i] = make([]int16, padded)
		p.rounded[i] = make([]byte, padded+2*sidePad)
	}
}

// process filters p in place and reports whether it changed anything.
func (d *denoiser) process(p *media.Picture) bool {
	pix := [3][]byte{p.Y, p.U, p.V}
	stride := [3]int{p.YStride, p.UVStride, p.UVStride}
	if d.fixedSigma == 0 {
		for i := range d.planes {
			d.planes[i].estimate.look(pix[i], stride[i])
		}
	}
	if !d.decide() {
		return false
	}
	for i := range d.planes {
		pl := &d.planes[i]
		if d.setTables(pl, i) {
			st := &d.smooth
			if d.fast {
				st = nil
			}
			pl.filter(pix[i], stride[i], &d.blend, st)
		} else {
			pl.fresh = true
		}
	}
	return true
}

// decide says whether there is noise to take out of this frame.
func (d *denoiser) decide() bool {
	sigma := d.fixedSigma
	if sigma == 0 {
		e := d.planes[0].estimate
		sigma = e.mean() * e.plausible()
		if e.seen == 0 && sigma < firstLeast {
			sigma = 0
		}
	}
	switch {
	case sigma >= denoiseOn && !d.active:
		d.active = true
		for i := range d.planes {
			d.planes[i].fresh = true
		}
	case sigma < denoiseOff:
		d.active = false
	}
	return d.active
}

// Deviations that the filter works with. Chroma below sigmaLeast is left alone.
const (
	sigmaLeast   = 0.7
	sigmaMost    = 24
	stillMeasure = 88 // 5.5 deviations
	// smoothLeast is the deviation left in an average below which nothing is won
	// by filtering it across space.
	smoothLeast = 0.6
)

// setTables makes the constants for a plane, and reports false where it has too
// little noise to do anything.
func (d *denoiser) setTables(pl *noisePlane, index int) bool {
	e := pl.estimate
	believed, correlation := float32(1), float32(1)
	if d.fixedSigma == 0 {
		believed, correlation = e.plausible(), min(max(e.correlation, 1), 6)
		if index > 0 {
			believed = min(believed, d.planes[0].estimate.plausible())
			if e.mean()*believed < sigmaLeast {
				return false
			}
		}
	}
	root := float32(math.Sqrt(float64(correlation)))
	for l := range levels {
		sigma := d.fixedSigma
		if sigma == 0 {
			sigma = e.at(l) * believed
		}
		sigma = min(max(sigma, sigmaLeast), sigmaMost)
		put16(&d.blend.invLo[l], &d.blend.invHi[l], float64(43690/(sigma*root)))
		reach := min(sigma*(3+root), reachMax)
		d.smooth.reach[l] = byte(reach * 4)
		put16(&d.smooth.invReachLo[l], &d.smooth.invReachHi[l], float64(65536/reach))
	}
	mean := d.fixedSigma
	if mean == 0 {
		mean = e.mean() * believed
	}
	d.smooth.oldest = 1
	for n := 2; n < levels && float64(mean*root)/math.Sqrt(framesIn(n)) >= smoothLeast; n++ {
		d.smooth.oldest = byte(n)
	}
	d.blend.offset = uint16(106.7 / root)
	d.blend.point = uint16(12288 * root)
	d.blend.still = stillMeasure
	return true
}

// filter averages one plane. The motion test runs two rows ahead of the
// averages, the spatial filter two rows behind them; st is nil for none.
func (p *noisePlane) filter(pix []byte, stride int, bt *blendTables, st *smoothTables) {
	if p.fresh {
		p.start(pix, stride)
	}
	clear(p.sum)
	clear(p.sumAbs)
	for i := range p.diff {
		clear(p.diff[i])
	}
	fed := 0
	feed := func(y int) {
		if y >= 0 && y < p.height && (y == 0 || fed > 0) {
			p.load(pix[y*stride:])
			differences(p.diff[fed%5], p.sum[sidePad:sidePad+p.padded], p.sumAbs[sidePad:sidePad+p.padded], p.cur, p.avgQ7[y*p.padded:(y+1)*p.padded])
		} else {
			p.repeat(fed)
		}
		fed++
	}
	// Beyond the top and the bottom the nearest row counts once more.
	feed(0)
	feed(-1)
	feed(-1)
	feed(1)
	for y := range p.height {
		feed(y + 2)
		p.load(pix[y*stride:])
		p.edges()
		r := p.rounded[y%5]
		blend(r[sidePad:sidePad+p.padded], p.avgQ7[y*p.padded:(y+1)*p.padded], p.support[y*p.padded:(y+1)*p.padded], p.cur, p.sum, p.sumAbs, bt)
		r[0], r[1] = r[2], r[2]
		for i := sidePad + p.width; i < len(r); i++ {
			r[i] = r[sidePad+p.width-1]
		}
		switch {
		case st == nil:
			copy(pix[y*stride:y*stride+p.width], r[sidePad:])
		case y >= 2:
			p.smoothRow(y-2, y, pix, stride, st)
		}
	}
	if st == nil {
		return
	}
	for y := max(p.height-2, 0); y < p.height; y++ {
		p.smoothRow(y, p.height-1, pix, stride, st)
	}
}

// start sets the averages to a first frame.
func (p *noisePlane) start(pix []byte, stride int) {
	for y := range p.height {
		p.load(pix[y*stride:])
		for i, v := range p.cur {
			p.avgQ7[y*p.padded+i] = uint16(v) << 7
		}
	}
	clear(p.support)
	p.fresh = false
}

// load copies a row and repeats its last sample.
func (p *noisePlane) load(row []byte) {
	copy(p.cur[:p.width], row)
	for i := p.width; i < p.padded; i++ {
		p.cur[i] = row[p.width-1]
	}
}

// repeat counts the row before once more.
func (p *noisePlane) repeat(fed int) {
	old, last := p.diff[fed%5], p.diff[(fed+4)%5]
	sum, sumAbs := p.sum[sidePad:], p.sumAbs[sidePad:]
	for i, d := range last {
		o := old[i]
		sum[i] += d - o
		sumAbs[i] += int16(abs32(int32(d)) - abs32(int32(o)))
		old[i] = d
	}
}

// edges repeats the sums at the sides.
func (p *noisePlane) edges() {
	for _, s := range [2][]int16{p.sum, p.sumAbs} {
		s[0], s[1] = s[sidePad], s[sidePad]
		n := len(s) - sidePad
		s[n], s[n+1] = s[n-1], s[n-1]
	}
}

// smoothRow filters row y across space; rows up to last are averaged.
func (p *noisePlane) smoothRow(y, last int, pix []byte, stride int, st *smoothTables) {
	for k := range p.rows {
		p.rows[k] = p.rounded[min(max(y+k-2, 0), last)%5]
	}
	smooth(p.out, &p.rows, p.support[y*p.padded:(y+1)*p.padded], st)
	copy(pix[y*stride:y*stride+p.width], p.out)
}
