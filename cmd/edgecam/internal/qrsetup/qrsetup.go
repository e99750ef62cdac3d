// Package qrsetup takes a board's first settings from a QR code that is held
// before its camera: those of the boot partition's file edgecam.json, or the
// code with which a phone shares its wireless network. The latter is read as
// "WIFI:T:WPA;S:name;P:password;;", the form that phones agree on.
package qrsetup

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"strings"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	"rsc.io/qr"

	"github.com/edgecam/edgecam/cmd/edgecam/internal/config"
)

// Errors of this package. ErrNoCode is the usual answer: most pictures have
// none.
var (
	ErrNoCode = errors.New("qrsetup: no QR code in the picture")
	ErrOther  = errors.New("qrsetup: the QR code holds no settings for edgecam")
)

// everywhere is the country of networks whose code names none: the channels
// that are allowed in all.
const everywhere = "00"

// maxText is the most that a QR code can hold, in bytes (version 40, level L).
const maxText = 2953

// Read returns the text of the QR code in a picture's luma, whose rows of
// width bytes begin stride bytes apart.
func Read(y []byte, stride, width, height int) (text string, err error) {
	if width < 21 || height < 21 || stride < width || len(y) < stride*(height-1)+width {
		return "", ErrNoCode
	}
	// The reader walks wherever patterns in the picture lead it, and the
	// picture comes from outside: a fault in it costs this picture only.
	defer func() {
		if r := recover(); r != nil {
			text, err = "", fmt.Errorf("%w: %v", ErrNoCode, r)
		}
	}()
	rows := make([]byte, 0, width*height)
	for row := range height {
		rows = append(rows, y[row*stride:][:width]...)
	}
	source, err := gozxing.NewPlanarYUVLuminanceSource(rows, width, height, 0, 0, width, height, false)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNoCode, err)
	}
	bitmap, err := gozxing.NewBinaryBitmap(gozxing.NewHybridBinarizer(source))
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNoCode, err)
	}
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{
		gozxing.DecodeHintType_TRY_HARDER: true, gozxing.DecodeHintType_CHARACTER_SET: "UTF-8",
	})
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNoCode, err)
	}
	return result.GetText(), nil
}

// ReadJPEG is Read for a picture as JPEG.
func ReadJPEG(picture []byte) (string, error) {
	img, err := jpeg.Decode(bytes.NewReader(picture))
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNoCode, err)
	}
	switch m := img.(type) {
	case *image.YCbCr:
		return Read(m.Y, m.YStride, m.Rect.Dx(), m.Rect.Dy())
	case *image.Gray:
		return Read(m.Pix, m.Stride, m.Rect.Dx(), m.Rect.Dy())
	}
	return "", ErrNoCode
}

// Settings returns what a code's text says, as edgecam.json has it. What it
// says has been checked as a whole. A code cannot name SSH keys: who can hold
// something before the camera is not yet who may log in.
func Settings(text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	var data []byte
	switch {
	case len(text) > maxText:
		return nil, ErrOther
	case strings.HasPrefix(text, "{"):
		data = []byte(text)
	case len(text) > 5 && strings.EqualFold(text[:5], "WIFI:"):
		wifi, err := parseWiFi(text[5:])
		if err != nil {
			return nil, err
		}
		if data, err = json.Marshal(map[string]any{"wifi": wifi}); err != nil {
			return nil, fmt.Errorf("qrsetup: %w", err)
		}
	default:
		return nil, ErrOther
	}
	boot, err := config.ParseBoot("QR code", data)
	if err != nil {
		return nil, err
	}
	if len(boot.SSHKeys) > 0 {
		return nil, config.Problems{{Key: "ssh_keys", Message: "cannot come from a QR code; put them into edgecam.json on the boot partition", Source: "QR code"}}
	}
	return data, nil
}

// parseWiFi reads the fields of a network's code: letters, a colon, a value in
// which a backslash takes the special meaning from what follows, a semicolon.
func parseWiFi(text string) (map[string]string, error) {
	fields := map[string]string{}
	for text != "" {
		key, rest, found := strings.Cut(text, ":")
		if !found {
			break // what ends the code
		}
		value, after := unescape(rest)
		fields[strings.ToUpper(strings.TrimLeft(key, ";"))] = value
		text = after
	}
	if fields["S"] == "" {
		return nil, fmt.Errorf("%w: its network has no name", ErrOther)
	}
	switch kind := strings.ToUpper(fields["T"]); kind {
	case "WPA", "WPA2", "WPA3", "SAE":
		if fields["P"] == "" {
			return nil, fmt.Errorf("%w: its network has no password", ErrOther)
		}
	case "", "NOPASS":
		if fields["P"] != "" && kind == "NOPASS" {
			return nil, fmt.Errorf("%w: its network is open and has a password", ErrOther)
		}
	default:
		return nil, fmt.Errorf("%w: its network's kind is %q; WPA and open networks can be used", ErrOther, kind)
	}
	wifi := map[string]string{"ssid": fields["S"], "country": everywhere}
	if fields["P"] != "" {
		wifi["password"] = fields["P"]
	}
	return wifi, nil
}

// unescape returns the value at the begin of text and what follows its
// semicolon.
func unescape(text string) (value, after string) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		case c == ';':
			return b.String(), text[i+1:]
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), ""
}

// Make returns the code for settings as edgecam.json has them, after the same
// checks that the board makes. White space costs room in a code and is left
// out.
func Make(data []byte) (*qr.Code, error) {
	if _, err := Settings(string(data)); err != nil {
		return nil, err
	}
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		return nil, fmt.Errorf("qrsetup: %w", err)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("qrsetup: %w", err)
	}
	// A bigger picture of each module is worth more than redundancy.
	code, err := qr.Encode(string(text), qr.L)
	if err != nil || code.Size > maxModules {
		return nil, fmt.Errorf("qrsetup: %d bytes make a code too fine for a camera; put the site file on the boot partition", len(text))
	}
	return code, nil
}

// maxModules is the finest code that is made: a camera of 640x480 pixels sees
// each of its modules with at least five pixels when the code fills the
// picture's height.
const maxModules = 73
