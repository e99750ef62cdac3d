# Installs edgecam as released, from its Debian package: for series whose Go is
# too old or that lack the gomod fetcher. Both checksums are those of
# SHA256SUMS in the release; put them into local.conf or a bbappend.
require edgecam.inc

LICENSE = "Apache-2.0"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/Apache-2.0;md5=89aea4e17d99a7cacdbeed46a0096b10"

COMPATIBLE_HOST = "(aarch64|x86_64).*-linux"
EDGECAM_DEB_ARCH:aarch64 = "arm64"
EDGECAM_DEB_ARCH:x86-64 = "amd64"
EDGECAM_RELEASES ?= "https://github.com/edgecam/edgecam/releases/download/v${PV}"
# From the release's SHA256SUMS.
EDGECAM_DEB_SHA256:aarch64 ?= ""
EDGECAM_DEB_SHA256:x86-64 ?= ""

SRC_URI = "${EDGECAM_RELEASES}/edgecam_${PV}_${EDGECAM_DEB_ARCH}.deb;name=deb;subdir=${BPN}-${PV}"
SRC_URI[deb.sha256sum] = "${EDGECAM_DEB_SHA256}"

# ${UNPACKDIR} is not defined in the older series.
EDGECAM_UNPACKED = "${@d.getVar('UNPACKDIR') or d.getVar('WORKDIR')}"
S = "${EDGECAM_UNPACKED}/${BPN}-${PV}"

RDEPENDS:${PN} += "libopus glibc"
RCONFLICTS:${PN} = "edgecam"
RPROVIDES:${PN} = "edgecam"
PROVIDES += "virtual/edgecam"

do_compile[noexec] = "1"

do_install() {
    install -d ${D}${bindir} ${D}${systemd_system_unitdir} ${D}${sysconfdir}/edgecam
    install -m 0755 ${S}/usr/bin/edgecam ${D}${bindir}/edgecam
    install -m 0644 ${S}/lib/systemd/system/*.service ${D}${systemd_system_unitdir}/
    for dir in edgecam tmpfiles.d modules-load.d; do
        install -d ${D}${nonarch_libdir}/$dir
        cp -R --no-preserve=ownership ${S}/usr/lib/$dir/. ${D}${nonarch_libdir}/$dir/
    done
    install_launcher ${D}${nonarch_libdir}/edgecam/edgecam-launcher ${S}/usr/share/doc/edgecam/examples/launcher.conf
    install -d ${D}${nonarch_base_libdir}/udev/rules.d
    install -m 0644 ${S}/lib/udev/rules.d/60-edgecam.rules ${D}${nonarch_base_libdir}/udev/rules.d/
}

# Stripped, and linked elsewhere.
INSANE_SKIP:${PN} += "already-stripped ldflags"
INHIBIT_PACKAGE_STRIP = "1"
INHIBIT_SYSROOT_STRIP = "1"
