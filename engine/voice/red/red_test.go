package red

import (
	"bytes"
	"errors"
	"testing"
)

func TestRoundTrip(t *testing.T) {
	blocks := []Block{
		{PayloadType: 5, Offset: MaxOffset, Data: bytes.Repeat([]byte{1}, MaxBlockBytes)},
		{PayloadType: 96, Offset: 160, Data: nil},
		{PayloadType: 0, Offset: 0, Data: []byte{7, 8, 9}},
	}
	buf := make([]byte, 2000)
	n, err := Put(buf, blocks)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(nil, buf[:n])
	if err != nil || len(got) != len(blocks) {
		t.Fatalf("%v, %v", got, err)
	}
	for i, b := range got {
		w := blocks[i]
		if b.PayloadType != w.PayloadType || b.Offset != w.Offset || !bytes.Equal(b.Data, w.Data) {
			t.Errorf("block %d: %v, want %v", i, b, w)
		}
	}
}

// TestLayout has the bytes of section 4's example headers: DVI4 at an offset of 160
// behind which GSM follows.
func TestLayout(t *testing.T) {
	buf := make([]byte, 8)
	n, err := Put(buf, []Block{{PayloadType: 5, Offset: 160, Data: []byte{0xaa, 0xbb}}, {PayloadType: 3, Data: []byte{0xcc}}})
	want := []byte{0x85, 0x02, 0x80, 0x02, 0x03, 0xaa, 0xbb, 0xcc}
	if err != nil || !bytes.Equal(buf[:n], want) {
		t.Fatalf("% x, %v, want % x", buf[:n], err, want)
	}
}

func TestErrors(t *testing.T) {
	for name, p := range map[string][]byte{
		"empty":       nil,
		"headers end": {0x85, 2, 0x80},
		"no primary":  {0x85, 2, 0x80, 2},
		"short":       {0x85, 2, 0x80, 9, 3, 1, 2},
		"many":        bytes.Repeat([]byte{0x80, 0, 0, 0}, MaxBlocks+1),
	} {
		if got, err := Parse([]Block{{}}, p); !errors.Is(err, ErrPacket) || len(got) != 1 {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	for name, b := range map[string][]Block{
		"none":   nil,
		"offset": {{Offset: MaxOffset + 1}, {}},
		"length": {{Data: make([]byte, MaxBlockBytes+1)}, {}},
		"room":   {{Data: make([]byte, 100)}},
	} {
		if _, err := Put(make([]byte, 50), b); !errors.Is(err, ErrSize) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte{0x85, 2, 0x80, 2, 3, 0xaa, 0xbb, 0xcc})
	f.Add([]byte{0})
	f.Fuzz(func(t *testing.T, p []byte) {
		blocks, err := Parse(nil, p)
		if err != nil {
			return
		}
		buf := make([]byte, len(p))
		if n, err := Put(buf, blocks); err != nil || !bytes.Equal(buf[:n], p) {
			t.Fatalf("% x written as % x, %v", p, buf[:n], err)
		}
	})
}
