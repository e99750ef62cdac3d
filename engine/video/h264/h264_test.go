package h264_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/pion/rtp/codecs"

	"github.com/edgecam/edgecam/engine/video/h264"
)

// stream returns a stream that x264 has made, by ffmpeg.
func stream(t testing.TB, args string) []byte {
	t.Helper()
	path, err := exec.LookPath("ffmpeg")
	if err != nil {
		if os.Getenv("EDGECAM_CI") == "1" {
			t.Fatal(err)
		}
		t.Skip("ffmpeg is not installed")
	}
	cmd := exec.Command(path, strings.Fields("-v error -f lavfi -i testsrc2=d=1:r=10 -c:v libx264 -pix_fmt yuv420p "+args+" -f h264 -")...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, said.Bytes())
	}
	return out
}

// units cuts a stream with delimiters into access units.
func units(stream []byte) (out [][]byte) {
	delimiter := []byte{0, 0, 0, 1, 9}
	for len(stream) > 0 {
		end := len(stream)
		if i := bytes.Index(stream[1:], delimiter); i >= 0 {
			end = i + 1
		}
		out, stream = append(out, stream[:end]), stream[end:]
	}
	return out
}

func TestSPS(t *testing.T) {
	for _, c := range []struct {
		args                string
		width, height       int
		profile, constraint uint8
		interlaced          bool
	}{
		{"-profile:v baseline -s 176x144", 176, 144, 66, 0xc0, false},
		{"-profile:v main -s 640x480", 640, 480, 77, 0x40, false},
		{"-profile:v high -s 322x182", 322, 182, 100, 0, false},
		{"-profile:v high -s 1920x1080", 1920, 1080, 100, 0, false},
		{"-profile:v main -s 320x240 -flags +ildct+ilme -x264-params interlaced=1", 320, 240, 77, 0x40, true},
		{"-profile:v high -s 64x48 -x264-params cqm=jvt", 64, 48, 100, 0, false},
	} {
		found := false
		s := stream(t, c.args)
		for nal, rest := h264.Next(s); nal != nil; nal, rest = h264.Next(rest) {
			if h264.TypeOf(nal) != h264.TypeSPS {
				continue
			}
			found = true
			sps, err := h264.ParseSPS(nal)
			if err != nil {
				t.Fatalf("%s: %v", c.args, err)
			}
			if sps.Width != c.width || sps.Height != c.height || sps.Profile != c.profile || sps.Constraints&0xc0 != c.constraint || sps.Interlaced != c.interlaced {
				t.Errorf("%s: %+v", c.args, sps)
			}
			if want := fmt.Sprintf("%02x%02x%02x", nal[1], nal[2], nal[3]); sps.ProfileLevelID() != want {
				t.Errorf("%s: profile-level-id %s, want %s", c.args, sps.ProfileLevelID(), want)
			}
		}
		if !found {
			t.Errorf("%s: no sequence parameter set in %d bytes", c.args, len(s))
		}
	}
}

// cif is a sequence parameter set of 352x288, with an emulation prevention byte.
var cif = []byte{0x67, 0x42, 0xc0, 0x1e, 0xda, 0x05, 0x82, 0x51, 0x00, 0x00, 0x03, 0x00, 0x01}

