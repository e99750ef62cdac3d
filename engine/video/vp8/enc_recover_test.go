package vp8

import (
	"errors"
	"fmt"
	"testing"

	"github.com/edgecam/edgecam/engine/media"
)

// TestPredictFromMendsALoss loses runs of frames and has the encoder build on a
// stored reference: what arrives must decode to the reconstruction, here and in
// other decoders, with no second key frame.
func TestPredictFromMendsALoss(t *testing.T) {
	for _, c := range []struct {
		w, h, layers int
		from         Reference
		// missed is a reference stored by a frame that gets lost, and again is
		// what the mending frame is to be stored as.
		missed, again Reference
	}{
		{w: 176, h: 144, layers: 1, from: ReferenceGolden},
		{w: 97, h: 61, layers: 1, from: ReferenceAltRef},
		{w: 128, h: 96, layers: 2, from: ReferenceGolden},
		{w: 64, h: 80, layers: 3, from: ReferenceGolden},
		{w: 128, h: 112, layers: 1, from: ReferenceAltRef, missed: ReferenceGolden},
		{w: 144, h: 96, layers: 2, from: ReferenceAltRef, missed: ReferenceGolden, again: ReferenceAltRef},
		{w: 96, h: 96, layers: 1, from: ReferenceGolden, missed: ReferenceAltRef, again: ReferenceAltRef},
	} {
		t.Run(fmt.Sprintf("%dx%d_l%d_r%d%d%d", c.w, c.h, c.layers, c.from, c.missed, c.again), func(t *testing.T) {
			e, err := NewEncoder(EncoderConfig{Width: c.w, Height: c.h, FrameRate: 25, BitrateBps: 250_000, Speed: 5, TemporalLayers: c.layers})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			scene, pic := newTestScene(3, c.w, c.h, 3), media.NewPicture(c.w, c.h)
			d := newOutsideDecoder(t, c.w, c.h)
			keySize, mended := 0, 0
			lost := false
			for i := range 90 {
				scene.next(pic)
				opt := FrameOptions{}
				switch i % 30 {
				case 9:
					opt.Store = c.from
				case 18: // frames 12 to 17 were lost
					opt.PredictFrom, opt.Store = c.from, c.again
					lost = false
				case 12:
					lost = true
				case 14:
					opt.Store = c.missed
				}
				f, err := e.Encode(pic, opt)
				if err != nil {
					t.Fatal(err)
				}
				if f.Key != (i == 0) {
					t.Fatalf("frame %d: key frame is %t", i, f.Key)
				}
				if f.Key {
					keySize = len(f.Data)
				}
				info := e.LastFrame()
				if info.Stored != opt.Store || info.PredictedFrom != opt.PredictFrom {
					t.Fatalf("frame %d: asked for %+v, told %+v", i, opt, info)
				}
				if opt.PredictFrom != ReferenceNone {
					mended += len(f.Data)
				}
				if !lost {
					d.add(f.Data, e.Reconstruction())
				}
			}
			d.check()
			d.checkFFmpeg()
			if mended/3 >= keySize {
				t.Errorf("mending took %d bytes, a key frame %d", mended/3, keySize)
			}
		})
	}
}

// TestIntraRefreshHealsAPicture loses the frames in which a scene changes: after
// two rounds of the still new scene a decoder must show nearly what is there.
func TestIntraRefreshHealsAPicture(t *testing.T) {
	const w, h, period, lost = 112, 80, 12, 5
	heal := func(refresh int) (psnr float64, intra int) {
		e, err := NewEncoder(EncoderConfig{Width: w, Height: h, FrameRate: 25, BitrateBps: 2_000_000, Speed: 5, IntraRefresh: refresh})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		before, after := media.NewPicture(w, h), media.NewPicture(w, h)
		newTestScene(9, w, h, 0).next(after)
		for i := range before.Y {
			before.Y[i] = byte(255 - i%200)
		}
		d := NewDecoder(DecoderOptions{})
		defer d.Close()
		shown := before
		for i := range 2 + lost + 2*period {
			pic := before
			if i >= 2 {
				pic = after
			}
			f, err := e.Encode(pic, FrameOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if i >= 2 && i < 2+lost {
				continue
			}
			if i >= 2+lost {
				intra += e.LastFrame().Intra
			}
			got, err := d.Decode(f.Data)
			if err != nil && refresh == 0 {
				// The probabilities that the lost frames changed are missing, so
				// that a frame may well not make sense: the picture stays.
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			shown = got
		}
		return encPSNR(shown, after), intra
	}
	without, _ := heal(0)
	with, intra := heal(period)
	if mbs := (w / 16) * (h / 16); intra < 2*mbs {
		t.Errorf("%d intra macroblocks in two rounds of %d", intra, mbs)
	}
	if with < 30 || with < without+10 {
		t.Errorf("PSNR after the loss: %.1f dB with refresh, %.1f dB without", with, without)
	}
	t.Logf("PSNR after the loss: %.1f dB with refresh, %.1f dB without", with, without)
}

func TestFrameOptionsRefused(t *testing.T) {
	e, err := NewEncoder(EncoderConfig{Width: 32, Height: 32, FrameRate: 25, BitrateBps: 100_000, TemporalLayers: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	pic := media.NewPicture(32, 32)
	for _, opt := range []FrameOptions{{Store: 3}, {PredictFrom: 200}, {Store: ReferenceAltRef}} {
		if _, err := e.Encode(pic, opt); !errors.Is(err, ErrFrameOptions) {
			t.Errorf("%+v: got %v", opt, err)
		}
	}
	if f, err := e.Encode(pic, FrameOptions{PredictFrom: ReferenceGolden}); err != nil || !f.Key {
		t.Errorf("the first frame must be a key frame: %v, error %v", f.Key, err)
	}
}

// TestTwoLayersBeginAndEnd turns a second temporal layer on and off between
// frames: the base layer alone decodes to what the encoder has, with no key frame.
func TestTwoLayersBeginAndEnd(t *testing.T) {
	const w, h = 128, 96
	e, err := NewEncoder(EncoderConfig{Width: w, Height: h, FrameRate: 25, BitrateBps: 300_000, Speed: 5})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	scene, pic := newTestScene(5, w, h, 3), media.NewPicture(w, h)
	all, base := newOutsideDecoder(t, w, h), newOutsideDecoder(t, w, h)
	upper := 0
	for i := range 70 {
		e.SetTwoLayers(i/20%2 == 1)
		scene.next(pic)
		f, err := e.Encode(pic, FrameOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if f.Key != (i == 0) || f.TemporalID > 0 && (!f.LayerSync || !f.NonReference || i/20%2 == 0) {
			t.Fatalf("frame %d: key frame %t, layer %d", i, f.Key, f.TemporalID)
		}
		all.add(f.Data, e.Reconstruction())
		if f.TemporalID > 0 {
			upper++
			continue
		}
		base.add(f.Data, e.Reconstruction())
	}
	all.check()
	base.check()
	if upper != 15 {
		t.Errorf("%d frames of the upper layer, want 10 and 5", upper)
	}
}
