# Builds edgecam from source. The modules are fetched one by one with their
# checksums (edgecam-go-mods.inc), so that no task but fetch needs the network.
# Needs the gomod fetcher: for series before it take edgecam-bin.
require edgecam.inc

LIC_FILES_CHKSUM = "file://src/${GO_IMPORT}/LICENSE;md5=3b83ef96387f14655fc854ddc3c6bd57"

GO_IMPORT = "github.com/edgecam/edgecam"
GO_INSTALL = "${GO_IMPORT}/cmd/edgecam ${GO_IMPORT}/cmd/edgecam-launcher"

PV = "0.1.0+git"
SRCREV = "36ac32b375dcefc61d926ef899cc22c0bafbae78"
SRC_URI = "git://github.com/edgecam/edgecam.git;protocol=https;branch=main;destsuffix=${BPN}-${PV}/src/${GO_IMPORT}"
require edgecam-go-mods.inc

inherit go-mod pkgconfig

DEPENDS += "libopus alsa-lib"
EDGECAM_UNITS = "${S}/src/${GO_IMPORT}/systemd"

# The Opus binding's file reader is not used; the version is the recipe's.
GOBUILDFLAGS:append = " -tags=nolibopusfile -buildvcs=false"
GO_EXTRA_LDFLAGS = "-X ${GO_IMPORT}/internal/version.version=${PV}"
GO_LINKSHARED = ""

do_install:append() {
    install_units
    install_launcher ${D}${bindir}/edgecam-launcher ${EDGECAM_UNITS}/launcher.conf
}

# Sources in -dev bring scripts along.
RDEPENDS:${PN}-dev += "bash"
INSANE_SKIP:${PN}-dev += "file-rdeps"

# Series without the gomod fetcher cannot build this.
python () {
    import bb.fetch2
    if not any(type(m).__name__ == "GoMod" for m in bb.fetch2.methods):
        raise bb.parse.SkipRecipe("this series has no gomod fetcher; use edgecam-bin")
}
PROVIDES += "virtual/edgecam"
