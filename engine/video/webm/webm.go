// Package webm writes recordings: VP8 video and Opus voice in a WebM file
// (RFC 9559, the WebM container guidelines), with cues, so that players can
// seek.
//
// Clusters begin at key frames and are written whole: after a power cut
// everything up to the last cluster can be played; a closed file has its length
// and cues besides.
package webm

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// ErrWriter is wrapped by the errors of this package.
var ErrWriter = errors.New("webm")

const (
	videoTrack, audioTrack = 1, 2
	// A cluster ends at a key frame, after clusterTime, or with clusterBytes.
	clusterTime  = 5 * time.Second
	clusterBytes = 4 << 20
	// blockTime is how far a block may be from its cluster's time: 16 bits of ms.
	blockTime = 32 * time.Second
	// seekRoom is kept for the seek head: three entries of 21 bytes at most.
	seekRoom = 80
	// cueGap is the least distance between two cues.
	cueGap = time.Second
	// opusPreSkip is what Opus decoders discard at the start, in samples.
	opusPreSkip = 312
	app         = "edgecam"
)

// Options describe a recording.
type Options struct {
	// Audio says that there will be sound: Opus, mono, 48 kHz.
	Audio bool
	// NoVideo leaves the picture out.
	NoVideo bool
}

// Writer writes a recording. It is for one goroutine.
type Writer struct {
	w       io.WriteSeeker
	opts    Options
	started bool
	err     error
	pos     int64 // in the file

	segment, seekHead, duration, info, tracks int64 // positions

	cluster   []byte // blocks of the open cluster
	open      bool
	clusterAt time.Duration
	clusterOf bool // its first block is a key frame
	cues      []cue
	last      [3]time.Duration // newest block by track
	any       [3]bool
	end       time.Duration
	head      []byte // for small elements
}

type cue struct {
	at  time.Duration
	pos int64 // of the cluster, in the segment
}

// NewWriter returns a writer. Nothing is written before the first key frame
// (with NoVideo, the first packet).
func NewWriter(w io.WriteSeeker, o Options) *Writer {
	return &Writer{w: w, opts: o}
}

// WriteVideo adds a VP8 frame, which it copies, to be shown at the time at since
// the start. Frames before the first key frame are left out. Times may not go
// back; one that does is put right after the one before.
func (w *Writer) WriteVideo(data []byte, at time.Duration) error {
	if w.opts.NoVideo || len(data) == 0 {
		return w.err
	}
	key := data[0]&1 == 0
	if !w.started {
		if !key {
			return w.err
		}
		width, height, ok := keySize(data)
		if !ok {
			return w.fail(errors.New("the first frame is not a VP8 key frame"))
		}
		if err := w.start(width, height); err != nil {
			return err
		}
	}
	at = w.order(videoTrack, at)
	if !w.open || key && at-w.clusterAt >= cueGap || w.full(at) {
		w.begin(at, key)
	}
	return w.block(videoTrack, data, at, key)
}

// WriteAudio adds an Opus packet, which it copies. Packets before the first key
// frame are left out.
func (w *Writer) WriteAudio(packet []byte, at time.Duration) error {
	if !w.opts.Audio || len(packet) == 0 {
		return w.err
	}
	if !w.started {
		if !w.opts.NoVideo {
			return w.err
		}
		if err := w.start(0, 0); err != nil {
			return err
		}
	}
	at = w.order(audioTrack, at)
	if !w.open || w.full(at) {
		w.begin(at, w.opts.NoVideo)
	}
	return w.block(audioTrack, packet, at, true)
}

// full reports whether the open cluster has enough.
func (w *Writer) full(at time.Duration) bool {
	return len(w.cluster) >= clusterBytes || at-w.clusterAt >= clusterTime
}

// order keeps a track's times from going back.
func (w *Writer) order(track int, at time.Duration) time.Duration {
	at = max(at, 0).Truncate(time.Millisecond)
	if w.any[track] && at <= w.last[track] {
		at = w.last[track] + time.Millisecond
	}
	// A block may lie before its cluster, but not far.
	if w.open && at < w.clusterAt-blockTime {
		at = w.clusterAt
	}
	w.any[track], w.last[track] = true, at
	w.end = max(w.end, at)
	return at
}

// keySize reads the size of a key frame (RFC 6386 section 9.1).
func keySize(data []byte) (width, height int, ok bool) {
	if len(data) < 10 || data[3] != 0x9d || data[4] != 0x01 || data[5] != 0x2a {
		return 0, 0, false
	}
	width = int(data[6]) | int(data[7]&0x3f)<<8
	height = int(data[8]) | int(data[9]&0x3f)<<8
	return width, height, width > 0 && height > 0
}

