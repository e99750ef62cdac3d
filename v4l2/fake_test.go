//go:build linux && cgo && (amd64 || arm64)

package v4l2

import (
	"math/bits"
	"slices"
	"sync"
	"syscall"
	"time"

	uapi "github.com/vladimirvivien/go4vl/v4l2"
)

// fakeFormat is one entry of a fake device's format list.
type fakeFormat struct {
	code      string
	sizes     []uapi.FrameSize // equal ends: discrete
	intervals []uapi.FrameInterval
	// rates by size, in hertz; used if set
	rate func(w, h uint32) []uint32
}

// fakeNode follows the kernel's rules for a capture node: buffers move between
// queued, filled and dequeued; a call out of order gets the kernel's error.
type fakeNode struct {
	mu   sync.Mutex
	cond *sync.Cond

	caps    uapi.Capability
	formats []fakeFormat
	ctrls   []controlInfo
	values  map[uint32]int64
	menus   map[uint32][]string

	// Bad behaviour.
	answer        func(uapi.PixFormat) uapi.PixFormat // what S_FMT makes of it
	failStreamOn  map[string]error                    // by format
	failInterval  error
	gaveBuffers   uint32 // instead of what was asked
	bufferBytes   int
	bytesPerLine  uint32
	endlessSizes  bool
	dequeueError  error
	noOrphans     bool
	pollAlwaysErr bool
	noStatus      error
	status        uint32
	event         bool
	sensor        rect // zero: no selection at all
	crop          rect
	fixedCrop     bool
	noExport      bool
	noSet         error
	watched       []uint32
	changes       []controlChange

	pix       uapi.PixFormat
	interval  uapi.Fract
	buffers   [][]byte
	mapped    int
	owned     bool
	streaming bool
	queued    []uint32
	done      []filled
	sequence  uint32
	woken     bool
	closed    bool
	calls     map[string]int
	clock     clock
	filling   filled
}

func newFake(formats ...fakeFormat) *fakeNode {
	f := &fakeNode{
		caps: uapi.Capability{
			Driver: "uvcvideo", Card: "Fake Webcam", Capabilities: uapi.CapDeviceCapabilities,
			DeviceCapabilities: uapi.CapVideoCapture | uapi.CapStreaming,
		},
		formats: formats, values: map[uint32]int64{}, menus: map[uint32][]string{}, calls: map[string]int{}, clock: newClock(),
	}
	f.cond = sync.NewCond(&f.mu)
	return f
}

func discrete(sizes ...uint32) (out []uapi.FrameSize) {
	for i := 0; i < len(sizes); i += 2 {
		w, h := sizes[i], sizes[i+1]
		out = append(out, uapi.FrameSize{MinWidth: w, MaxWidth: w, MinHeight: h, MaxHeight: h})
	}
	return out
}

func hz(rates ...uint32) (out []uapi.FrameInterval) {
	for _, r := range rates {
		f := uapi.Fract{Numerator: 1, Denominator: r}
		out = append(out, uapi.FrameInterval{Min: f, Max: f})
	}
	return out
}

func (f *fakeNode) lock(call string) *sync.Mutex {
	f.mu.Lock()
	f.calls[call]++
	return &f.mu
}

func (f *fakeNode) capability() (uapi.Capability, error) {
	defer f.lock("querycap").Unlock()
	if f.dequeueError == syscall.ENODEV {
		return uapi.Capability{}, syscall.ENODEV
	}
	return f.caps, nil
}

func (f *fakeNode) formatDesc(i uint32) (uapi.FormatDescription, error) {
	if int(i) >= len(f.formats) {
		return uapi.FormatDescription{}, syscall.EINVAL
	}
	return uapi.FormatDescription{Index: i, PixelFormat: fourcc(f.formats[i].code)}, nil
}

func (f *fakeNode) find(code uapi.FourCCType) *fakeFormat {
	for i := range f.formats {
		if fourcc(f.formats[i].code) == code {
			return &f.formats[i]
		}
	}
	return nil
}

func (f *fakeNode) frameSize(i uint32, code uapi.FourCCType) (uapi.FrameSizeEnum, error) {
	ff := f.find(code)
	if f.endlessSizes && ff != nil {
		return uapi.FrameSizeEnum{Type: uapi.FrameSizeTypeDiscrete, Size: ff.sizes[0]}, nil
	}
	if ff == nil || int(i) >= len(ff.sizes) {
		return uapi.FrameSizeEnum{}, syscall.EINVAL
	}
	e := uapi.FrameSizeEnum{Index: i, Type: uapi.FrameSizeTypeDiscrete, Size: ff.sizes[i]}
	if e.Size.MinWidth != e.Size.MaxWidth {
		e.Type = uapi.FrameSizeTypeStepwise
	}
	return e, nil
}

