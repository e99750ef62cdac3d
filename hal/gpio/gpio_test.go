package gpio

import (
	"errors"
	"fmt"
	"io/fs"
	"log"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/edgecam/edgecam/hal"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The kernel takes a structure's size into the request number: a wrong layout
// could not be told from a missing feature.
func TestLayout(t *testing.T) {
	for _, c := range []struct {
		name string
		got  uintptr
		want uintptr
	}{
		{"gpio_v2_line_config_attribute", unsafe.Sizeof(lineAttribute{}), 24},
		{"gpio_v2_line_config", unsafe.Sizeof(lineConfig{}), 272},
		{"gpio_v2_line_request", unsafe.Sizeof(lineRequest{}), 592},
		{"gpio_v2_line_request.fd", unsafe.Offsetof(lineRequest{}.fd), 588},
		{"gpio_v2_line_event", unsafe.Sizeof(lineEvent{}), 48},
		{"GPIO_V2_GET_LINE_IOCTL", ioctlGetLine, 0xc250b407},
		{"GPIO_V2_LINE_GET_VALUES_IOCTL", ioctlGetValues, 0xc010b40e},
		{"GPIO_V2_LINE_SET_VALUES_IOCTL", ioctlSetValues, 0xc010b40f},
	} {
		if c.got != c.want {
			t.Errorf("%s is %#x, want %#x", c.name, c.got, c.want)
		}
	}
}

func TestEncode(t *testing.T) {
	q := inputRequest(17, hal.InputConfig{ActiveLow: true, Bias: hal.BiasPullUp, Debounce: 20e6}).encode()
	want := uint64(flagInput | flagEdgeRising | flagEdgeFalling | flagActiveLow | flagPullUp)
	if q.config.flags != want || q.offsets[0] != 17 || q.numLines != 1 {
		t.Errorf("flags %#x, offset %d, %d lines", q.config.flags, q.offsets[0], q.numLines)
	}
	a := q.config.attrs[0]
	if q.config.numAttrs != 1 || a.id != attrDebounce || *(*uint32)(unsafe.Pointer(&a.value)) != 20000 || a.mask != 1 {
		t.Errorf("attributes %d: %+v; want a debounce of 20000 µs", q.config.numAttrs, a)
	}
	for bias, flag := range map[hal.Bias]uint64{hal.BiasAsIs: 0, hal.BiasPullDown: flagPullDown, hal.BiasDisabled: flagBiasDisabled} {
		q := inputRequest(0, hal.InputConfig{Bias: bias}).encode()
		if got := q.config.flags & (flagPullUp | flagPullDown | flagBiasDisabled); got != flag || q.config.numAttrs != 0 {
			t.Errorf("bias %d: flags %#x, %d attributes", bias, got, q.config.numAttrs)
		}
	}
	// The safe level goes with the request: there is no moment at another.
	for _, safe := range []bool{false, true} {
		q := outputRequest(3, hal.OutputConfig{Safe: safe, ActiveLow: true}).encode()
		a := q.config.attrs[0]
		if q.config.flags != flagOutput|flagActiveLow || q.config.numAttrs != 1 || a.id != attrOutputValues || (a.value == 1) != safe {
			t.Errorf("safe %v: flags %#x, attribute %+v", safe, q.config.flags, a)
		}
	}
}

var testChips = []chip{
	{name: "gpiochip0", label: "pinctrl-bcm2711", path: "/dev/gpiochip0", lines: []string{"ID_SDA", "ID_SCL", "GPIO2", "", "SHARED"}},
	{name: "gpiochip1", label: "raspberrypi-exp-gpio", path: "/dev/gpiochip1", lines: []string{"BT_ON", "gpiochip1-SHARED"}},
	{name: "gpiochip2", label: "twin", path: "/dev/gpiochip2", lines: []string{"A"}},
	{name: "gpiochip3", label: "twin", path: "/dev/gpiochip3", lines: []string{"B"}},
}

func TestFind(t *testing.T) {
	for _, c := range []struct {
		ref    hal.LineRef
		path   string
		offset int
		err    error
	}{
		{hal.LineRef{Chip: "pinctrl-bcm2711", Offset: 3}, "/dev/gpiochip0", 3, nil},
		{hal.LineRef{Name: "GPIO2"}, "/dev/gpiochip0", 2, nil},
		{hal.LineRef{Name: "BT_ON", Chip: "raspberrypi-exp-gpio"}, "/dev/gpiochip1", 0, nil},
		{hal.LineRef{Name: "SHARED", Chip: "raspberrypi-exp-gpio"}, "/dev/gpiochip1", 1, nil},
		{hal.LineRef{Name: "SHARED"}, "", 0, errAmbiguous},
		{hal.LineRef{Name: "B", Chip: "twin"}, "/dev/gpiochip3", 0, nil},
		{hal.LineRef{Chip: "twin"}, "", 0, errAmbiguous},
		{hal.LineRef{Name: "BT_ON", Chip: "pinctrl-bcm2711"}, "", 0, errNoLine},
		{hal.LineRef{Chip: "pinctrl-bcm2711", Offset: 5}, "", 0, errNoLine},
		{hal.LineRef{Chip: "pinctrl-bcm2711", Offset: -1}, "", 0, errNoLine},
		{hal.LineRef{Chip: "gpiochip0"}, "", 0, errNoLine}, // a number, not a label
		{hal.LineRef{Offset: 3}, "", 0, errNoRef},
	} {
		got, offset, err := find(testChips, c.ref)
		if !errors.Is(err, c.err) || got.path != c.path || err == nil && offset != c.offset {
			t.Errorf("find(%+v) = %s, %d, %v; want %s, %d, %v", c.ref, got.path, offset, err, c.path, c.offset, c.err)
		}
	}
}

func TestKinds(t *testing.T) {
	for err, kind := range map[error]hal.Kind{
		syscall.EBUSY: hal.Busy, fs.ErrPermission: hal.Permission, syscall.EACCES: hal.Permission, syscall.ENODEV: hal.Gone,
		syscall.EINVAL: hal.Unsupported, syscall.ENOTTY: hal.Unsupported, errNotSupported: hal.Unsupported,
		errNoLine: hal.Gone, syscall.EIO: hal.Other, fmt.Errorf("wrapped: %w", syscall.EBUSY): hal.Busy,
	} {
		if got := hal.KindOf(fail("open", "x", err)); got != kind {
			t.Errorf("%v is kind %v, want %v", err, got, kind)
		}
	}
	if err := fail("read", "x", os.ErrClosed); !errors.Is(err, hal.ErrClosed) {
		t.Errorf("a closed line gives %v", err)
	}
}

// periph writes to the standard logger; its text must come to ours, and the
// standard logger must be as before.
func TestCatchLog(t *testing.T) {
	var out strings.Builder
	before := log.Writer()
	log.SetOutput(&out)
	defer log.SetOutput(before)
	if got := catchLog(func() { log.Println("from periph") }); !strings.Contains(got, "from periph") {
		t.Errorf("caught %q", got)
	}
	log.Println("after")
	if s := out.String(); strings.Contains(s, "periph") || !strings.Contains(s, "after") {
		t.Errorf("the standard logger got %q", s)
	}
}

// TestThisMachine asks this machine's own chips, if it has any; without, it
// proves that their absence is no error.
func TestThisMachine(t *testing.T) {
	var out strings.Builder
	before := log.Writer()
	log.SetOutput(&out)
	defer log.SetOutput(before)
	d := New(slog.New(slog.NewTextHandler(t.Output(), nil)))
	chips, err := d.Chips(t.Context())
	if err != nil && hal.KindOf(err) != hal.Permission {
		t.Fatal(err)
	}
	for _, c := range chips {
		t.Logf("%s: %s, %d lines", c.Path, c.Label, len(c.Lines))
	}
	_, err = d.OpenInput(t.Context(), hal.InputConfig{Line: hal.LineRef{Name: "no such line"}})
	if k := hal.KindOf(err); k != hal.Gone && k != hal.Permission {
		t.Errorf("opening a line that is not there: %v", err)
	}
	if out.Len() > 0 {
		t.Errorf("written to the standard logger: %q", out.String())
	}
}
