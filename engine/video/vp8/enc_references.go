package vp8

import "github.com/edgecam/edgecam/engine/media"

// ReferenceManager decides which frames become long-term references and from
// which one a loss is mended, so that a receiver that missed frames needs no key
// frame. It does no input or output and has no clock: the session tells it what
// was sent and what it learns from the receiver, and asks it for the options of
// each frame:
//
//	opt := refs.Options()
//	f, err := enc.Encode(pic, opt)
//	refs.Sent(id, f, enc.LastFrame())
//
// What the session learns may come late, in any order, and not at all:
// transport-wide congestion control or receiver reports tell Arrived and Lost,
// RPSI (RFC 4585, 6.3.3) tells Decoded, and PLI (6.3.1) tells PictureLost. One of
// the two slots, golden and altref, always holds the newest frame the receiver
// is known to have; the other takes the next candidate, until that is known to
// have arrived.
//
// A receiver must know that it can decode the mending frame: the frame
// dependencies that Sent was told can be signalled with it. One that waits for a
// key frame all the same sends further PLIs, and gets it.
//
// One goroutine owns a ReferenceManager.
type ReferenceManager struct {
	// frames is a ring by frame number.
	frames [refHistory]sentFrame
	slots  [2]sentFrame // golden, altref
	filled bool         // slots hold something
	single bool         // golden alone
	head   sentFrame    // what LAST holds
	newest uint64
	// mend asks for a frame that mends a loss, key for a key frame.
	mend, key bool
	// mending is the last frame that mended; deaf counts PLIs that came with such
	// a frame decoded and nothing known to be lost since.
	mending uint64
	deaf    int
	stats   ReferenceStats
}

// ReferenceStats counts since the manager was made.
type ReferenceStats struct {
	// Stored are frames put into a slot, Mended frames that build on a slot
	// because something was lost, KeyFrames requests for a key frame.
	Stored, Mended, KeyFrames int
}

// refHistory is how many frames may be under way: two seconds at 120 frames per
// second. What is reported about older ones is not heard.
const refHistory = 256

// refPatience is how many frames a candidate may go unreported before another
// takes its place.
const refPatience = 120

// refAnswer is how many frames a mending frame may go unreported before a PLI
// brings a key frame.
const refAnswer = 30

// refDeaf is how many PLIs behind a decoded mending frame bring a key frame. One
// may have crossed the frame on its way.
const refDeaf = 2

// sentFrame is what is known of a frame.
type sentFrame struct {
	id, base uint64
	key      bool
	fate     frameFate
}

// frameFate is what became of a frame at the receiver.
type frameFate uint8

const (
	fateUnknown frameFate = iota
	// fateArrived: it is there, but what it builds on is not known to be.
	fateArrived
	// fateDecoded: the receiver has it and all that it builds on.
	fateDecoded
	// fateBroken: it was lost, or something was that it builds on.
	fateBroken
)

// NewReferenceManager returns a manager for an encoder with the given number of
// temporal layers: three leave golden alone as a slot.
func NewReferenceManager(temporalLayers int) *ReferenceManager {
	return &ReferenceManager{single: temporalLayers == 3}
}

// Stats returns what was counted so far.
func (m *ReferenceManager) Stats() ReferenceStats { return m.stats }

// Options returns what the next frame has to be. Options a caller adds must not
// contradict: ForceKey may be set at any time.
func (m *ReferenceManager) Options() FrameOptions {
	switch {
	case m.key:
		return FrameOptions{ForceKey: true}
	case !m.filled:
		return FrameOptions{}
	case m.mend || m.head.fate == fateBroken:
		safe, ok := m.safe()
		if !ok {
			return FrameOptions{ForceKey: true}
		}
		return FrameOptions{PredictFrom: safe, Store: m.other(safe)}
	}
	return FrameOptions{Store: m.candidate()}
}

// Awaited returns the frame in a slot that the receiver is not known to have yet,
// if there is one: what is learnt of it is to be told by Decoded or Lost.
func (m *ReferenceManager) Awaited() (id uint64, ok bool) {
	for i := range m.slots {
		if s := &m.slots[i]; m.filled && s.fate < fateDecoded && s.id >= id {
			id, ok = s.id, true
		}
	}
	return id, ok
}

// Held returns the number of the frame that a slot holds.
func (m *ReferenceManager) Held(r Reference) uint64 {
	if r < ReferenceGolden || r > ReferenceAltRef {
		return 0
	}
	return m.slots[r-1].id
}

// Mend has the next frame build on the newest reference that the receiver is
// known to have, and returns the number of that frame; not if there is none,
// or none among the last reach numbers. A caller that uses it in place of Lost
// and PictureLost decides on its own when a key frame is needed.
func (m *ReferenceManager) Mend(reach uint64) (id uint64, ok bool) {
	r, ok := m.safe()
	if !ok || m.slots[r-1].fate != fateDecoded || m.newest-m.slots[r-1].id > reach {
		return 0, false
	}
	m.mend = true
	return m.slots[r-1].id, true
}

// safe is the slot to build on: the newest that the receiver is known to have,
// else the newest it may have.
func (m *ReferenceManager) safe() (Reference, bool) {
	best, found := ReferenceNone, false
	for i := range m.slots {
		s := &m.slots[i]
		if s.fate == fateBroken || m.single && i > 0 {
			continue
		}
		if !found || s.better(&m.slots[best-1]) {
			best, found = Reference(i+1), true
		}
	}
	return best, found
}

