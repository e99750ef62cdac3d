# CSI cameras come through Argus, run by the camera stack's unit.
RRECOMMENDS:${PN}:append:tegra = " gstreamer1.0-plugins-nvarguscamerasrc gstreamer1.0-plugins-nvvidconv v4l2loopback"