func TestBadSPS(t *testing.T) {
	if _, err := h264.ParseSPS(cif); err != nil {
		t.Fatal(err)
	}
	for n := range 7 {
		if _, err := h264.ParseSPS(cif[:n]); err == nil {
			t.Errorf("%d bytes are taken", n)
		} else if n > 0 && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	for name, b := range map[string][]byte{
		"picture parameter set": {0x68, 0xce, 0x3c, 0x80},
		"number without end":    {0x67, 0x42, 0, 0x1e, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		"picture too wide":      {0x67, 0x42, 0xc0, 0x1e, 0xda, 0x00, 0x00, 0x40, 0x00, 0x00, 0xff, 0xff},
		"kind of order":         {0x67, 0x42, 0xc0, 0x1e, 0xc8, 0xff, 0xff, 0xff, 0xff},
	} {
		if sps, err := h264.ParseSPS(b); err == nil {
			t.Errorf("%s: %+v", name, sps)
		}
	}
}

// TestNext: any number of zeros, units without data, and bytes before the first
// start code.
func TestNext(t *testing.T) {
	s := []byte{7, 7, 0, 0, 1, 0x65, 1, 2, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0x41, 0, 0, 3, 0, 0, 0, 0, 1}
	var got [][]byte
	for nal, rest := h264.Next(s); nal != nil; nal, rest = h264.Next(rest) {
		got = append(got, nal)
	}
	if want := [][]byte{{0x65, 1, 2}, {0x41, 0, 0, 3}}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%x, want %x", got, want)
	}
	if c := h264.Inspect(s); !c.Key || c.Slices != 2 || c.SPS || c.PPS {
		t.Errorf("%+v", c)
	}
}

// TestPacketizer packs streams, and unpacks them with another's unpacker: every NAL
// unit that a receiver needs is there, in order, and no payload is too long.
func TestPacketizer(t *testing.T) {
	for _, args := range []string{
		"-s 640x480 -tune zerolatency -g 5 -b:v 2M -x264-params aud=1:slices=1",
		"-s 640x480 -tune zerolatency -g 5 -b:v 2M -x264-params aud=1:slices=4",
		"-s 176x144 -tune zerolatency -b:v 50k -x264-params aud=1:slice-max-size=200",
	} {
		us := units(stream(t, args))
		for _, room := range []int{h264.LeastRoom, 500, 1140} {
			var p h264.Packetizer
			kinds := map[byte]int{}
			for n, unit := range us {
				var back []byte
				var un codecs.H264Packet
				buf := make([]byte, room)
				var least, most int
				for p.Begin(unit); ; {
					size := p.Next(buf)
					if size == 0 {
						break
					}
					kind := buf[0] & 0x1f
					kinds[kind]++
					if kind == 28 {
						if buf[1]&0x80 != 0 {
							least, most = size, size
						}
						if least, most = min(least, size), max(most, size); most-least > 1 {
							t.Errorf("%s, room %d, unit %d: parts of %d to %d bytes", args, room, n, least, most)
						}
					}
					b, err := un.Unmarshal(buf[:size])
					if err != nil {
						t.Fatalf("%s, unit %d: %v", args, n, err)
					}
					back = append(back, b...)
				}
				if want := needed(unit); !bytes.Equal(needed(back), want) || len(want) == 0 {
					t.Fatalf("%s, room %d, unit %d: %d bytes came back, want %d", args, room, n, len(back), len(want))
				}
			}
			if kinds[28] == 0 && room < 200 || kinds[24] == 0 && room > 200 {
				t.Errorf("%s, room %d: kinds of packets %v", args, room, kinds)
			}
		}
	}
}

// needed is a stream without delimiters, with short start codes.
func needed(stream []byte) (out []byte) {
	for nal, rest := h264.Next(stream); nal != nil; nal, rest = h264.Next(rest) {
		if h264.TypeOf(nal) != h264.TypeDelimiter {
			out = append(append(out, 0, 0, 1), nal...)
		}
	}
	return out
}

// TestAggregateHeader: F if any has it, the largest NRI.
func TestAggregateHeader(t *testing.T) {
	var p h264.Packetizer
	buf := make([]byte, 100)
	p.Begin([]byte{0, 0, 1, 0x26, 1, 0, 0, 1, 0x67, 2, 0, 0, 1, 0xa8, 3})
	if n := p.Next(buf); n != 13 || buf[0] != 0x80|0x60|24 {
		t.Errorf("packet %x", buf[:n])
	}
	if p.Next(buf) != 0 {
		t.Error("packets without end")
	}
}

func TestParameterSets(t *testing.T) {
	var p h264.ParameterSets
	us := units(stream(t, "-s 320x240 -tune zerolatency -g 4 -x264-params aud=1"))
	bare := func(unit []byte) (out []byte) {
		for nal, rest := h264.Next(unit); nal != nil; nal, rest = h264.Next(rest) {
			if k := h264.TypeOf(nal); k != h264.TypeSPS && k != h264.TypePPS {
				out = append(append(out, 0, 0, 1), nal...)
			}
		}
		return out
	}
	if _, c, ok, err := p.Complete(bare(us[0])); ok || !c.Key || err != nil {
		t.Errorf("a key frame without parameter sets is taken: %+v, %v", c, err)
	}
	if _, c, ok, err := p.Complete(us[0]); !ok || !c.Key || !c.SPS || !c.PPS || err != nil {
		t.Fatalf("%+v, %v, %v", c, ok, err)
	}
	if _, c, ok, err := p.Complete(us[1]); !ok || c.Key || err != nil {
		t.Errorf("unit 1: %+v, %v, %v", c, ok, err)
	}
	b := bare(us[4])
	full, c, ok, err := p.Complete(b)
	if got := h264.Inspect(full); !ok || err != nil || !c.Key || !got.SPS || !got.PPS || got.Slices != c.Slices || !bytes.HasSuffix(full, b) {
		t.Errorf("%+v, %v, %v", got, ok, err)
	}
	if sps, ok := p.SPS(); !ok || sps.Width != 320 || sps.Height != 240 {
		t.Errorf("%+v", sps)
	}
	if got := testing.AllocsPerRun(50, func() { _, _, _, _ = p.Complete(b) }); got != 0 {
		t.Errorf("%v allocations", got)
	}
	// Another stream's sets take the place of the first one's.
	other := units(stream(t, "-s 176x144 -tune zerolatency -x264-params aud=1"))
	if _, _, ok, err := p.Complete(other[0]); !ok || err != nil {
		t.Fatal(ok, err)
	}
	full, _, _, _ = p.Complete(bare(other[0]))
	n := 0
	for nal, rest := h264.Next(full); nal != nil; nal, rest = h264.Next(rest) {
		if h264.TypeOf(nal) == h264.TypeSPS {
			if sps, err := h264.ParseSPS(nal); err != nil || sps.Width != 176 {
				t.Errorf("%+v, %v", sps, err)
			}
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d sequence parameter sets", n)
	}
}

func FuzzH264(f *testing.F) {
	f.Add([]byte{0, 0, 1, 0x67, 0x42, 0xc0, 0x1e, 0, 0, 1, 0x68, 0xce, 0, 0, 1, 0x65, 1, 2, 3}, uint16(100))
	f.Add(append([]byte{0, 0, 1}, cif...), uint16(64))
	f.Fuzz(func(t *testing.T, data []byte, room uint16) {
		var sets h264.ParameterSets
		for range 2 {
			unit, _, _, _ := sets.Complete(data)
			var p h264.Packetizer
			buf := make([]byte, h264.LeastRoom+int(room)%1200)
			var want, packets int
			for nal, rest := h264.Next(unit); nal != nil; nal, rest = h264.Next(rest) {
				want += len(nal)
				packets++
			}
			got, count := 0, 0
			for p.Begin(unit); ; count++ {
				n := p.Next(buf)
				if n == 0 {
					break
				}
				got += n
				if n > len(buf) || count > packets+2*len(unit)/len(buf)+2 {
					t.Fatalf("payload of %d bytes, %d packets", n, count)
				}
			}
			if got > want+3*count+3*packets {
				t.Fatalf("%d bytes of %d", got, want)
			}
		}
	})
}