// better reports whether a slot that holds s is the one to build on rather than
// one that holds o.
func (s *sentFrame) better(o *sentFrame) bool {
	if (s.fate == fateDecoded) != (o.fate == fateDecoded) {
		return s.fate == fateDecoded
	}
	return s.id > o.id
}

func (m *ReferenceManager) other(r Reference) Reference {
	if m.single {
		return ReferenceNone
	}
	return ReferenceGolden + ReferenceAltRef - r
}

// candidate is the slot that the next frame goes to, if any.
func (m *ReferenceManager) candidate() Reference {
	if m.single {
		// While a candidate is under way there is nothing else to build on:
		// that must be rare.
		s := &m.slots[0]
		if age := m.newest - s.id; s.fate != fateDecoded && age < refPatience || age < refPatience/4 {
			return ReferenceNone
		}
		return ReferenceGolden
	}
	safe, ok := m.safe()
	if !ok {
		return ReferenceNone
	}
	r := m.other(safe)
	s, old := &m.slots[r-1], &m.slots[safe-1]
	waiting := s.fate < fateDecoded && m.newest-s.id < refPatience
	if waiting && s.id != old.id {
		return ReferenceNone
	}
	return r
}

// Sent takes note of a frame that was sent: id is its number, which must
// increase; f and info are what Encode and LastFrame returned. Frames that were
// dropped need not be told.
func (m *ReferenceManager) Sent(id uint64, f media.EncodedVideo, info EncodeInfo) {
	if info.Dropped {
		return
	}
	m.newest = id
	s := sentFrame{id: id, base: m.head.id, key: f.Key}
	switch {
	case f.Key:
		m.slots = [2]sentFrame{s, s}
		m.filled = true
		m.stats.KeyFrames++
		m.mending, m.deaf = 0, 0
		m.mend, m.key = false, false
	case info.PredictedFrom != ReferenceNone:
		from := m.slots[info.PredictedFrom-1]
		s.base = from.id
		if s.fate = fateUnknown; from.fate == fateBroken {
			s.fate = fateBroken
		}
		if !m.single {
			// The encoder leaves no reference that the receiver may lack.
			if o := &m.slots[m.other(info.PredictedFrom)-1]; o.id > from.id {
				*o = from
			}
		}
		m.stats.Mended++
		m.mending = id
		m.mend = false
	case m.head.fate == fateBroken:
		s.fate = fateBroken
	}
	if info.Renewed {
		// What is there now nobody can build on who has not seen all.
		m.slots[0] = sentFrame{id: id, fate: fateBroken}
	}
	if info.Stored != ReferenceNone {
		m.slots[info.Stored-1] = s
		m.stats.Stored++
	}
	m.frames[id%refHistory] = s
	if f.TemporalID == 0 {
		m.head = s
	}
}

// Arrived says that the whole of a frame has arrived.
func (m *ReferenceManager) Arrived(id uint64) { m.report(id, fateArrived) }

// Decoded says that the receiver has decoded a frame.
func (m *ReferenceManager) Decoded(id uint64) { m.report(id, fateDecoded) }

// Lost says that a frame, or a part of it, has not arrived and will not.
func (m *ReferenceManager) Lost(id uint64) {
	m.report(id, fateBroken)
	m.deaf = 0
}

// PictureLost says that the receiver cannot go on, whatever it misses.
func (m *ReferenceManager) PictureLost() {
	if !m.filled {
		m.key = true
		return
	}
	if m.mending != 0 {
		s := &m.frames[m.mending%refHistory]
		if s.id == m.mending {
			switch s.fate {
			case fateUnknown, fateArrived:
				// Help is under way, or has failed unseen.
				m.key = m.newest-s.id >= refAnswer
				return
			case fateDecoded:
				if m.deaf++; m.deaf >= refDeaf {
					m.key = true
					return
				}
			}
		}
	}
	m.mend = true
}

// report enters what became of a frame, and what follows for those that build
// on it.
func (m *ReferenceManager) report(id uint64, fate frameFate) {
	s := &m.frames[id%refHistory]
	if !m.filled || s.id != id || s.fate >= fateDecoded && fate != fateDecoded {
		return
	}
	if fate == fateArrived {
		fate = m.arrivedFate(s)
	}
	if s.fate == fate {
		return
	}
	m.settle(s, fate)
	if fate == fateArrived {
		return
	}
	// Frames are in the ring in the order they were sent, and build on earlier
	// ones.
	for n := max(id, m.newest-min(m.newest, refHistory)) + 1; n <= m.newest; n++ {
		f := &m.frames[n%refHistory]
		if f.id != n || f.key || f.fate >= fateDecoded {
			continue
		}
		switch b := &m.frames[f.base%refHistory]; {
		case b.id != f.base:
		case b.fate == fateBroken:
			m.settle(f, fateBroken)
		case b.fate == fateDecoded && f.fate == fateArrived:
			m.settle(f, fateDecoded)
		}
	}
}

// arrivedFate is what becomes of a frame that has arrived.
func (m *ReferenceManager) arrivedFate(s *sentFrame) frameFate {
	if s.key {
		return fateDecoded
	}
	for _, f := range [...]*sentFrame{&m.frames[s.base%refHistory], &m.slots[0], &m.slots[1]} {
		if f.id == s.base && f.fate >= fateDecoded {
			return f.fate
		}
	}
	return fateArrived
}

func (m *ReferenceManager) settle(s *sentFrame, fate frameFate) {
	s.fate = fate
	for _, f := range [...]*sentFrame{&m.slots[0], &m.slots[1], &m.head} {
		if f.id == s.id {
			f.fate = fate
		}
	}
}
