package rtsp

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/liberrors"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"github.com/edgecam/edgecam/engine/session"
)

// errTooSlow ends a reader whose network does not carry the stream.
var errTooSlow = errors.New("does not keep up: over TCP its network carries less than the stream")

// reading is one reader's session. The library calls play and end one after the
// other.
type reading struct {
	s       *Server
	grant   session.Grant
	session *gortsplib.ServerSession
	cancel  context.CancelCauseFunc // nil before play

	// Set by play:
	video, voice *description.Media // nil: not asked for
	videoSSRC    uint32
	voiceSSRC    uint32
}

// play starts the goroutine that hands packets to the session, once.
func (r *reading) play(remote string) error {
	if r.cancel != nil {
		return nil
	}
	s := r.s
	o := session.ReaderOptions{Grant: r.grant, VideoType: videoType, Voice: voiceFormat, KeyFrameEvery: s.o.KeyFrameEvery}
	set, stats := r.session.SetuppedMedias(), s.stream.Stats()
	ssrc := func(m *description.Media) uint32 {
		if slices.Contains(set, m) {
			return stats.Medias[m].Formats[m.Formats[0]].LocalSSRC
		}
		return 0
	}
	if r.videoSSRC = ssrc(s.video); r.videoSSRC != 0 {
		r.video = s.video
	}
	if s.voice != nil {
		if r.voiceSSRC = ssrc(s.voice); r.voiceSSRC != 0 {
			r.voice, o.VoiceType = s.voice, voiceType
		}
	}
	reader, err := s.sessions.OpenReader(o)
	if err != nil {
		return err
	}
	if r.video != nil {
		r.session.OnPacketRTCP(s.video, func(p rtcp.Packet) { r.report(reader, p) })
	}
	log := s.log.With("remote", remote, "subject", r.grant.Subject)
	log.Info("recorder joined", "transport", r.session.SetuppedTransport().String(), "sound", r.voice != nil)
	ctx, cancel := context.WithCancelCause(s.ctx)
	r.cancel = cancel
	began := time.Now()
	s.readers.Go(func() {
		err := reader.Run(ctx, r)
		cancel(err)
		log.Info("recorder left", "reason", err.Error(), "seconds", int(time.Since(began).Seconds()), "frames_dropped", reader.Dropped())
		r.session.Close()
	})
	return nil
}

func (r *reading) end(err error) {
	if r.cancel == nil {
		return
	}
	if err == nil {
		err = errors.New("closed by the reader")
	}
	r.cancel(err)
}

// WriteRTP implements session.ReaderSink: the packet is copied into the session's
// own queue, and nothing waits.
func (r *reading) WriteRTP(video bool, p *rtp.Packet) error {
	if m := r.media(video); m != nil {
		return written(r.session.WritePacketRTP(m, p))
	}
	return nil
}

// WriteReport implements session.ReaderSink. Reports travel with the source's name
// (RFC 3550 section 6.1).
func (r *reading) WriteReport(video bool, sr *rtcp.SenderReport) error {
	m := r.media(video)
	if m == nil {
		return nil
	}
	if sr.SSRC = r.voiceSSRC; video {
		sr.SSRC = r.videoSSRC
	}
	return written(r.session.WritePacketRTCP(m, &rtcp.CompoundPacket{sr, &rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{
		Source: sr.SSRC, Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: "edgecam"}},
	}}}}))
}

func (r *reading) media(video bool) *description.Media {
	if video {
		return r.video
	}
	return r.voice
}

func written(err error) error {
	var full liberrors.ErrServerWriteQueueFull
	if errors.As(err, &full) {
		return errTooSlow
	}
	return err
}

// report answers what a reader says of the picture. What it has lost cannot be
// sent again, so it gets a key frame.
func (r *reading) report(reader *session.Reader, p rtcp.Packet) {
	switch p := p.(type) {
	case *rtcp.ReceiverReport:
		for _, b := range p.Reports {
			if b.SSRC == r.videoSSRC && b.FractionLost > 0 {
				reader.KeyFrame()
			}
		}
	case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
		reader.KeyFrame()
	}
}
