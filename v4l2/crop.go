//go:build linux && cgo && (amd64 || arm64)

package v4l2

import (
	"errors"
	"fmt"
	"math"

	"github.com/edgecam/edgecam/hal"
)

// setCrop makes the device read out the wanted part of its sensor's picture, and
// returns the part that it does. A device keeps its part beyond the program that
// set it: without a wish it is put back to what it is by default. One that cannot
// cut reads out all, which is logged if a part was wanted.
func setCrop(k kernel, want hal.Crop) (hal.Crop, error) {
	if !want.Valid() {
		return hal.Crop{}, fmt.Errorf("%w: a part of %+v is not inside the picture", errOutOfRange, want)
	}
	all, err := k.selection(cropDefaultTarget)
	if err != nil || all.width <= 0 || all.height <= 0 {
		if want.Whole() {
			return hal.Crop{}, nil
		}
		return hal.Crop{}, errors.Join(errNoCrop, err)
	}
	ask := all
	if !want.Whole() {
		round := func(part float32, of int) int { return int(math.Round(float64(part) * float64(of))) }
		ask = rect{all.left + round(want.X, all.width), all.top + round(want.Y, all.height), round(want.Width, all.width), round(want.Height, all.height)}
	}
	now, err := k.selection(cropTarget)
	if err == nil && now == ask || err != nil && want.Whole() {
		return partOf(ask, all), nil
	}
	got, err := k.setCrop(ask)
	if err != nil {
		return hal.Crop{}, errors.Join(errNoCrop, err)
	}
	return partOf(got, all), nil
}

// partOf is a rectangle as a part of another; the zero Crop if it is all of it.
func partOf(r, all rect) hal.Crop {
	if r == all {
		return hal.Crop{}
	}
	w, h := float32(all.width), float32(all.height)
	return hal.Crop{
		X: float32(r.left-all.left) / w, Y: float32(r.top-all.top) / h,
		Width: float32(r.width) / w, Height: float32(r.height) / h,
	}
}
