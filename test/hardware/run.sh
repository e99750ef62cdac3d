#!/bin/sh
# Runs the device drivers on the kernel's own virtual hardware: boots Debian's
# kernel in QEMU (emulated, no KVM needed) with vivid cameras, a looped-back
# sound card and simulated GPIO lines, and runs test/hardware/guest in there: the
# drivers, and then the whole node, which test/hardware/viewer calls from outside.
#
#   test/hardware/run.sh [amd64] [arm64]     default: the machine's own
#   test/hardware/run.sh modules ARCH        gets ready what a guest boots, and
#                                            prints where its modules are
#
# Needs Debian 12 and root (or sudo) for apt-get. Downloads and built modules
# are kept in $EDGECAM_HARDWARE_CACHE (default ~/.cache/edgecam/hardware), logs
# in its folder logs; where $EDGECAM_ARTIFACTS is set, those of a failed guest are
# copied there. $EDGECAM_GUEST_RUN selects tests as go test -run does;
# $EDGECAM_GUEST_TIMEOUT bounds a guest's life in seconds (default 600),
# $EDGECAM_GUEST_CYCLES is how often the camera is pulled out (default 5);
# $EDGECAM_GUEST_MINUTES lets a viewer watch for that long (TestNodeStreams).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
# The Opus binding's file reader is not used (see Makefile).
GOFLAGS="${GOFLAGS:-} -tags=nolibopusfile"
export GOFLAGS
cache=${EDGECAM_HARDWARE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/edgecam/hardware}
host=$(dpkg --print-architecture)
mkdir -p "$cache/debs" "$cache/logs"

say() { echo "hardware: $*"; }
die() { echo "hardware: $*" >&2; exit 1; }
# bounded COMMAND...: no step may hold the run for ever.
bounded() { timeout -k 10 900 "$@"; }
sudo() { if [ "$(id -u)" = 0 ]; then "$@"; else command sudo "$@"; fi; }

# apt_for ARCH COMMAND...: apt-get for a guest's architecture, with lists of its
# own where that is not the host's.
apt_for() {
	arch=$1
	shift
	if [ "$arch" = "$host" ]; then
		bounded "$@"
		return
	fi
	state=$cache/apt-$arch
	mkdir -p "$state/lists/partial" "$state/archives/partial"
	[ -e "$state/status" ] || : >"$state/status"
	cat >"$state/apt.conf" <<-CONF
		APT::Architecture "$arch";
		APT::Architectures { "$arch"; };
		Dir::State::lists "$state/lists";
		Dir::State::status "$state/status";
		Dir::Cache::archives "$state/archives";
		Dir::Cache::pkgcache "";
		Dir::Cache::srcpkgcache "";
	CONF
	if [ ! -e "$state/updated" ]; then
		bounded env APT_CONFIG=$state/apt.conf apt-get update -qq
		touch "$state/updated"
	fi
	bounded env APT_CONFIG=$state/apt.conf "$@"
}

# unpack ARCH PACKAGE FOLDER: downloads a package once and unpacks it.
unpack() {
	mark=$3/.unpacked-$2
	[ -e "$mark" ] && return
	mkdir -p "$3"
	say "fetching $2 ($1)"
	(cd "$cache/debs" && apt_for "$1" apt-get download -qq "$2" 2>"$cache/logs/download.log") ||
		die "cannot download $2, see $cache/logs/download.log"
	deb=$(ls -t "$cache/debs/${2}"_*.deb | head -n 1)
	dpkg-deb -x "$deb" "$3"
	rm -f "$deb"
	touch "$mark"
}

# kernel ARCH: unpacks kernel and headers into $cache/ARCH, builds gpio-sim.
kernel() {
	arch=$1
	dir=$cache/$arch
	mkdir -p "$dir"
	if [ ! -e "$dir/version" ]; then
		[ "$arch" != "$host" ] || sudo timeout -k 10 900 apt-get update -qq
		image=$(apt_for "$arch" apt-cache depends "linux-image-$arch" | sed -n 's/.*Depends: \(linux-image-6[^ ]*\).*/\1/p' | head -n 1)
		[ -n "$image" ] || die "apt knows no kernel for $arch"
		echo "${image#linux-image-}" >"$dir/version"
	fi
	version=$(cat "$dir/version")  # 6.1.0-56-amd64
	series=$(echo "$version" | cut -d. -f1,2)
	unpack "$arch" "linux-image-$version" "$dir/kernel"
	if [ ! -e "$dir/kernel/lib/modules/$version/extra/gpio-simx.ko" ]; then
		unpack "$arch" "linux-headers-$version" "$dir/headers"
		unpack "$host" "linux-headers-${version%-*}-common" "$dir/headers"
		unpack "$host" "linux-kbuild-$series" "$dir/headers"
		gpio_sim "$dir" "$version" "$series"
	fi
	/sbin/depmod -b "$dir/kernel" "$version"
	if [ ! -e "$dir/vmlinuz" ]; then
		cp "$dir/kernel/boot/vmlinuz-$version" "$dir/vmlinuz"
		# The decompressor takes most of an emulated boot: start the ELF itself.
		[ "$arch" != amd64 ] || uncompress "$dir/vmlinuz"
	fi
}

