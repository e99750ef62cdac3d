FILESEXTRAPATHS:prepend := "${THISDIR}/files:"

# The keyring is the builder's own (ca.cert.pem in a layer of theirs).
do_install:append() {
    sed -i -e 's/@MACHINE@/${MACHINE}/' ${D}${sysconfdir}/rauc/system.conf
}
