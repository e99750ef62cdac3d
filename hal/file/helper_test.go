package file

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
)

func write(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// y4mClip makes frames of 64x32 whose bytes are the frame's number.
func y4mClip(frames, fps int) []byte {
	b := bytes.NewBufferString(fmt.Sprintf("YUV4MPEG2 W64 H32 F%d:1 Ip A1:1 C420jpeg XTEST\n", fps))
	for i := range frames {
		b.WriteString("FRAME Ip\n")
		b.Write(bytes.Repeat([]byte{byte(i)}, 64*32*3/2))
	}
	return b.Bytes()
}

// ivfClip makes frames whose bytes after the first are the frame's number; the
// first bit says whether it is a key frame.
func ivfClip(frames, fps int) []byte {
	le := binary.LittleEndian
	b := []byte("DKIF\x00\x00\x20\x00VP80")
	b = le.AppendUint16(le.AppendUint16(b, 64), 32)
	b = le.AppendUint32(le.AppendUint32(b, uint32(fps)), 1)
	b = le.AppendUint32(le.AppendUint32(b, uint32(frames)), 0)
	for i := range frames {
		b = le.AppendUint64(le.AppendUint32(b, uint32(10+i)), uint64(i))
		b = append(b, byte(min(i, 1)))
		b = append(b, bytes.Repeat([]byte{byte(i)}, 9+i)...)
	}
	return b
}

// wavClip makes a sine of hz and amplitude 8000 in every channel.
func wavClip(rateHz, channels, bits, tag, samples int, hz float64) []byte {
	le := binary.LittleEndian
	size := bits / 8 * channels
	b := []byte("RIFF\x00\x00\x00\x00WAVELIST\x03\x00\x00\x00abc\x00fmt \x10\x00\x00\x00")
	b = le.AppendUint16(le.AppendUint16(b, uint16(tag)), uint16(channels))
	b = le.AppendUint32(le.AppendUint32(b, uint32(rateHz)), uint32(rateHz*size))
	b = le.AppendUint16(le.AppendUint16(b, uint16(size)), uint16(bits))
	b = append(b, "data"...)
	b = le.AppendUint32(b, uint32(samples*size))
	for i := range samples {
		v := int16(math.Round(8000 * math.Sin(2*math.Pi*hz*float64(i)/float64(rateHz))))
		for range channels {
			b = le.AppendUint16(b, uint16(v))
			b = append(b, make([]byte, bits/8-min(2, bits/8))...)
		}
	}
	le.PutUint32(b[4:], uint32(len(b)-8))
	return b
}