# uncompress FILE: replaces a bzImage by the vmlinux inside it.
uncompress() {
	for try in "xz \375\067zXZ\000" "zstd \050\265\057\375"; do
		magic=$(printf "${try#* }" | od -An -tx1 | tr -d ' \n' | sed 's/../\\x&/g')
		for at in $(LC_ALL=C grep -obUaP "$magic" "$1" | cut -d: -f1); do
			tail -c "+$((at + 1))" "$1" | "${try%% *}" -dc >"$1.elf" 2>/dev/null || :
			if [ "$(head -c 4 "$1.elf" | tail -c 3)" = ELF ]; then
				mv "$1.elf" "$1"
				return
			fi
		done
	done
	rm -f "$1.elf"
	die "found no kernel in $1"
}

# gpio_sim DIR VERSION SERIES: builds the GPIO simulator, which Debian leaves
# out, from Debian's kernel source, with the interrupt simulator it needs.
gpio_sim() {
	src=$cache/source-$3
	if [ ! -e "$src/gpio-sim.c" ]; then
		unpack "$host" "linux-source-$3" "$src/deb"
		say "unpacking three files of the kernel source"
		for f in drivers/gpio/gpio-sim.c drivers/gpio/gpiolib.h kernel/irq/irq_sim.c; do echo "linux-source-$3/$f"; done >"$src/files"
		tar -xJf "$src/deb/usr/src/linux-source-$3.tar.xz" -C "$src" --strip-components=1 -T "$src/files"
		cp "$src/drivers/gpio/gpio-sim.c" "$src/drivers/gpio/gpiolib.h" "$src/kernel/irq/irq_sim.c" "$src/"
		rm -rf "$src/deb"
	fi
	build=$1/gpio-sim
	rm -rf "$build"
	mkdir -p "$build"
	cp "$src/gpio-sim.c" "$src/gpiolib.h" "$src/irq_sim.c" "$build/"
	# Both parts in one module: no exports between them, and the one function
	# that is not exported to modules is gone round.
	sed -i -e '/EXPORT_SYMBOL/d' -e 's/irq_to_desc(\([^)]*\))/irq_data_to_desc(irq_get_irq_data(\1))/' "$build/irq_sim.c"
	printf 'obj-m := gpio-simx.o\ngpio-simx-y := gpio-sim.o irq_sim.o\n' >"$build/Kbuild"
	headers=$1/headers/usr/src/linux-headers-$2
	common=$1/headers/usr/src/linux-headers-${2%-*}-common
	echo "include $common/Makefile" >"$headers/Makefile"
	compiler=gcc-12
	cross=
	arch=x86
	if [ "${2##*-}" = arm64 ]; then
		arch=arm64
		if [ "$host" != arm64 ]; then cross=aarch64-linux-gnu- compiler=aarch64-linux-gnu-gcc-12; fi
	fi
	say "building gpio-sim for $2"
	bounded make -C "$headers" M="$build" ARCH=$arch CC=$compiler CROSS_COMPILE=$cross CONFIG_DEBUG_INFO_BTF_MODULES= modules \
		>"$cache/logs/gpio-sim-$arch.log" 2>&1 || die "gpio-sim does not build, see $cache/logs/gpio-sim-$arch.log"
	mkdir -p "$1/kernel/lib/modules/$2/extra"
	cp "$build/gpio-simx.ko" "$1/kernel/lib/modules/$2/extra/"
}

