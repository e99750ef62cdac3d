# Boards with 512 MB get tighter limits; CSI cameras come through the camera
# stack's unit.
do_install:append:raspberrypi0-2w-64() {
    install -d ${D}${systemd_system_unitdir}/edgecam.service.d
    install -m 0644 ${EDGECAM_UNITS}/boards/memory-512m.conf ${D}${systemd_system_unitdir}/edgecam.service.d/
}
FILES:${PN}:append:raspberrypi0-2w-64 = " ${systemd_system_unitdir}/edgecam.service.d"
RRECOMMENDS:${PN}:append:rpi = " kernel-module-bcm2835-v4l2 libcamera-gst v4l2loopback"
