SUMMARY = "A door station: edgecam and what it needs, nothing else"
LICENSE = "Apache-2.0"

inherit core-image

# No password is set and no SSH server is installed. For development add
# "debug-tweaks ssh-server-openssh" in local.conf.
IMAGE_FEATURES += "read-only-rootfs"
IMAGE_LINGUAS = ""

# edgecam-bin on series that cannot build it.
EDGECAM_PACKAGE ?= "edgecam"

IMAGE_INSTALL = " \
    packagegroup-core-boot \
    ${EDGECAM_PACKAGE} \
    ca-certificates \
    tzdata \
    kernel-modules \
    ${CORE_IMAGE_EXTRA_INSTALL} \
"

# The state outlives updates on a partition of its own.
ROOTFS_POSTPROCESS_COMMAND += "edgecam_state_mount;"
edgecam_state_mount() {
    install -d ${IMAGE_ROOTFS}/state
    if ! grep -q ' /var/lib/edgecam ' ${IMAGE_ROOTFS}${sysconfdir}/fstab; then
        echo 'LABEL=edgecam-state /var/lib/edgecam ext4 noatime,nofail,x-systemd.growfs 0 2' >> ${IMAGE_ROOTFS}${sysconfdir}/fstab
    fi
}
