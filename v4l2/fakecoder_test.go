//go:build linux && cgo && (amd64 || arm64)

package v4l2

import (
	"encoding/binary"
	"slices"
	"sync"
	"syscall"
	"time"

	uapi "github.com/vladimirvivien/go4vl/v4l2"
)

// fakeCoder follows the kernel's rules for a stateful encoder: a coded frame is
// the number of the picture since the start, its first samples and the stamp
// handed through. Calls out of order get the kernel's error.
type fakeCoder struct {
	mu sync.Mutex

	caps     uint32
	raws     []string // formats that go in
	coded    []string
	align    int
	tight    bool // rows without padding
	lookMore int  // pictures that it holds back
	controls map[uint32]bool
	noShared bool
	memory   map[int][]byte // by descriptor
	damage   int            // the frame of that number is flagged, from 1
	mute     bool
	dead     error

	format   [2]planeFormat
	visible  [2]int
	interval uapi.Fract
	values   map[uint32]int64
	buffers  [2][][]byte
	queued   [2][]filled
	done     [2][]filled
	on       [2]bool
	stopping bool // drain
	drained  bool
	count    int
	key      bool
	mapped   int
	closed   bool
	woken    chan struct{}
	restarts int
}

func newFakeCoder() *fakeCoder {
	return &fakeCoder{
		caps: uapi.CapVideoMem2MemMPlane | uapi.CapStreaming, raws: []string{"YU12", "NV12"}, coded: []string{"H264", "XXXX"}, align: 16,
		controls: map[uint32]bool{controlBitrate: true, controlForceKey: true, controlKeyInterval: true}, values: map[uint32]int64{},
		woken: make(chan struct{}, 100),
	}
}

func (f *fakeCoder) capability() (uapi.Capability, error) {
	return uapi.Capability{Driver: "fake-codec", Card: "Fake", Capabilities: uapi.CapDeviceCapabilities, DeviceCapabilities: f.caps}, nil
}

func (f *fakeCoder) formatAt(side queueSide, i uint32) (uapi.FourCCType, error) {
	list := f.raws
	if side == codedSide {
		list = f.coded
	}
	if int(i) >= len(list) {
		return 0, syscall.EINVAL
	}
	return fourcc(list[i]), nil
}

func (f *fakeCoder) setFormatOf(side queueSide, want planeFormat) (planeFormat, error) {
	if f.buffers[side] != nil {
		return want, syscall.EBUSY
	}
	list := f.raws
	if side == codedSide {
		list = f.coded
	}
	if !slices.Contains(list, codeString(want.code)) {
		want.code = fourcc(list[0])
	}
	if side == rawSide {
		want.width, want.height = (want.width+f.align-1)/f.align*f.align, (want.height+f.align-1)/f.align*f.align
		switch {
		case want.strideBytes >= want.width && !f.noShared:
		case f.tight:
			want.strideBytes = want.width
		default:
			want.strideBytes = want.width + 32
		}
		want.bufferBytes = want.strideBytes * want.height * 3 / 2
	}
	f.format[side] = want
	return want, nil
}

func (f *fakeCoder) setRawInterval(want uapi.Fract) error { f.interval = want; return nil }
func (f *fakeCoder) setVisible(w, h int) error            { f.visible = [2]int{w, h}; return nil }

func (f *fakeCoder) request(side queueSide, n uint32) (uint32, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.buffers[side], f.queued[side], f.done[side] = nil, nil, nil
	for range n {
		f.buffers[side] = append(f.buffers[side], make([]byte, f.format[side].bufferBytes))
	}
	return n, nil
}

func (f *fakeCoder) requestShared(n uint32) (uint32, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.buffers[rawSide], f.queued[rawSide], f.done[rawSide] = make([][]byte, n), nil, nil
	return n, nil
}

func (f *fakeCoder) queueShared(i uint32, fd, used, bytes int, stamp time.Duration) error {
	f.mu.Lock()
	data, ok := f.memory[fd]
	if !ok || bytes != len(data) || int(i) >= len(f.buffers[rawSide]) {
		f.mu.Unlock()
		return syscall.EINVAL
	}
	f.buffers[rawSide][i] = data
	f.mu.Unlock()
	return f.queueTo(rawSide, i, used, stamp)
}

