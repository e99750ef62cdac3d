package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/edgecam/edgecam/engine/station"
)

// doorWait bounds the wait for the node's answer about the door.
const doorWait = 5 * time.Second

// phone is the station as its user sees it: what is printed, and the keys.
type phone struct {
	a        *app
	o        *callFlags
	hangUp   func()
	answered chan error // of --open
	talk     bool

	mu      sync.Mutex
	station *station.Station
	ctx     context.Context
	restore func()
	told    bool // what the keys are
	work    sync.WaitGroup
}

// run is called with the station just before it calls.
func (p *phone) run(ctx context.Context, s *station.Station) {
	p.mu.Lock()
	p.station, p.ctx = s, ctx
	p.restore = keys(ctx, p.a.streams.In, p.key)
	p.mu.Unlock()
	if p.o.stats {
		p.work.Go(func() {
			tick := time.NewTicker(max(p.o.statsEvery, 100*time.Millisecond))
			defer tick.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
					p.stats()
				}
			}
		})
	}
}

// end prints the last statistics and gives the terminal back.
func (p *phone) end() {
	p.mu.Lock()
	restore := p.restore
	started := p.station != nil
	p.mu.Unlock()
	if restore != nil {
		restore()
	}
	p.hangUp()
	p.work.Wait()
	if p.o.stats && started {
		p.stats()
	}
}

func (p *phone) key(b byte) {
	p.mu.Lock()
	s, ctx := p.station, p.ctx
	p.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	switch b {
	case 'o':
		go p.open(ctx, s)
	case 't':
		s.SetTalking(!s.Talking())
		p.say(map[bool]string{true: "microphone on", false: "microphone off"}[s.Talking()])
	case 'a':
		s.SetTalking(true)
		p.say("answered")
	case 's':
		p.stats()
	case 'q':
		p.hangUp()
	default:
		if strings.IndexByte("0123456789*#", b) < 0 {
			p.say(phoneKeys)
			return
		}
		go func() {
			if err := s.PressKey(ctx, b); err != nil {
				p.say("key " + string(rune(b)) + " not sent: " + err.Error())
				return
			}
			p.say("key " + string(rune(b)))
		}()
	}
}

const phoneKeys = "keys: o opens the door, t switches the microphone, a answers, 0 to 9 * # are sent, s statistics, q hangs up"

// open opens the door and tells how it went.
func (p *phone) open(ctx context.Context, s *station.Station) {
	ctx, cancel := context.WithTimeout(ctx, doorWait)
	defer cancel()
	err := s.OpenDoor(ctx)
	if p.o.openDoor {
		select {
		case p.answered <- err:
		default:
		}
		defer p.hangUp()
	}
	if err != nil {
		p.say(err.Error())
		return
	}
	p.say("the door is open")
}

// event prints what happened and does what the flags ask for.
func (p *phone) event(e station.Event) {
	p.mu.Lock()
	s, ctx := p.station, p.ctx
	p.mu.Unlock()
	switch {
	case s == nil:
	case e.Type == "ring" && p.o.autoAnswer:
		s.SetTalking(true)
	case e.State != nil && e.State.You != "" && p.o.openDoor:
		// The first state says that the data channel is open.
		go p.open(ctx, s)
	}
	if p.o.asJSON {
		p.print(e)
		return
	}
	switch e.Type {
	case "connected":
		p.connected(s, e.Text)
	case "failed":
		if p.o.once {
			return // it is what the command ends with
		}
		p.say("failed: " + e.Text)
		if hint := explain(e.Err); hint != "" {
			p.say(hint)
		}
	case "waiting":
		p.say(e.Text)
	case "ring":
		p.say("the bell rings" + map[bool]string{true: "", false: "; a answers"}[s != nil && s.Talking()])
	case "motion":
		p.say("somebody moves at the door")
	case "state":
	default:
		text := e.Type
		if e.Text != "" {
			text += ": " + e.Text
		}
		p.say(text)
	}
}

// connected tells how the call stands, and the first time what one can do.
func (p *phone) connected(s *station.Station, path string) {
	text := "connected (" + path + ")"
	if s != nil {
		if voice := s.Stats().Call.Voice; voice != "" {
			text += ", voice in " + voice
		}
		if p.talk {
			text += map[bool]string{true: ", microphone on", false: ", microphone off"}[s.Talking()]
		}
	}
	p.say(text)
	p.mu.Lock()
	first := !p.told
	p.told = true
	p.mu.Unlock()
	if f, ok := p.a.streams.In.(*os.File); first && ok && IsTerminal(f) {
		p.say(phoneKeys)
	}
}

func (p *phone) say(text string) {
	if p.o.asJSON {
		p.print(struct {
			Type string    `json:"event"`
			At   time.Time `json:"at"`
			Text string    `json:"text"`
		}{"note", time.Now(), text})
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.a.streams.Out, "%s  %s\n", time.Now().Format("15:04:05"), text)
}

// print writes one line of JSON.
func (p *phone) print(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		return // only own types come here
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.a.streams.Out, "%s\n", b)
}

func (p *phone) stats() {
	p.mu.Lock()
	s := p.station
	p.mu.Unlock()
	st := s.Stats()
	if p.o.asJSON {
		p.print(struct {
			Type  string        `json:"event"`
			At    time.Time     `json:"at"`
			Stats station.Stats `json:"stats"`
		}{"stats", time.Now(), st})
		return
	}
	v := &st.Video
	p.say(fmt.Sprintf("%s %s, %s, RTT %v; picture %dx%d, %d decoded, %d dropped, %d freezes (%v), delay %v, %d NACK, %d PLI; sound %s, %d packets, sent %d",
		st.Duration.Round(time.Second), st.Call.State, st.Call.Path, st.Call.RTT.Round(100*time.Microsecond),
		v.FrameWidth, v.FrameHeight, v.FramesDecoded, v.FramesDropped, v.FreezeCount, v.TotalFreezesDuration.Round(time.Millisecond),
		v.Delay.Round(time.Millisecond), v.NACKCount, v.PLICount, st.Call.Voice, st.Voice.PacketsReceived, st.Call.VoicePacketsSent))
}
