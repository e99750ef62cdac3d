package node

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine"
	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/station"
	"github.com/edgecam/edgecam/engine/voice"
	"github.com/edgecam/edgecam/hal"
	"github.com/edgecam/edgecam/hal/sim"
)

// voiceMic is a microphone that hears syllables of buzz and noise, paced by the
// system's clock.
type voiceMic struct {
	toneMic
	voice *caller
}

func (m *voiceMic) Read(ctx context.Context, b *media.Block) error {
	if err := m.toneMic.Read(ctx, b); err != nil {
		return err
	}
	m.voice.block(b)
	return nil
}

// stationEcho calls from a station whose speaker and microphone are in one room,
// and returns what of the node's voice comes back to the node, then how loud
// somebody at the station is heard there.
func stationEcho(t *testing.T, front *voice.FrontEnd) (echoDB, nearDB float64) {
	t.Helper()
	b := start(t, func(cfg *engine.Config, b *bench) {
		cfg.Voice.FrontEnd = voice.Config{RateHz: 48000} // the node hears its microphone as it is
		b.devices = func(d *engine.Devices) {
			d.Microphone = func(context.Context) (hal.Microphone, error) { return &voiceMic{voice: newCaller(t)}, nil }
		}
	})
	room := sim.NewSoundDriver(sim.SoundOptions{
		EchoGainDB: -6, SpeakerBuffer: 200 * time.Millisecond, MuteVoice: true, ToneHz: nearHz, NoiseLevelDBFS: -70,
	})
	c := call(t, b.url, func(cfg *station.Config, d *station.Devices) {
		cfg.Dial.Call.Video, d.Display = false, nil
		cfg.FrontEnd = front
		d.Microphone = func(ctx context.Context) (hal.Microphone, error) { return room.OpenMicrophone(ctx, sim.CardID) }
		d.Speaker = func(ctx context.Context) (hal.Speaker, error) { return room.OpenSpeaker(ctx, sim.CardID) }
	})
	eventually(t, 20*time.Second, "the node is heard at the station", func() bool { return room.PlayedLevel(300*time.Millisecond) > -40 })
	eventually(t, 20*time.Second, "the station's speaker is open at the node", func() bool { return len(b.engine.TalkerStats()) > 0 })
	time.Sleep(4 * time.Second)
	for range 3 {
		lost := room.Underruns() + room.Overruns()
		time.Sleep(3 * time.Second)
		echoDB = b.sound.PlayedLevel(3 * time.Second)
		if lost == room.Underruns()+room.Overruns() {
			break
		}
	}
	room.SetVoice(true)
	// Bursts of the tone come every 0.6 s; its level is that of their middle.
	nearDB = -100
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		nearDB = max(nearDB, b.sound.PlayedTone(nearHz, 100*time.Millisecond))
	}
	if s := c.Stats(); (s.FrontEnd != nil) != (front != nil) {
		t.Errorf("statistics of the front end: %+v", s.FrontEnd)
	} else if front != nil {
		t.Logf("echo %+v, far end %+v", s.FrontEnd.Echo, s.FrontEnd.FarEnd)
	}
	t.Logf("underruns %d, overruns %d", room.Underruns(), room.Overruns())
	t.Logf("front end %v: the node's voice comes back with %.1f dBFS, near tone %.1f dBFS", front != nil, echoDB, nearDB)
	return echoDB, nearDB
}

// TestStationDoesNotEcho: with speaker and microphone in one box, the station
// sends who is there, and not what it plays.
func TestStationDoesNotEcho(t *testing.T) {
	if testing.Short() {
		t.Skip("talks for half a minute")
	}
	cfg := voice.Defaults()
	cfg.GainControl = false
	front, err := voice.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var echo, near, back, heard float64
	t.Run("without cancellation", func(t *testing.T) { echo, near = stationEcho(t, nil) })
	t.Run("with cancellation", func(t *testing.T) { back, heard = stationEcho(t, front) })
	t.Logf("the echo is %.1f dB down, the near tone %.1f dB", echo-back, near-heard)
	if echo < -45 {
		t.Errorf("there was no echo to cancel: %.1f dBFS", echo)
	}
	if echo-back < 18 {
		t.Errorf("the node's voice comes back only %.1f dB down", echo-back)
	}
	if math.IsInf(heard, 0) || near-heard > 6 {
		t.Errorf("who is at the station is %.1f dB down", near-heard)
	}
}
