package doctor

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	boards "github.com/edgecam/edgecam/board-configs"
	"github.com/edgecam/edgecam/cmd/edgecam/internal/metrics"
	"github.com/edgecam/edgecam/engine/session/nat"
	"github.com/edgecam/edgecam/internal/cpufeat"
)

// Local returns this machine.
func Local() System {
	gids, _ := os.Getgroups()
	name := strconv.Itoa(os.Getuid())
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	return System{
		Root: "/", UID: os.Geteuid(), GIDs: append(gids, os.Getegid()), User: name, Self: os.Getpid(), CPUs: runtime.NumCPU(),
		Now: time.Now, ClockSet: clockSet, DiskFree: diskFree, Bind: bind, Discover: discover,
	}
}

func discover(ctx context.Context, servers []string) (*nat.Report, error) {
	return nat.Discover(ctx, nat.Config{Servers: servers, Timeout: time.Second})
}

// clockSet asks the kernel whether something disciplines the clock.
func clockSet() (bool, error) {
	var t unix.Timex // Modes 0: read only
	if _, err := unix.Adjtimex(&t); err != nil {
		return false, err
	}
	return t.Status&unix.STA_UNSYNC == 0, nil
}

func diskFree(path string) (uint64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return 0, err
	}
	return st.Bavail * uint64(st.Bsize), nil
}

func bind(network, addr string) error {
	if network == "udp" {
		c, err := net.ListenPacket(network, addr)
		if err != nil {
			return err
		}
		return c.Close()
	}
	l, err := net.Listen(network, addr)
	if err != nil {
		return err
	}
	return l.Close()
}

// Limits of boards that are not known: those of the Raspberry Pi's firmware.
const (
	softCelsius = 80
	hardCelsius = 85
)

func checkHeat(r *Report, sys System, limits boards.Thermal) {
	const name = "heat"
	var hottest metrics.Zone
	soft, hard := float64(softCelsius), float64(hardCelsius)
	if limits.Zone != "" {
		soft, hard = limits.SoftCelsius, limits.HardCelsius
	}
	zones := metrics.Temperatures(sys.path("/sys"))
	for i, z := range zones {
		if z.Name == limits.Zone { // the one that the limits are for
			hottest = z
			break
		}
		if i == 0 || z.Celsius > hottest.Celsius {
			hottest = z
		}
	}
	remedy := "cool the board: heat sink, fan, or a lower camera.fps"
	switch {
	case len(zones) == 0:
		r.add(name, Note, "", "no temperature sensor")
	case hottest.Celsius >= hard:
		r.add(name, Failure, remedy, "%s is at %.0f °C, the processor is slowed down", hottest.Name, hottest.Celsius)
	case hottest.Celsius >= soft:
		r.add(name, Warning, remedy, "%s is at %.0f °C, near the limit", hottest.Name, hottest.Celsius)
	default:
		r.add(name, OK, "", "%s is at %.0f °C", hottest.Name, hottest.Celsius)
	}
	checkPower(r, sys, limits.ThrottleFlags)
}

// checkPower reads what the Raspberry Pi's firmware says of its supply: bits 0
// to 3 are now, 16 to 19 since the start.
func checkPower(r *Report, sys System, flags string) {
	const name = "power"
	remedy := "use the board's own power supply and a short, thick cable"
	if flags == "" {
		flags = "/sys/devices/platform/soc/soc:firmware/get_throttled"
	}
	if text := sys.read(flags); text != "" {
		bits, err := strconv.ParseUint(strings.TrimPrefix(text, "0x"), 16, 32)
		switch {
		case err != nil:
			r.add(name, Note, "", "the firmware's answer %q is not understood", text)
		case bits&1 != 0:
			r.add(name, Failure, remedy, "the supply voltage is too low now")
		case bits&(1<<16) != 0:
			r.add(name, Warning, remedy, "the supply voltage has been too low since the start")
		case bits&6 != 0:
			r.add(name, Warning, "cool the board", "the processor is slowed down now (0x%x)", bits)
		case bits&(6<<16) != 0:
			r.add(name, Note, "", "the processor has been slowed down since the start (0x%x)", bits)
		default:
			r.add(name, OK, "", "voltage and clock are good")
		}
		return
	}
	for _, p := range sys.glob("/sys/class/hwmon/hwmon*/name") {
		if sys.read(p) == "rpi_volt" && sys.read(filepath.Dir(p)+"/in0_lcrit_alarm") == "1" {
			r.add(name, Failure, remedy, "the supply voltage is too low")
		}
	}
}

func checkProcessor(r *Report, sys System) {
	active, detected := cpufeat.Active(), cpufeat.Detected()
	model := sys.read("/sys/firmware/devicetree/base/model")
	if model == "" {
		model = runtime.GOARCH
	}
	summary := fmt.Sprintf("%s, %d core(s), kernels %s", model, sys.CPUs, active)
	if active != detected {
		r.add("processor", Warning, "unset EDGECAM_CPU", "%s; EDGECAM_CPU takes some of %s away", summary, detected)
		return
	}
	r.add("processor", OK, "", "%s", summary)
}
