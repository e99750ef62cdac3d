// Voicefigures shows what the voice front end does, in pictures (PNG) and a table:
//
//	voicefigures erle -far F.wav -mic M.wav -out P.png NAME=OUT.wav...
//	voicefigures spectrogram -out P.png A.wav B.wav...
//	voicefigures table -doc docs/voice.md OUTPUT.txt
//	voicefigures codecs -doc docs/voice-codecs.md -out P.png SPEECH.wav...
//	voicefigures repeat -codec C -bps N -times N SPEECH.wav
//
// Erle plots by how much each output is softer than the microphone, over time,
// while the far end is active. Spectrogram draws files below each other, on one
// scale. Table puts what the benches printed into a document, as Markdown. Codecs
// runs recordings of speech (16 kHz) through all voice codecs: bit rate against
// intelligibility as a picture, these and CPU as tables, which go to standard output
// with -doc "". Repeat runs three seconds through one, as often as said. Files are
// mono and 16-bit; scripts/bench-voice and scripts/bench-codecs make and name them.
package main

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"strings"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "voicefigures:", err)
		os.Exit(2)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return errors.New("usage: voicefigures erle|spectrogram|table|codecs|repeat [options] FILES")
	}
	set := flag.NewFlagSet(args[0], flag.ContinueOnError)
	far := set.String("far", "", "far end (erle)")
	mic := set.String("mic", "", "microphone (erle)")
	doc := set.String("doc", "docs/voice.md", "document to change (table)")
	codec := set.String("codec", "isac16", "codec (repeat)")
	bps := set.Int("bps", 0, "bit rate, 0 where the codec has no choice (repeat)")
	times := set.Int("times", 1, "how often (repeat)")
	out := set.String("out", "plot.png", "PNG file to write")
	if err := set.Parse(args[1:]); err != nil {
		return err
	}
	if args[0] == "repeat" {
		return repeat(*codec, *bps, *times, set.Args())
	}
	if args[0] == "table" {
		if set.NArg() != 1 {
			return errors.New("table needs one file: the output of scripts/bench-voice")
		}
		return writeTable(*doc, set.Arg(0))
	}
	var img image.Image
	var err error
	switch args[0] {
	case "erle":
		img, err = plotERLE(*far, *mic, set.Args())
	case "codecs":
		var points []point
		if points, err = codecs(*doc, set.Args()); err == nil {
			img = plotCodecs(points)
		}
	case "spectrogram":
		img, err = plotSpectrograms(set.Args())
	default:
		err = fmt.Errorf("unknown plot %q (known: erle, spectrogram, table, codecs, repeat)", args[0])
	}
	if err != nil {
		return err
	}
	f, err := os.Create(*out)
	if err != nil {
		return err
	}
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	return errors.Join(encoder.Encode(f, indexed(img)), f.Close())
}

// indexed turns a picture of at most 256 colours into one with a palette, which
// makes a much smaller file.
func indexed(img image.Image) image.Image {
	b := img.Bounds()
	index := map[color.Color]uint8{}
	out := image.NewPaletted(b, nil)
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c := img.At(x, y)
			i, ok := index[c]
			if !ok {
				if len(out.Palette) == 256 {
					return img
				}
				i = uint8(len(out.Palette))
				index[c] = i
				out.Palette = append(out.Palette, c)
			}
			out.SetColorIndex(x, y, i)
		}
	}
	return out
}

// readWAV returns the samples of a mono file of 16 bits.
func readWAV(path string) (rateHz int, x []int16, err error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, nil, err
	}
	le := binary.LittleEndian
	if len(b) < 12 || string(b[8:12]) != "WAVE" {
		return 0, nil, fmt.Errorf("%s is not a WAV file", path)
	}
	for at := 12; at+8 <= len(b); {
		size := int(le.Uint32(b[at+4:]))
		body := b[at+8 : min(at+8+size, len(b))]
		switch string(b[at : at+4]) {
		case "fmt ":
			if len(body) < 16 || le.Uint16(body[2:]) != 1 || le.Uint16(body[14:]) != 16 {
				return 0, nil, fmt.Errorf("%s is not mono with 16 bits", path)
			}
			rateHz = int(le.Uint32(body[4:]))
		case "data":
			for i := 0; i+1 < len(body); i += 2 {
				x = append(x, int16(le.Uint16(body[i:])))
			}
		}
		at += 8 + size + size&1
	}
	if rateHz == 0 || len(x) == 0 {
		return 0, nil, fmt.Errorf("%s holds no sound", path)
	}
	return rateHz, x, nil
}

// named splits NAME=FILE.
func named(arg string) (name, path string, err error) {
	name, path, ok := strings.Cut(arg, "=")
	if !ok {
		return "", "", fmt.Errorf("%q is not NAME=FILE.wav", arg)
	}
	return name, path, nil
}
