//go:build linux && cgo && (amd64 || arm64)

package v4l2

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/edgecam/edgecam/hal"
	uapi "github.com/vladimirvivien/go4vl/v4l2"
)

// codecs are the coded formats that are of use, by their names.
var codecs = []struct {
	code uapi.FourCCType
	name string
}{
	{fourcc("H264"), "H264"},
	{fourcc("VP80"), "VP8"},
	{fourcc("HEVC"), "HEVC"},
	{fourcc("FWHT"), "FWHT"}, // of the kernel's own test driver
}

// codecCode is the kernel's code, 0 for unknown names.
func codecCode(name string) uapi.FourCCType {
	for _, c := range codecs {
		if c.name == name {
			return c.code
		}
	}
	return 0
}

// Encoders lists the stateful hardware encoders, by node number. Most boards, and
// most PCs, have none.
func (d *Driver) Encoders(ctx context.Context) ([]hal.EncoderInfo, error) {
	var out []hal.EncoderInfo
	for _, path := range d.nodePaths() {
		if err := ctx.Err(); err != nil {
			return nil, ended("list encoders", d.dev, err)
		}
		c, err := d.openCoder(path)
		if err != nil {
			continue // unplugged, or not ours to open: it is listed when it can be used
		}
		info, ok := inspectEncoder(c)
		if err := c.close(); err != nil {
			d.log.Debug("v4l2: close failed", "path", path, "err", err)
		}
		if ok {
			info.ID = path
			out = append(out, info)
		}
	}
	return out, nil
}

// inspectEncoder describes the node, or says that it is no encoder: that takes
// pictures and gives coded frames, a decoder has it the other way round.
func inspectEncoder(c coder) (hal.EncoderInfo, bool) {
	caps, err := c.capability()
	if err != nil || caps.GetCapabilities()&(uapi.CapVideoMem2Mem|uapi.CapVideoMem2MemMPlane) == 0 {
		return hal.EncoderInfo{}, false
	}
	info := hal.EncoderInfo{Name: caps.Card, Driver: caps.Driver}
	takes := false
	for i := range uint32(maxFormats) {
		code, err := c.formatAt(rawSide, i)
		if err != nil {
			break
		}
		takes = takes || slices.Contains(rawCodes, code)
	}
	for i := range uint32(maxFormats) {
		code, err := c.formatAt(codedSide, i)
		if err != nil {
			break
		}
		for _, known := range codecs {
			if known.code == code {
				info.Codecs = append(info.Codecs, known.name)
			}
		}
	}
	return info, takes && len(info.Codecs) > 0
}

// OpenEncoder opens the encoder with that ID and starts it.
func (d *Driver) OpenEncoder(ctx context.Context, id string, cfg hal.EncoderConfig) (hal.VideoEncoder, error) {
	if err := ctx.Err(); err != nil {
		return nil, ended("open", id, err)
	}
	path, err := d.resolve(id)
	if err != nil {
		return nil, fail("open", id, err)
	}
	c, err := d.openCoder(path)
	if err != nil {
		return nil, fail("open", path, err)
	}
	if info, ok := inspectEncoder(c); !ok || !slices.Contains(info.Codecs, cfg.Codec) {
		return nil, errors.Join(fail("open", path, fmt.Errorf("%w: it has %v, %q is wanted", errNoCodec, info.Codecs, cfg.Codec)), c.close())
	}
	e, err := openEncoder(d.log, c, path, cfg)
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	d.log.Info("v4l2: encoder started", "path", path, "codec", cfg.Codec, "width_px", cfg.Width, "height_px", cfg.Height)
	return e, nil
}
