package doctor

import (
	"path"
	"strings"

	boards "github.com/edgecam/edgecam/board-configs"
	"github.com/edgecam/edgecam/engine/media"
)

// checkBoardEncoder says what the silicon can code, and whether that is used.
func checkBoardEncoder(r *Report, sys System, s Subject, b boards.Board) {
	const name = "encoder"
	codec := s.Config.Video.Codec
	if len(b.Encoders) == 0 {
		switch {
		case codec == "h264" && !codesItself(s):
			r.add(name, Warning, "set video.codec to auto, or plug in a camera with an H.264 node of its own ('edgecam devices' lists formats)",
				"video.codec is h264, and neither this board nor a camera is known to make it: viewers get VP8 unless another encoder is found")
		case len(b.Compatible) > 0:
			r.add(name, OK, "", "this board has none in hardware; VP8 is coded in software")
		}
		return
	}
	for _, e := range b.Encoders {
		node := sys.nodeOf(e.Driver)
		switch {
		case e.Interface != boards.StatefulEncoder:
			r.add(name, OK, "", "%s in hardware by %s, which is not used: it needs the vendor's libraries; VP8 is coded in software", e.Codec, e.Driver)
		case codec == "vp8":
			r.add(name, OK, "", "%s in hardware, not used: video.codec is vp8", e.Codec)
		case node == "":
			r.add(name, Note, "sudo modprobe "+e.Driver+", and write "+e.Driver+" into /etc/modules", "%s in hardware, and its driver %s is not loaded: VP8 is coded in software", e.Codec, e.Driver)
		default:
			if problem, remedy := sys.access(node, "video"); problem != "" {
				r.add(name, Warning, remedy, "%s in hardware, and %s", e.Codec, problem)
				continue
			}
			r.add(name, OK, "", "%s in hardware at %s, driver %s: for viewers who know it (video.codec %s); others get VP8, coded in software", e.Codec, node, e.Driver, codec)
		}
	}
}

// codesItself reports whether a camera lists H.264.
func codesItself(s Subject) bool {
	if s.Inventory == nil {
		return false
	}
	for _, c := range s.Inventory.Cameras {
		for _, m := range c.Modes {
			if m.Format == media.FormatH264 {
				return true
			}
		}
	}
	return false
}

// nodeOf returns a device node of a kernel driver, "" if it has none.
func (s System) nodeOf(driver string) string {
	for _, link := range s.glob("/sys/class/video4linux/video*/device/driver") {
		if strings.HasPrefix(s.link(link), driver) {
			return "/dev/" + path.Base(path.Dir(path.Dir(link)))
		}
	}
	return ""
}
