package enhance

import "time"

// DayNightConfig sets the decision between day and night.
type DayNightConfig struct {
	// NightBelow is the mean luma (16 to 235) that is dark by day; 0: 38.
	NightBelow float32
	// DayAbove is the luma of the picture's darker areas that is bright by
	// night; 0: 90. The camera's own infrared light must not reach it.
	DayAbove float32
	// NightAfter and DayAfter are how long it must be dark or bright before
	// the decision changes; 0: 5 s and 15 s.
	NightAfter, DayAfter time.Duration
}

func (c *DayNightConfig) defaults() {
	set := func(v *float32, d float32) {
		if *v == 0 {
			*v = d
		}
	}
	set(&c.NightBelow, 38)
	set(&c.DayAbove, 90)
	if c.NightAfter == 0 {
		c.NightAfter = 5 * time.Second
	}
	if c.DayAfter == 0 {
		c.DayAfter = 15 * time.Second
	}
}

// DayNight decides when a camera switches its infrared filter and light. By
// day the picture's mean decides, and the camera's gain where it is known. By night the camera's own light is in the
// picture: what it shows right after switching is the measure, and the darker
// areas must be well above it, so that neither the own light on a near face nor
// headlights that cross a part of the picture are taken for the morning. A
// return to day that proves wrong makes the next one slower.
type DayNight struct {
	cfg      DayNightConfig
	night    bool
	since    time.Time // of the last change
	dark     time.Time // darkness since; zero: it is not dark
	bright   time.Time
	baseline float32 // of the darker areas, by own light
	gain     float32 // the most that was in use by own light
	usual    float32 // mean of the darker areas while about that much was in use
	settled  bool    // the baseline is taken
	patience int     // doublings of DayAfter
}

// NewDayNight returns a decision that begins with day.
func NewDayNight(cfg DayNightConfig) *DayNight {
	cfg.defaults()
	return &DayNight{cfg: cfg}
}

const (
	// settleTime is what exposure takes after the filter has switched.
	settleTime = 3 * time.Second
	// A day shorter than dayLeast was a mistake.
	dayLeast     = time.Minute
	patienceMost = 6
	// brighter is how far above the own light's measure day must be.
	brighter = 1.6
)

// Light is what the decision is made from.
type Light struct {
	// Mean is the picture's mean luma, DarkAreas that of its darker areas (the
	// lower quartile of areas' means, see [Chain.DarkAreas]).
	Mean, DarkAreas float32
	// Gain is the part of its gain that the camera uses, 0 to 1, where GainKnown
	// is set: a camera that exposes by itself hides dusk in it.
	Gain      float32
	GainKnown bool
}

const (
	// A camera that amplifies all it can (gainFull) sees dusk already where the
	// mean is still dimmer times what is dark.
	gainFull = 0.9
	dimmer   = 1.6
	// By night it is day where the camera has halved a gain of at least
	// gainTelling for a picture that is no darker.
	gainTelling = 0.2
	asBright    = 0.9
	usualRate   = 1.0 / 64
	// gainSettle is what the camera's own exposure takes to get used to the
	// infrared light.
	gainSettle = 20 * time.Second
)

// Update takes what a picture says of the light and returns whether it is night.
func (d *DayNight) Update(l Light, at time.Time) (night bool) {
	if d.since.IsZero() {
		d.since = at
	}
	if d.night {
		d.byNight(l, at)
	} else {
		d.byDay(l, at)
	}
	return d.night
}

func (d *DayNight) byDay(l Light, at time.Time) {
	below := d.cfg.NightBelow
	if l.GainKnown && l.Gain >= gainFull {
		below *= dimmer
	}
	if l.Mean >= below {
		d.dark = time.Time{}
		if at.Sub(d.since) > 10*dayLeast {
			d.patience = 0
		}
		return
	}
	if d.dark.IsZero() {
		d.dark = at
	}
	if at.Sub(d.dark) < d.cfg.NightAfter {
		return
	}
	if at.Sub(d.since) < dayLeast && d.baseline > 0 {
		d.patience = min(d.patience+1, patienceMost)
	}
	d.change(true, at)
}

func (d *DayNight) byNight(l Light, at time.Time) {
	if at.Sub(d.since) < settleTime {
		return
	}
	if !d.settled {
		d.baseline, d.settled = min(l.DarkAreas, d.cfg.DayAbove), true
	}
	if at.Sub(d.since) < gainSettle {
		d.gain, d.usual = l.Gain, l.DarkAreas
	}
	// The own light's share can only shrink when somebody leaves.
	d.baseline = min(d.baseline, max(l.DarkAreas, 20))
	d.gain = max(d.gain, l.Gain)
	if l.Gain > d.gain*0.75 { // nothing shines into the camera
		d.usual += (l.DarkAreas - d.usual) * usualRate
	}
	bright := l.DarkAreas >= d.cfg.DayAbove && l.DarkAreas >= d.baseline*brighter
	if l.GainKnown && d.gain >= gainTelling {
		// Headlights and a near face make the camera amplify less, too, but then
		// the darker areas become darker.
		bright = bright || l.Gain <= d.gain/2 && l.DarkAreas >= d.usual*asBright && l.Mean >= dimmer*d.cfg.NightBelow
	}
	if !bright {
		d.bright = time.Time{}
		return
	}
	if d.bright.IsZero() {
		d.bright = at
	}
	if at.Sub(d.bright) >= d.cfg.DayAfter<<d.patience {
		d.change(false, at)
	}
}

func (d *DayNight) change(night bool, at time.Time) {
	d.night, d.since, d.settled = night, at, false
	d.dark, d.bright = time.Time{}, time.Time{}
}

// Night returns the present decision.
func (d *DayNight) Night() bool { return d.night }

// darkAreas returns the lower quartile of the grid's means.
func (s *scene) darkAreas() float32 {
	var means [gridRows * gridColumns]float32
	n := 0
	for y := range s.sum {
		for x := range s.sum[y] {
			k := s.count[y][x]
			if k == 0 {
				continue
			}
			v := float32(s.sum[y][x]) / float32(k)
			i := n
			for ; i > 0 && means[i-1] > v; i-- {
				means[i] = means[i-1]
			}
			means[i] = v
			n++
		}
	}
	return means[n/4]
}
