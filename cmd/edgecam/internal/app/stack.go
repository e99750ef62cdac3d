package app

import (
	"context"
	"slices"
	"strings"

	boards "github.com/edgecam/edgecam/board-configs"
	"github.com/edgecam/edgecam/hal"
)

// both are the cameras that deliver pictures themselves and the sensors behind a
// camera stack, whose program does. A stack is listed where the kernel has a node
// of it: that its program is installed says nothing of a sensor.
type both struct{ nodes, stacks hal.CameraDriver }

// stackOf returns the back end that serves nodes of a kernel driver, "" if they
// serve themselves.
func stackOf(driver string) string {
	for _, name := range boards.Names() {
		b, err := boards.Get(name)
		if err != nil {
			continue // a test holds the files to be right
		}
		if c, ok := b.Backend(driver); ok && c.Program != "" {
			return c.Backend
		}
	}
	return ""
}

func behindStack(cameras []hal.CameraInfo) bool {
	return slices.ContainsFunc(cameras, func(c hal.CameraInfo) bool { return stackOf(c.Driver) != "" })
}

func (b both) Cameras(ctx context.Context) ([]hal.CameraInfo, error) {
	found, err := b.nodes.Cameras(ctx)
	if err != nil || !behindStack(found) {
		return found, err
	}
	stacks, err := b.stacks.Cameras(ctx)
	for _, c := range found {
		backend := stackOf(c.Driver)
		i := slices.IndexFunc(stacks, func(s hal.CameraInfo) bool { return s.ID == backend })
		if backend != "" && i >= 0 && !slices.ContainsFunc(found, func(f hal.CameraInfo) bool { return f.ID == backend }) {
			found = append(found, stacks[i])
		}
	}
	return found, err
}

func (b both) OpenCamera(ctx context.Context, id string, want hal.VideoMode) (hal.Camera, error) {
	if kind, _, _ := strings.Cut(id, ":"); kind == "rpicam" || kind == "argus" {
		return b.stacks.OpenCamera(ctx, id, want)
	}
	return b.nodes.OpenCamera(ctx, id, want)
}