func (f *fakeNode) frameInterval(i uint32, code uapi.FourCCType, w, h uint32) (uapi.FrameIntervalEnum, error) {
	defer f.lock("enumintervals").Unlock()
	ff := f.find(code)
	if ff == nil {
		return uapi.FrameIntervalEnum{}, syscall.EINVAL
	}
	ivs := ff.intervals
	if ff.rate != nil {
		ivs = hz(ff.rate(w, h)...)
	}
	if int(i) >= len(ivs) {
		return uapi.FrameIntervalEnum{}, syscall.EINVAL
	}
	e := uapi.FrameIntervalEnum{Index: i, Type: uapi.FrameIntervalTypeDiscrete, Interval: ivs[i]}
	if e.Interval.Min != e.Interval.Max {
		e.Type = uapi.FrameIntervalTypeStepwise
	}
	return e, nil
}

func (f *fakeNode) setFormat(p uapi.PixFormat) (uapi.PixFormat, error) {
	defer f.lock("s_fmt").Unlock()
	if f.owned {
		return p, syscall.EBUSY
	}
	p.BytesPerLine = f.bytesPerLine
	if f.answer != nil {
		p = f.answer(p)
	}
	f.pix = p
	return p, nil
}

func (f *fakeNode) setInterval(want uapi.Fract) (uapi.Fract, error) {
	defer f.lock("s_parm").Unlock()
	f.interval = want
	return want, f.failInterval
}

func (f *fakeNode) requestBuffers(n uint32) (uint32, error) {
	defer f.lock("reqbufs").Unlock()
	if n == 0 {
		if f.mapped > 0 && f.noOrphans {
			return 0, syscall.EBUSY
		}
		f.owned, f.queued, f.done = false, nil, nil
		return 0, nil
	}
	if f.gaveBuffers > 0 {
		n = f.gaveBuffers
	}
	size := f.bufferBytes
	if size == 0 {
		size = int(f.pix.Width*f.pix.Height) * 2
	}
	f.owned = true
	f.buffers = make([][]byte, n)
	for i := range f.buffers {
		f.buffers[i] = make([]byte, size)
	}
	return n, nil
}

func (f *fakeNode) mapBuffer(i uint32) ([]byte, error) {
	defer f.lock("mmap").Unlock()
	if int(i) >= len(f.buffers) {
		return nil, syscall.EINVAL
	}
	f.mapped++
	return f.buffers[i], nil
}

func (f *fakeNode) unmapBuffer([]byte) error {
	defer f.lock("munmap").Unlock()
	f.mapped--
	return nil
}

func (f *fakeNode) queue(i uint32) error {
	defer f.lock("qbuf").Unlock()
	if int(i) >= len(f.buffers) || f.closed {
		return syscall.EINVAL
	}
	f.queued = append(f.queued, i)
	return nil
}

func (f *fakeNode) dequeue(b *filled) error {
	defer f.lock("dqbuf").Unlock()
	switch {
	case f.dequeueError != nil:
		return f.dequeueError
	case !f.streaming:
		return syscall.EINVAL
	case len(f.done) == 0:
		return syscall.EAGAIN
	}
	*b = f.done[0]
	f.done = append(f.done[:0], f.done[1:]...)
	return nil
}

func (f *fakeNode) streamOn() error {
	defer f.lock("streamon").Unlock()
	if err := f.failStreamOn[codeString(f.pix.PixelFormat)]; err != nil {
		return err
	}
	f.streaming = true
	return nil
}

func (f *fakeNode) streamOff() error {
	defer f.lock("streamoff").Unlock()
	f.streaming, f.queued, f.done = false, nil, nil
	if f.dequeueError == syscall.ENODEV {
		return syscall.ENODEV
	}
	return nil
}

func (f *fakeNode) wait(timeout time.Duration) (ready, event bool, err error) {
	defer f.lock("poll").Unlock()
	if timeout >= 0 {
		t := time.AfterFunc(timeout, func() { f.mu.Lock(); f.woken = true; f.mu.Unlock(); f.cond.Broadcast() })
		defer t.Stop()
	}
	for !f.woken && len(f.done) == 0 && f.dequeueError == nil && !f.pollAlwaysErr && !f.event {
		f.cond.Wait()
	}
	ready = len(f.done) > 0 || f.dequeueError != nil || f.pollAlwaysErr
	f.woken = false
	return ready, f.event, nil
}

func (f *fakeNode) watchSource() error { return nil }

