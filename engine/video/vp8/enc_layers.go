package vp8

// layerFrame is a frame's place in the temporal layers: what it may refer to
// and what it replaces.
type layerFrame struct {
	id                         uint8
	sync                       bool
	refreshLast, refreshGolden bool
	refreshAltRef              bool
	copyToGolden, copyToAltRef int
}

func (l *layerFrame) updatesAny() bool {
	return l.refreshLast || l.refreshGolden || l.refreshAltRef
}

// layerState walks through the pattern of 1 to 3 temporal layers. The base
// layer lives in LAST; with three layers the middle one lives in ALTREF. Golden
// belongs to the base layer.
type layerState struct {
	layers int
	at     int
}

func (s *layerState) reset(layers int) { *s = layerState{layers: layers} }

func (s *layerState) next(key bool) layerFrame {
	if key {
		s.at = 0
	}
	i := s.at
	s.at++
	switch s.layers {
	case 2:
		if i%2 == 1 {
			return layerFrame{id: 1, sync: true}
		}
	case 3:
		switch i % 4 {
		case 1:
			return layerFrame{id: 2, sync: true}
		case 2:
			return layerFrame{id: 1, sync: true, refreshAltRef: true}
		case 3:
			return layerFrame{id: 2}
		}
	}
	return layerFrame{refreshLast: true}
}

// encGoldenSeconds is the least time between renewals of the background.
const encGoldenSeconds = 3

// encManagedSeconds is how long golden is left to a caller that has stored a
// long-term reference.
const encManagedSeconds = 10

// renewGolden makes golden the last frame where that is a clean picture of the
// background: nearly everything has been still for a while. When somebody has
// stood before the camera and goes, what comes to light is still there.
func (e *Encoder) renewGolden(l *layerFrame) {
	e.sinceGold++
	e.managed = max(e.managed-1, 0)
	if e.keyFrame {
		e.sinceGold = 0
		return
	}
	if e.managed > 0 || e.base != refLast || !e.speed.golden || !l.refreshLast || l.refreshGolden ||
		float64(e.sinceGold) < encGoldenSeconds*e.rc.fps {
		return
	}
	settled := 0
	for i := range e.blocks {
		settled += b2i(e.blocks[i].still >= encSettled)
	}
	if settled*100 >= 95*len(e.blocks) {
		l.copyToGolden = encCopyLast
		e.sinceGold = 0
	}
}
