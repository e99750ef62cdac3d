package drm

import "unsafe"

// Structures and requests of the kernel's interface, as they are on machines of 64
// bits.

type (
	getCap struct{ capability, value uint64 }

	cardRes struct {
		fbs, crtcs, connectors, encoders                     unsafe.Pointer
		countFBs, countCRTCs, countConnectors, countEncoders uint32
		minWidth, maxWidth, minHeight, maxHeight             uint32
	}

	modeInfo struct {
		clock                                         uint32
		hdisplay, hsyncStart, hsyncEnd, htotal, hskew uint16
		vdisplay, vsyncStart, vsyncEnd, vtotal, vscan uint16
		vrefresh, flags, kind                         uint32
		name                                          [32]byte
	}

	modeCRTC struct {
		connectors           unsafe.Pointer
		countConnectors      uint32
		crtc, fb, x, y       uint32
		gammaSize, modeValid uint32
		mode                 modeInfo
	}

	getEncoder struct{ encoder, kind, crtc, possibleCRTCs, possibleClones uint32 }

	getConnector struct {
		encoders, modes, props, propValues         unsafe.Pointer
		countModes, countProps, countEncoders      uint32
		encoder, connector, kind, kindID           uint32
		connection, widthMM, heightMM, subpixel, _ uint32
	}

	fbCmd struct{ fb, width, height, pitch, bpp, depth, handle uint32 }

	pageFlip struct {
		crtc, fb, flags, _ uint32
		userData           uint64
	}

	fbDirty struct {
		fb, flags, color, countClips uint32
		clips                        unsafe.Pointer
	}

	createDumb struct {
		height, width, bpp, flags, handle, pitch uint32
		size                                     uint64
	}

	mapDumb struct {
		handle, _ uint32
		offset    uint64
	}

	destroyDumb struct{ handle uint32 }
)

const (
	capDumbBuffer    = 1
	connected        = 1
	modePreferred    = 1 << 3
	flipEvent        = 1
	eventFlip        = 2
	eventBytes       = 32
	connectorsAtMost = 64
	modesAtMost      = 512
)

// iowr is the number of a request that is written and read: direction, size, type
// and number (asm-generic/ioctl.h).
func iowr(nr, size uintptr) uintptr { return 3<<30 | size<<16 | 'd'<<8 | nr }

var (
	ioctlGetCap       = iowr(0x0c, unsafe.Sizeof(getCap{}))
	ioctlSetMaster    = uintptr('d'<<8 | 0x1e)
	ioctlDropMaster   = uintptr('d'<<8 | 0x1f)
	ioctlResources    = iowr(0xa0, unsafe.Sizeof(cardRes{}))
	ioctlGetCRTC      = iowr(0xa1, unsafe.Sizeof(modeCRTC{}))
	ioctlSetCRTC      = iowr(0xa2, unsafe.Sizeof(modeCRTC{}))
	ioctlGetEncoder   = iowr(0xa6, unsafe.Sizeof(getEncoder{}))
	ioctlGetConnector = iowr(0xa7, unsafe.Sizeof(getConnector{}))
	ioctlAddFB        = iowr(0xae, unsafe.Sizeof(fbCmd{}))
	ioctlRmFB         = iowr(0xaf, 4)
	ioctlPageFlip     = iowr(0xb0, unsafe.Sizeof(pageFlip{}))
	ioctlDirtyFB      = iowr(0xb1, unsafe.Sizeof(fbDirty{}))
	ioctlCreateDumb   = iowr(0xb2, unsafe.Sizeof(createDumb{}))
	ioctlMapDumb      = iowr(0xb3, unsafe.Sizeof(mapDumb{}))
	ioctlDestroyDumb  = iowr(0xb4, unsafe.Sizeof(destroyDumb{}))
)

// connectorNames are the kernel's names of connector types.
var connectorNames = [...]string{
	"Unknown", "VGA", "DVI-I", "DVI-D", "DVI-A", "Composite", "SVIDEO", "LVDS", "Component", "DIN", "DP",
	"HDMI-A", "HDMI-B", "TV", "eDP", "Virtual", "DSI", "DPI", "Writeback", "SPI", "USB",
}
