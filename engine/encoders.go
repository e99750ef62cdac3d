package engine

import (
	"log/slog"
	"slices"

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
	running  []*codec.Encoder
	refused  []codec.Format // that could not be started, not to be tried each block
}

// send codes a block and sends the packets that it completes. speech says
// whether somebody speaks in it, levelDBov how loud it is.
func (v *voiceEncoders) send(b *media.Block, speech bool, levelDBov int) {
	v.wanted = v.sessions.VoiceFormats(v.wanted[:0])
	v.running = slices.DeleteFunc(v.running, func(e *codec.Encoder) bool {
		return !slices.Contains(v.wanted, e.Format())
	})
	for _, f := range v.wanted {
		e := v.encoder(f)
		if e == nil {
			continue
		}
		e.SetSpeech(speech)
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
	v.running = append(v.running, e)
	return e
}
