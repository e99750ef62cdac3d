SUMMARY = "An update of edgecam-image for the other slot"
LICENSE = "Apache-2.0"

inherit bundle

RAUC_BUNDLE_COMPATIBLE = "edgecam-${MACHINE}"
RAUC_BUNDLE_VERSION = "${DISTRO_VERSION}"
RAUC_BUNDLE_DESCRIPTION = "edgecam-image for ${MACHINE}"
RAUC_BUNDLE_FORMAT = "verity"
RAUC_BUNDLE_SLOTS = "rootfs"
RAUC_SLOT_rootfs = "edgecam-image"
RAUC_SLOT_rootfs[fstype] = "ext4"
RAUC_SLOT_rootfs[adaptive] = "block-hash-index"

# The builder's own: see meta-rauc's documentation for making them.
RAUC_KEY_FILE ?= "${TOPDIR}/rauc/key.pem"
RAUC_CERT_FILE ?= "${TOPDIR}/rauc/cert.pem"