// start writes everything before the first cluster.
func (w *Writer) start(width, height int) error {
	w.started = true
	var b, body []byte
	body = appendUint(body, idVersion, 1)
	body = appendUint(body, idReadVersion, 1)
	body = appendUint(body, idMaxIDLength, 4)
	body = appendUint(body, idMaxSizeLength, 8)
	body = appendString(body, idDocType, "webm")
	body = appendUint(body, idDocVersion, 4)
	body = appendUint(body, idDocRead, 2)
	b = appendBytes(b, idEBML, body)
	// The size of the segment is not known yet: all ones.
	b = append(appendID(b, idSegment), 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	w.segment = int64(len(b))
	w.seekHead = w.segment
	b = appendBytes(b, idVoid, make([]byte, seekRoom-2))
	w.info = int64(len(b))
	body = appendUint(body[:0], idScale, 1_000_000)
	body = appendString(body, idMuxingApp, app)
	body = appendString(body, idWritingApp, app)
	body = appendFloat(body, idDuration, 0)
	b = appendBytes(b, idInfo, body)
	w.duration = int64(len(b)) - 8
	w.tracks = int64(len(b))
	var entries []byte
	if !w.opts.NoVideo {
		var pixels []byte
		pixels = appendUint(pixels, idPixelWidth, uint64(width))
		pixels = appendUint(pixels, idPixelHeight, uint64(height))
		entries = appendBytes(entries, idTrackEntry, appendBytes(track(videoTrack, 1, "V_VP8"), idVideo, pixels))
	}
	if w.opts.Audio {
		// The identification header of RFC 7845 section 5.1.
		private := append([]byte("OpusHead"), 1, 1, opusPreSkip&0xff, opusPreSkip>>8, 0x80, 0xbb, 0, 0, 0, 0, 0)
		t := appendBytes(track(audioTrack, 2, "A_OPUS"), idCodecPrivate, private)
		t = appendUint(t, idCodecDelay, opusPreSkip*1_000_000_000/48000)
		t = appendUint(t, idSeekPreRoll, 80_000_000)
		sound := appendFloat(nil, idSamplingRate, 48000)
		t = appendBytes(t, idAudio, appendUint(sound, idChannels, 1))
		entries = appendBytes(entries, idTrackEntry, t)
	}
	b = appendBytes(b, idTracks, entries)
	return w.write(b)
}

func track(number, kind uint64, codec string) []byte {
	b := appendUint(nil, idTrackNumber, number)
	b = appendUint(b, idTrackUID, number)
	b = appendUint(b, idTrackType, kind)
	b = appendUint(b, idFlagLacing, 0)
	return appendString(b, idCodecID, codec)
}

// begin closes the open cluster and opens the next one.
func (w *Writer) begin(at time.Duration, key bool) {
	w.flush()
	w.open, w.clusterAt, w.clusterOf = true, at, key
}

// block adds a SimpleBlock (RFC 9559 section 10.2).
func (w *Writer) block(track int, data []byte, at time.Duration, key bool) error {
	ms := int16((at - w.clusterAt) / time.Millisecond)
	flags := byte(0)
	if key {
		flags = 0x80
	}
	w.cluster = appendSize(appendID(w.cluster, idBlock), uint64(len(data)+4))
	w.cluster = append(w.cluster, 0x80|byte(track), byte(uint16(ms)>>8), byte(ms), flags)
	w.cluster = append(w.cluster, data...)
	return w.err
}

// flush writes the open cluster.
func (w *Writer) flush() {
	if !w.open || w.err != nil {
		return
	}
	if w.clusterOf && (len(w.cues) == 0 || w.clusterAt-w.cues[len(w.cues)-1].at >= cueGap) {
		w.cues = append(w.cues, cue{w.clusterAt, w.pos - w.segment})
	}
	stamp := appendUint(nil, idTimestamp, uint64(w.clusterAt/time.Millisecond))
	w.head = appendSize(appendID(w.head[:0], idCluster), uint64(len(stamp)+len(w.cluster)))
	w.head = append(w.head, stamp...)
	if w.write(w.head) == nil {
		_ = w.write(w.cluster) // kept in w.err
	}
	w.cluster, w.open = w.cluster[:0], false
}

func (w *Writer) write(b []byte) error {
	if w.err != nil {
		return w.err
	}
	n, err := w.w.Write(b)
	w.pos += int64(n)
	if err != nil {
		return w.fail(err)
	}
	return nil
}

func (w *Writer) fail(err error) error {
	if w.err == nil {
		w.err = fmt.Errorf("%w: %w", ErrWriter, err)
	}
	return w.err
}

// Bytes is how much has been written.
func (w *Writer) Bytes() int64 { return w.pos }

// Close writes what is left, the cues and the length. It does not close the
// file. A recording without a single frame leaves it empty.
func (w *Writer) Close() error {
	w.flush()
	if !w.started || w.err != nil {
		return w.err
	}
	cues := w.pos
	var body []byte
	for _, c := range w.cues {
		number := uint64(videoTrack)
		if w.opts.NoVideo {
			number = audioTrack
		}
		p := appendUint(nil, idCueTrack, number)
		p = appendUint(p, idCueCluster, uint64(c.pos))
		point := appendUint(nil, idCueTime, uint64(c.at/time.Millisecond))
		body = appendBytes(body, idCuePoint, appendBytes(point, idCuePositions, p))
	}
	if len(body) > 0 {
		if err := w.write(appendBytes(nil, idCues, body)); err != nil {
			return err
		}
	}
	end := w.pos
	seek := func(id uint32, pos int64) []byte {
		b := appendBytes(nil, idSeekID, appendID(nil, id))
		return appendBytes(nil, idSeek, appendUint(b, idSeekPosition, uint64(pos-w.segment)))
	}
	body = append(seek(idInfo, w.info), seek(idTracks, w.tracks)...)
	if len(w.cues) > 0 {
		body = append(body, seek(idCues, cues)...)
	}
	head := appendBytes(nil, idSeekHead, body)
	head = appendBytes(head, idVoid, make([]byte, seekRoom-len(head)-2))
	w.patch(w.seekHead, head)
	w.patch(w.duration, appendFloat(nil, idDuration, float64(w.end/time.Millisecond))[3:])
	w.patch(w.segment-8, appendSize8(nil, uint64(end-w.segment)))
	if _, err := w.w.Seek(end, io.SeekStart); err != nil {
		return w.fail(err)
	}
	return w.err
}

func (w *Writer) patch(at int64, b []byte) {
	if w.err != nil {
		return
	}
	if _, err := w.w.Seek(at, io.SeekStart); err != nil {
		_ = w.fail(err)
		return
	}
	if _, err := w.w.Write(b); err != nil {
		_ = w.fail(err)
	}
}
