package engine

import (
	"log/slog"
	"slices"
	"sync"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/engine/session/codec"
)

// voiceEncoders code the microphone once per format that somebody listens to,
// and for nobody else. The zero value with its first fields is ready.
type voiceEncoders struct {
	sessions *session.Manager
	opusBps  int
	log      *slog.Logger
	wanted   []codec.Format
	mu       sync.Mutex       // guards running against received
	running  []*codec.Encoder // changed by the microphone's goroutine alone
	refused  []codec.Format   // that could not be started, not to be tried each block
}

// send codes a block and sends the packets that it completes. speech says
// whether somebody speaks in it, levelDBov how loud it is.
func (v *voiceEncoders) send(b *media.Block, speech bool, levelDBov int) {
	v.wanted = v.sessions.VoiceFormats(v.wanted[:0])
	v.mu.Lock()
	v.running = slices.DeleteFunc(v.running, func(e *codec.Encoder) bool {
		return !slices.Contains(v.wanted, e.Format())
	})
	v.mu.Unlock()
	for _, f := range v.wanted {
		e := v.encoder(f)
		if e == nil {
			continue
		}
		e.SetSpeech(speech)
		if err := e.SetLoss(v.sessions.VoiceLoss(f)); err != nil {
			v.log.Debug("voice encoder keeps its expected loss", "codec", f.String(), "error", err)
		}
		packet, ok, err := e.Encode(b)
		if err != nil {
			// One frame is lost; the next one is another matter.
			v.log.Debug("voice block not encoded", "codec", f.String(), "error", err)
			continue
		}
		if ok {
			packet.Speech, packet.LevelDBov = speech, levelDBov
			v.sessions.WriteAudio(f, &packet)
		}
	}
}

func (v *voiceEncoders) encoder(f codec.Format) *codec.Encoder {
	for _, e := range v.running {
		if e.Format() == f {
			return e
		}
	}
	if slices.Contains(v.refused, f) {
		return nil
	}
	e, err := codec.NewEncoder(f, v.opusBps)
	if err != nil {
		v.refused = append(v.refused, f)
		v.log.Error("voice encoder cannot start", "codec", f.String(), "error", err)
		return nil
	}
	v.mu.Lock()
	v.running = append(v.running, e)
	v.mu.Unlock()
	return e
}

// received tells the encoder of a format that is one viewer's own of a packet of
// that viewer.
func (v *voiceEncoders) received(p *session.TalkPacket) {
	if p.Format.Peer == 0 || p.PayloadType != p.Types.Voice {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, e := range v.running {
		if e.Format() == p.Format {
			e.Received(p.Payload, p.SequenceNumber, p.Timestamp, p.ArrivedAt)
		}
	}
}