# libraries ARCH FOLDER: what the programs need to run: libc, libopus, and
# libasound with its configuration, which miniaudio loads by name.
libraries() {
	sys=$cache/$1/sysroot
	for p in libc6 libgcc-s1 libasound2 libasound2-data libopus0; do unpack "$1" "$p" "$sys"; done
	for d in lib usr/lib; do
		[ -d "$sys/$d" ] || continue
		(cd "$sys" && find "$d" \( -name 'libc.so.*' -o -name 'libm.so.*' -o -name 'libdl.so.*' -o -name 'libpthread.so.*' \
			-o -name 'librt.so.*' -o -name 'libresolv.so.*' -o -name 'libgcc_s.so.*' -o -name 'libasound.so.*' \
			-o -name 'libopus.so.*' -o -name 'ld-linux*' \) \
			-print0 | cpio -0pdm --quiet "$2")
	done
	# The loader's path in the program is absolute: /lib64 or /lib.
	mkdir -p "$2/lib64" "$2/usr/share"
	for l in "$2"/lib/*-linux-gnu/ld-linux*; do ln -sf "/lib/$(basename "$(dirname "$l")")/$(basename "$l")" "$2/lib64/"; done
	[ "$1" != arm64 ] || ln -sf aarch64-linux-gnu/ld-linux-aarch64.so.1 "$2/lib/ld-linux-aarch64.so.1"
	cp -r "$sys/usr/share/alsa" "$2/usr/share/"
}

# initramfs ARCH: builds the tests and packs everything the guest sees.
initramfs() {
	arch=$1
	dir=$cache/$arch
	version=$(cat "$dir/version")
	tree=$dir/tree
	rm -rf "$tree"
	mkdir -p "$tree/bin" "$tree/dev" "$tree/proc" "$tree/sys" "$tree/tmp" "$tree/modules" "$tree/etc"
	say "building the tests for $arch"
	target=build program=edgecam compiler=gcc
	[ "$arch" = "$host" ] || target=cross program=edgecam-$arch compiler=aarch64-linux-gnu-gcc
	bounded make -C "$root" --no-print-directory $target >"$cache/logs/build-$arch.log" 2>&1 || die "edgecam does not build, see $cache/logs/build-$arch.log"
	cp "$root/bin/$program" "$tree/bin/edgecam"
	set --
	if [ "$arch" != "$host" ]; then # with the libraries that the program was built with
		set -- PKG_CONFIG_LIBDIR="$root/bin/sysroot-$arch/usr/lib/aarch64-linux-gnu/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$root/bin/sysroot-$arch"
	fi
	(cd "$root" && bounded env GOARCH="$arch" CGO_ENABLED=1 CC=$compiler "$@" go test -c -o "$tree/bin/guest.test" ./test/hardware/guest &&
		bounded go test -c -o "$cache/viewer.test" ./test/hardware/viewer)
	unpack "$arch" busybox-static "$dir/busybox"
	cp "$dir/busybox/bin/busybox" "$tree/bin/busybox"
	cp "$here/init" "$tree/init"
	chmod 755 "$tree/init"
	# Modules in the order in which they must be inserted.
	: >"$tree/modules/order"
	for m in virtio-pci virtio-net vivid snd-aloop gpio-simx bochs; do
		/sbin/modprobe -d "$dir/kernel" -S "$version" --show-depends "$m" | sed -n 's/^insmod \([^ ]*\).*/\1/p' |
			while read -r ko; do
				name=$(basename "${ko%.xz}")
				case $ko in *.xz) xz -dc "$ko" >"$tree/modules/$name" ;; *) cp "$ko" "$tree/modules/" ;; esac
				grep -qx "$name" "$tree/modules/order" || echo "$name" >>"$tree/modules/order"
			done
	done
	libraries "$arch" "$tree"
	(cd "$tree" && find . -print0 | cpio -0oH newc --quiet -R 0:0 | gzip -1) >"$dir/initramfs.gz"
}

# boot ARCH: runs the guest, with a viewer outside, and judges the consoles.
boot() {
	arch=$1
	dir=$cache/$arch
	log=$cache/logs/guest-$arch.log
	viewer=$cache/logs/viewer-$arch.log
	limit=${EDGECAM_GUEST_TIMEOUT:-600}
	start=$(date +%s)
	say "booting the $arch guest, log in $log"
	# The port of all media has the same number inside and outside, because the
	# node tells viewers its own. It may be taken: a few are tried.
	for _ in 1 2 3 4 5; do
		port=$((20000 + 0x$(od -An -N2 -tx2 /dev/urandom | tr -d ' ') % 6000 * 2))
		: >"$log"
		run_guest "$arch" "$port" &
		qemu=$!
		sleep 2
		grep -q 'Could not set up host forwarding' "$log" || break
		wait "$qemu" || :
	done
	EDGECAM_GUEST_CONSOLE=$log EDGECAM_GUEST_ADDRESS=127.0.0.1:$((port + 1)) timeout -k 10 "$limit" \
		"$cache/viewer.test" -test.v -test.timeout="${limit}s" >"$viewer" 2>&1 </dev/null && watched=0 || watched=$?
	wait "$qemu" || say "the guest was ended after $limit s, or QEMU failed"
	results "$log"
	results "$viewer"
	say "$arch: $(($(date +%s) - start)) s"
	if tr -d '\r' <"$log" | grep -q '^EDGECAM-GUEST-RESULT 0$' && { [ "$watched" = 0 ] || ! expects_viewer; }; then
		return 0
	fi
	if [ -n "${EDGECAM_ARTIFACTS:-}" ]; then
		mkdir -p "$EDGECAM_ARTIFACTS" && cp "$log" "$viewer" "$EDGECAM_ARTIFACTS/"
	fi
	say "the last lines of the console of $arch:"
	tail -n 15 "$log"
	return 1
}

