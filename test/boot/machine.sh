# The virtual machine of run.sh: power, console, network, and what is asked of
# the guest. Sourced by it.

say() { echo "test-boot: $*"; }
stop() {
  [ -n "$qemu" ] || return 0
  kill -KILL "$qemu" 2>/dev/null || :
  wait "$qemu" 2>/dev/null || :
  qemu=
}
fail() {
  echo "test-boot: FAILED: $*" >&2
  echo "test-boot: the console's end:" >&2
  tr -d '\r' <"$console" | tail -n 25 >&2
  if [ -n "$qemu" ] && [ -e "$work/known_hosts" ]; then
    guest journalctl -b -n 400 --no-pager >"$logs/boot-journal.log" 2>/dev/null || :
  fi
  exit 1
}

case $image in
*-rpi4.img | *-zero2w.img)
  # Not the board, but its own U-Boot script, kernel and system on another board.
  arch=arm64 loader=uboot
  machine=(qemu-system-aarch64 -M virt -cpu cortex-a72 -bios /usr/lib/u-boot/qemu_arm64/u-boot.bin)
  code=/usr/lib/u-boot/qemu_arm64/u-boot.bin package="qemu-system-arm u-boot-qemu"
  ;;
*arm64*)
  arch=arm64
  machine=(qemu-system-aarch64 -M virt -cpu cortex-a72)
  loader=uefi code=/usr/share/AAVMF/AAVMF_CODE.fd vars=/usr/share/AAVMF/AAVMF_VARS.fd package="qemu-system-arm qemu-efi-aarch64"
  ;;
*)
  arch=amd64
  machine=(qemu-system-x86_64 -M q35 -cpu max)
  loader=uefi code=/usr/share/OVMF/OVMF_CODE_4M.fd vars=/usr/share/OVMF/OVMF_VARS_4M.fd package="qemu-system-x86 ovmf"
  ;;
esac
if [ "$loader" = uefi ]; then
  machine+=(-drive "if=pflash,format=raw,readonly=on,file=$code" -drive "if=pflash,format=raw,file=$work/vars.fd")
fi
command -v "${machine[0]}" >/dev/null && [ -e "$code" ] || { echo "test-boot: install $package" >&2; exit 1; }

free() { # a port that nobody has, of TCP or UDP
  local p
  while p=$((20000 + RANDOM % 10000)); do
    grep -qi ":$(printf '%04X' "$p") " /proc/net/{tcp,udp,tcp6,udp6} || { echo "$p"; return; }
  done
}
https=$(free) media=$(free) ssh=$(free)
url=https://127.0.0.1:$https
disk=$work/disk.img console=$logs/boot-console-$arch.log
: >"$console"
at=$disk@@1048576 # the boot partition

power_on() {
  from=$(stat -c %s "$console") # this start's part of the console
  # One processor: on a busy host two emulated ones wait for each other.
  "${machine[@]}" -accel tcg -smp 1 -m 1024 -nodefaults -nographic -serial stdio \
    -drive "if=virtio,format=raw,file=$disk,cache=writeback" -device virtio-rng-pci \
    -netdev "user,id=n,hostfwd=tcp:127.0.0.1:$https-:8443,hostfwd=udp:127.0.0.1:$media-:$media,hostfwd=tcp:127.0.0.1:$ssh-:22" \
    -device virtio-net-pci,netdev=n,romfile= </dev/null >>"$console" 2>&1 &
  qemu=$!
  began=$(date +%s)
}
since() { echo $(($(date +%s) - began)); }
# cpu: what the machine has cost since power on, in seconds of a processor. Under
# load it is the sturdier figure.
cpu() { sed 's/.*) //' "/proc/$qemu/stat" | awk -v hz="$(getconf CLK_TCK)" '{ printf "%.0f", ($12 + $13) / hz }'; }
# said PATTERN: what this start has written to the console.
said() { tail -c "+$((from + 1))" "$console" | tr -d '\r' | grep -aoE "$1"; }
# wait_for WHAT COMMAND...: until it succeeds, at most EDGECAM_BOOT_LIMIT seconds.
wait_for() {
  local what=$1 end=$(($(date +%s) + limit))
  shift
  until "$@" >/dev/null 2>&1; do
    kill -0 "$qemu" 2>/dev/null || fail "QEMU ended while waiting: $what"
    [ "$(date +%s)" -lt "$end" ] || fail "not within $limit s: $what"
    sleep 1
  done
}
get() { curl -ksS --max-time 30 "$@"; }
answers() { [ "$(get -o "$work/healthz" -w '%{http_code}' "$url/healthz")" = 200 ]; }
# comes_up: waits until the node answers, and says how long it took.
comes_up() { wait_for "the node answers" answers; took=$(since); }
guest() {
  ssh -q -n -i "$work/key" -p "$ssh" -o UserKnownHostsFile="$work/known_hosts" -o StrictHostKeyChecking=accept-new -o BatchMode=yes \
    -o ConnectTimeout=30 -o ServerAliveInterval=20 -o ServerAliveCountMax=6 root@127.0.0.1 "$@"
}
give() { # give FILE PATH: a file into the guest
  ssh -q -i "$work/key" -p "$ssh" -o UserKnownHostsFile="$work/known_hosts" -o BatchMode=yes root@127.0.0.1 "cat >$2" <"$1"
}
api() { # api PATH [CURL-ARGUMENT...]
  local path=$1
  shift
  get -H "Authorization: Bearer $(cat "$work/token")" -H 'Content-Type: application/json' "$@" "$url$path"
}
status() { api /api/status; }
# picture [TIME]: a WHEP session, by the project's own viewer.
picture() {
  # The node's settings are none of the viewer's.
  env -u EDGECAM_ARTIFACTS -u EDGECAM_POWER_CUTS -u EDGECAM_BOOT_LIMIT -u EDGECAM_BOOT_STEPS \
    "$root/bin/edgecam" view "$url" --token-file "$work/token" --fingerprint "$fingerprint" \
    --loopback --once --display none --speaker sim --duration "${1:-20s}" --stats --json >"$logs/view.json" 2>"$logs/view.log" || :
  frames=$(grep -o '"framesDecoded":[0-9]*' "$logs/view.json" | tail -n 1 | cut -d: -f2)
  [ "${frames:-0}" -gt 0 ]
}
# edit_options SLOT EDIT: changes the kernel's options.
edit_options() {
  local entry=loader/entries/edgecam-$1.conf
  [ "$loader" = uefi ] || entry=$1/boot.env
  mtype -i "$at" "::$entry" >"$work/entry"
  sed -i -E "/^(options |bootargs=)/ { $2 }" "$work/entry"
  mcopy -o -i "$at" "$work/entry" "::$entry"
}
# slots: what the boot loader goes by.
slots() {
  if [ "$loader" = uefi ]; then
    mdir -i "$at" -b ::loader/entries 2>/dev/null | grep -o 'edgecam-[ab][^/]*' | sort | tr '\n' ' '
  else
    dd if="$disk" bs=512 skip=2047 count=1 status=none | tr -d '\0' | tr '\n' ' '
  fi
}
# kept SLOT: it is started, and no other is on trial.
kept() {
  case "$loader $(slots)" in "uefi "*edgecam-"$1".conf*) ;; "uboot slot=$1 try= left=0 ") ;; *) return 1 ;; esac
}