func (f *fakeCoder) mapBufferOf(side queueSide, i uint32) ([]byte, error) {
	f.mapped++
	return f.buffers[side][i], nil
}

func (f *fakeCoder) unmapBuffer([]byte) error { f.mapped--; return nil }

func (f *fakeCoder) queueTo(side queueSide, i uint32, used int, stamp time.Duration) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	same := func(b filled) bool { return b.index == i }
	if int(i) >= len(f.buffers[side]) || slices.ContainsFunc(f.queued[side], same) || slices.ContainsFunc(f.done[side], same) {
		return syscall.EINVAL
	}
	f.queued[side] = append(f.queued[side], filled{index: i, bytesUsed: uint32(used), timestamp: stamp})
	f.work()
	return nil
}

// work codes what can be coded now.
func (f *fakeCoder) work() {
	for f.on[rawSide] && f.on[codedSide] && !f.mute && len(f.queued[codedSide]) > 0 {
		hold := f.lookMore
		if f.stopping {
			hold = 0
		}
		if len(f.queued[rawSide]) <= hold {
			break
		}
		in, out := f.queued[rawSide][0], f.queued[codedSide][0]
		f.queued[rawSide], f.queued[codedSide] = f.queued[rawSide][1:], f.queued[codedSide][1:]
		f.count++
		out.flags, out.timestamp, out.bytesUsed = 0, in.timestamp, 8
		if f.key || f.count == 1 {
			out.flags |= flagKeyFrame
			f.key = false
		}
		if f.count == f.damage {
			out.flags |= uapi.BufFlagError
		}
		src, r := f.buffers[rawSide][in.index], f.format[rawSide]
		u := src[r.strideBytes*r.height:]
		v := u[1:]
		if r.code == fourcc("YU12") {
			v = u[r.strideBytes/2*(r.height/2):]
		}
		dst := f.buffers[codedSide][out.index]
		binary.BigEndian.PutUint32(dst, uint32(f.count))
		copy(dst[4:], []byte{src[0], src[r.strideBytes], u[0], v[0]})
		f.done[rawSide] = append(f.done[rawSide], in)
		f.done[codedSide] = append(f.done[codedSide], out)
	}
	if f.stopping && !f.drained && len(f.queued[rawSide]) == 0 && len(f.queued[codedSide]) > 0 {
		out := f.queued[codedSide][0]
		f.queued[codedSide] = f.queued[codedSide][1:]
		out.flags, out.bytesUsed = flagLast, 0
		f.done[codedSide] = append(f.done[codedSide], out)
		f.drained = true
	}
	f.wake()
}

func (f *fakeCoder) dequeueFrom(side queueSide, b *filled) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.dead != nil:
		return f.dead
	case !f.on[side]:
		return syscall.EINVAL
	case len(f.done[side]) == 0:
		return syscall.EAGAIN
	}
	*b, f.done[side] = f.done[side][0], f.done[side][1:]
	return nil
}

func (f *fakeCoder) streamOf(side queueSide, on bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !on {
		if f.on[side] {
			f.restarts++
		}
		f.queued[side], f.done[side], f.count = nil, nil, 0
	}
	f.on[side] = on
	f.work()
	return nil
}

func (f *fakeCoder) command(start bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stopping, f.drained = !start, false
	f.work()
	return nil
}

func (f *fakeCoder) setControl(id uint32, v int64, _ bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.controls[id] {
		return syscall.EINVAL
	}
	f.values[id] = v
	if id == controlForceKey {
		f.key = true
	}
	return nil
}

func (f *fakeCoder) waitFor(side queueSide, timeout time.Duration) error {
	f.mu.Lock()
	ready := len(f.done[side]) > 0
	f.mu.Unlock()
	if ready {
		return nil
	}
	select {
	case <-f.woken:
	case <-time.After(timeout):
	}
	return nil
}

func (f *fakeCoder) wake() {
	select {
	case f.woken <- struct{}{}:
	default:
	}
}

func (f *fakeCoder) close() error { f.closed = true; return nil }
