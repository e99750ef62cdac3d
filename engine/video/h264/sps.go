package h264

import (
	"fmt"

	"github.com/edgecam/edgecam/engine/media"
)

// SPS is what is of use of a sequence parameter set (section 7.3.2.1.1).
type SPS struct {
	ID uint8
	// Profile is profile_idc, Constraints the byte of constraint flags behind it
	// and Level level_idc, ten times the level: together the profile-level-id of
	// RFC 6184 section 8.1.
	Profile, Constraints, Level uint8
	// Width and Height are of the picture as it is shown, cropping applied.
	Width, Height int
	// Interlaced says that pictures may be fields.
	Interlaced bool
}

// ProfileLevelID is the value of the parameter of that name, six hexadecimal digits.
func (s SPS) ProfileLevelID() string {
	return fmt.Sprintf("%02x%02x%02x", s.Profile, s.Constraints, s.Level)
}

// ParseSPS reads a sequence parameter set, a NAL unit with its header. Truncated
// ones give io.ErrUnexpectedEOF.
func ParseSPS(nal []byte) (SPS, error) {
	if TypeOf(nal) != TypeSPS {
		return SPS{}, fmt.Errorf("h264: NAL unit of type %d is no sequence parameter set", TypeOf(nal))
	}
	r := bitReader{data: nal[1:]}
	s := SPS{Profile: uint8(r.bits(8)), Constraints: uint8(r.bits(8)), Level: uint8(r.bits(8))}
	id := r.ue()
	chroma, separate := uint32(1), false
	switch s.Profile {
	case 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135:
		if chroma = r.ue(); chroma == 3 {
			separate = r.flag()
		}
		r.ue()   // bit_depth_luma_minus8
		r.ue()   // bit_depth_chroma_minus8
		r.flag() // qpprime_y_zero_transform_bypass_flag
		if r.flag() {
			skipScalingLists(&r, chroma)
		}
	}
	r.ue() // log2_max_frame_num_minus4
	switch kind := r.ue(); kind {
	case 0:
		r.ue() // log2_max_pic_order_cnt_lsb_minus4
	case 1:
		r.flag() // delta_pic_order_always_zero_flag
		r.se()
		r.se()
		n := r.ue()
		if n > 255 {
			return SPS{}, fmt.Errorf("h264: sequence parameter set with %d frames in its order cycle, at most 255 are allowed", n)
		}
		for range n {
			r.se()
		}
	case 2:
	default:
		return SPS{}, fmt.Errorf("h264: picture order count of type %d, 0 to 2 are known", kind)
	}
	r.ue()   // max_num_ref_frames
	r.flag() // gaps_in_frame_num_value_allowed_flag
	wide, high := r.ue(), r.ue()
	if s.Interlaced = !r.flag(); s.Interlaced {
		r.flag() // mb_adaptive_frame_field_flag
	}
	r.flag() // direct_8x8_inference_flag
	var crop [4]uint32
	if r.flag() {
		for i := range crop {
			crop[i] = r.ue()
		}
	}
	if r.err != nil {
		return SPS{}, r.err
	}
	if id > 31 || chroma > 3 {
		return SPS{}, fmt.Errorf("h264: sequence parameter set %d with chroma format %d", id, chroma)
	}
	s.ID = uint8(id)
	return s, s.size(wide, high, crop, chroma, separate)
}

// size works out the picture's size (equations 7-13 to 7-22).
func (s *SPS) size(wide, high uint32, crop [4]uint32, chroma uint32, separate bool) error {
	const most = media.MaxPictureSide / 16
	fields := 1
	if s.Interlaced {
		fields = 2
	}
	if wide >= most || high >= most {
		return fmt.Errorf("h264: picture of %d by %d macroblocks, at most %d are taken", uint64(wide)+1, uint64(high)+1, most)
	}
	unitX, unitY := 1, fields
	if !separate {
		if chroma == 1 || chroma == 2 {
			unitX = 2
		}
		if chroma == 1 {
			unitY *= 2
		}
	}
	s.Width, s.Height = 16*(int(wide)+1), 16*fields*(int(high)+1)
	for _, c := range crop {
		if c > media.MaxPictureSide {
			return fmt.Errorf("h264: %d rows or columns are cut off a picture of %dx%d", c, s.Width, s.Height)
		}
	}
	s.Width -= unitX * int(crop[0]+crop[1])
	s.Height -= unitY * int(crop[2]+crop[3])
	if s.Width < 1 || s.Height < 1 || s.Height > media.MaxPictureSide {
		return fmt.Errorf("h264: picture of %dx%d", s.Width, s.Height)
	}
	return nil
}

// skipScalingLists reads over scaling lists (section 7.3.2.1.1.1).
func skipScalingLists(r *bitReader, chroma uint32) {
	lists := 8
	if chroma == 3 {
		lists = 12
	}
	for i := range lists {
		if !r.flag() {
			continue
		}
		size := 16
		if i >= 6 {
			size = 64
		}
		last, next := int32(8), int32(8)
		for range size {
			if next != 0 {
				next = (last + r.se() + 256) % 256
			}
			if next != 0 {
				last = next
			}
		}
	}
}