# failures ARCH: a pattern of the tests that failed in the guest; empty if it is
# not known which.
failures() {
	{
		tr -d '\r' <"$cache/logs/guest-$1.log" | sed -n 's/^--- FAIL: \([A-Za-z0-9]*\) .*/\1/p'
		! expects_viewer || ! grep -q '^--- FAIL: TestNode.*InGuest' "$cache/logs/viewer-$1.log" || echo "TestNode${EDGECAM_GUEST_MINUTES:+Streams}"
	} | sort -u | paste -sd '|' | sed 's/..*/^(&)$/'
}

# expects_viewer: whether the selected tests contain the one with the viewer.
expects_viewer() { printf 'TestNode\n%s' "${EDGECAM_GUEST_MINUTES:+TestNodeStreams}" | grep -Eq -- "${EDGECAM_GUEST_RUN:-.}"; }

# run_guest ARCH PORT: QEMU, in the background.
run_guest() {
	append="panic=-1 quiet rdinit=/init edgecam.run=${EDGECAM_GUEST_RUN:-.} edgecam.port=$2 edgecam.time=$(date +%s) edgecam.limit=$((limit - 40)) edgecam.cycles=${EDGECAM_GUEST_CYCLES:-5} edgecam.minutes=${EDGECAM_GUEST_MINUTES:-0}"
	if [ "$1" = amd64 ]; then
		# Without no_timer_check a slow host makes the kernel panic: it counts ticks
		# against a loop of its own and takes the timer for broken.
		set -- "$2" qemu-system-x86_64 -M q35 -cpu max -append "console=ttyS0 no_timer_check $append"
	else
		set -- "$2" qemu-system-aarch64 -M virt -cpu cortex-a72 -append "console=ttyAMA0 $append"
	fi
	port=$1
	shift
	exec timeout -k 10 "$limit" "$@" -accel tcg,thread=multi -smp 2 -m 1024 -nodefaults -nographic -no-reboot -serial stdio \
		-netdev "user,id=net,hostfwd=udp:127.0.0.1:$port-:$port,hostfwd=tcp:127.0.0.1:$port-:$port,hostfwd=tcp:127.0.0.1:$((port + 1))-:8443" \
		-device virtio-net-pci,netdev=net,romfile= -device bochs-display,romfile= -kernel "$dir/vmlinuz" -initrd "$dir/initramfs.gz" >>"$log" 2>&1 </dev/null
}

# results LOG: its lines that tell how tests ended.
results() {
	tr -d '\r' <"$1" | grep -E '^ *(---|===|ok|FAIL|PASS|panic|[a-z_]+_test.go:)' | grep -v '=== \(RUN\|PAUSE\|CONT\|NAME\)' || :
}

if [ "${1:-}" = modules ]; then
	"$root/scripts/setup" hardware >&2 || die "this machine lacks what the guests need"
	kernel "${2:-$host}" >&2
	echo "$cache/${2:-$host}/kernel/lib/modules/$(cat "$cache/${2:-$host}/version")"
	exit
fi
[ $# -gt 0 ] || set -- "$host"
bounded "$root/scripts/setup" hardware || die "this machine lacks what the guests need"
failed=
for guest; do
	case $guest in amd64 | arm64) ;; *) die "unknown architecture $guest: amd64 or arm64" ;; esac
	kernel "$guest"
	initramfs "$guest"
	boot "$guest" && continue
	# An emulated machine on a busy host misses deadlines that no device misses:
	# what failed gets a second chance in a machine of its own, and no third.
	again=$(failures "$guest")
	[ -n "$again" ] || { failed="$failed $guest"; continue; }
	for log in guest viewer; do cp "$cache/logs/$log-$guest.log" "$cache/logs/$log-$guest-first.log"; done
	say "a second try of $again"
	before=${EDGECAM_GUEST_RUN:-}
	EDGECAM_GUEST_RUN=$again
	boot "$guest" || failed="$failed $guest"
	EDGECAM_GUEST_RUN=$before
done
[ -z "$failed" ] || die "FAILED on$failed; the consoles are in $cache/logs"
say "passed on $*"