func (f *fakeNode) watchControl(id uint32) error {
	defer f.lock("subscribe").Unlock()
	if _, ok := f.values[id]; !ok {
		return syscall.EINVAL
	}
	f.watched = append(f.watched, id)
	return nil
}

func (f *fakeNode) takeEvents(e *events) {
	defer f.lock("dqevent").Unlock()
	e.source, e.controls = f.event && len(f.changes) == 0, append(e.room[:0], f.changes...)
	f.event, f.changes = false, f.changes[:0]
}

// adjust is somebody else who sets a control.
func (f *fakeNode) adjust(id uint32, value int64) {
	f.mu.Lock()
	f.values[id] = value
	if slices.Contains(f.watched, id) {
		f.changes, f.event = append(f.changes, controlChange{id, value}), true
	}
	f.mu.Unlock()
	f.cond.Broadcast()
}

func (f *fakeNode) selection(target uint32) (rect, error) {
	defer f.lock("g_selection").Unlock()
	switch {
	case f.sensor == rect{}:
		return rect{}, syscall.ENOTTY
	case target == cropDefaultTarget:
		return f.sensor, nil
	case f.fixedCrop:
		return rect{}, syscall.EINVAL
	}
	return f.crop, nil
}

func (f *fakeNode) setCrop(want rect) (rect, error) {
	defer f.lock("s_selection").Unlock()
	if f.sensor == (rect{}) || f.fixedCrop {
		return rect{}, syscall.ENOTTY
	}
	want.left, want.top, want.width, want.height = want.left&^3, want.top&^3, want.width&^3, want.height&^3
	f.crop = want
	return want, nil
}

func (f *fakeNode) exportBuffer(i uint32) (int, error) {
	defer f.lock("expbuf").Unlock()
	if f.noExport {
		return -1, syscall.ENOTTY
	}
	return syscall.Dup(0)
}

func (f *fakeNode) inputStatus() (uint32, error) {
	defer f.lock("enuminput").Unlock()
	return f.status, f.noStatus
}

// source changes the input's status, with the event that real drivers send.
func (f *fakeNode) source(status uint32, event bool) {
	f.mu.Lock()
	f.status, f.event = status, event
	f.mu.Unlock()
	f.cond.Broadcast()
}

func (f *fakeNode) wake() {
	f.mu.Lock()
	f.woken = true
	f.mu.Unlock()
	f.cond.Broadcast()
}

func (f *fakeNode) close() error {
	defer f.lock("close").Unlock()
	f.closed = true
	return nil
}

// frame is the device exposing a frame: it fills a queued buffer, or drops the
// frame if there is none.
func (f *fakeNode) frame(change func(*filled)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	seq := f.sequence
	f.sequence++
	if len(f.queued) == 0 || !f.streaming {
		return
	}
	i := f.queued[0]
	f.queued = append(f.queued[:0], f.queued[1:]...)
	b := &f.filling // change would let a local one escape
	*b = filled{
		index: i, bytesUsed: uint32(len(f.buffers[i])), sequence: seq,
		flags: uapi.BufFlagTimestampMonotonic, timestamp: time.Since(f.clock.start) + f.clock.monotonic,
	}
	f.buffers[i][0], f.buffers[i][1] = 0xff, 0xd8
	if change != nil {
		change(b)
	}
	f.done = append(f.done, *b)
	f.cond.Broadcast()
}

// unplug makes every call fail as the kernel does for a device that is gone.
func (f *fakeNode) unplug(err error) {
	f.mu.Lock()
	f.dequeueError = err
	f.mu.Unlock()
	f.cond.Broadcast()
}

func (f *fakeNode) queryControl(id uint32) (controlInfo, error) {
	next := id&nextControl != 0
	id &^= nextControl
	for _, c := range f.ctrls {
		if c.id == id && !next || c.id > id && next {
			return c, nil
		}
	}
	return controlInfo{}, syscall.EINVAL
}

func (f *fakeNode) menuItem(id, i uint32, _ bool) (string, error) {
	if m := f.menus[id]; int(i) < len(m) && m[i] != "" {
		return m[i], nil
	}
	return "", syscall.EINVAL
}

func (f *fakeNode) control(id uint32, wide bool) (int64, error) {
	defer f.lock("g_ctrl").Unlock()
	v, ok := f.values[id]
	if !ok {
		return 0, syscall.EINVAL
	}
	if !wide && bits.Len64(uint64(max(v, -v))) > 32 {
		return 0, syscall.EINVAL
	}
	return v, nil
}

func (f *fakeNode) setControl(id uint32, v int64, _ bool) error {
	defer f.lock("s_ctrl").Unlock()
	if f.noSet != nil {
		return f.noSet
	}
	f.values[id] = v
	return nil
}
