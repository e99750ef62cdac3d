#!/usr/bin/env bash
# Boots an image in QEMU (emulated, no KVM needed) and looks at it from outside,
# as its owner would: page, login, picture and voice over WHEP, the bell; the
# settings of the boot partition; power cuts; an update into the other slot, a
# bad update that falls back.
#
#   test/boot/run.sh IMAGE [SLOT-FILE]
#
# EDGECAM_POWER_CUTS (default 3) cuts; EDGECAM_BOOT_LIMIT (default 600) seconds
# for a boot; EDGECAM_BOOT_STEPS (default "first cuts update bad") what is done.
# Needs bin/edgecam for this machine. Logs stay in EDGECAM_ARTIFACTS or a
# temporary folder.
set -euo pipefail
image=$(realpath "${1:?usage: test/boot/run.sh IMAGE [SLOT-FILE]}")
slot=${2:-${image%.img}.slot}
root=$(cd "$(dirname "$0")/../.." && pwd)
cuts=${EDGECAM_POWER_CUTS:-3}
limit=${EDGECAM_BOOT_LIMIT:-600}
steps=${EDGECAM_BOOT_STEPS:-first cuts update bad}
work=$(mktemp -d)
logs=${EDGECAM_ARTIFACTS:-$work}
mkdir -p "$logs"
qemu=
say() { echo "test-boot: $*"; }
stop() {
  [ -n "$qemu" ] || return 0
  kill -KILL "$qemu" 2>/dev/null || :
  wait "$qemu" 2>/dev/null || :
  qemu=
}
trap 'stop; rm -rf "$work"' EXIT
fail() {
  echo "test-boot: FAILED: $*" >&2
  echo "test-boot: the console's end:" >&2
  tr -d '\r' <"$console" | tail -n 25 >&2
  exit 1
}

case $image in
*arm64*)
  machine=(qemu-system-aarch64 -M virt -cpu cortex-a72)
  code=/usr/share/AAVMF/AAVMF_CODE.fd vars=/usr/share/AAVMF/AAVMF_VARS.fd package="qemu-system-arm qemu-efi-aarch64"
  ;;
*)
  machine=(qemu-system-x86_64 -M q35 -cpu max)
  code=/usr/share/OVMF/OVMF_CODE_4M.fd vars=/usr/share/OVMF/OVMF_VARS_4M.fd package="qemu-system-x86 ovmf"
  ;;
esac
command -v "${machine[0]}" >/dev/null && [ -e "$code" ] || { echo "test-boot: install $package" >&2; exit 1; }
free() { # a port that nobody listens on
  local p
  while p=$((20000 + RANDOM % 10000)); do
    (exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null || { echo "$p"; return; }
  done
}
https=$(free) media=$(free)
disk=$work/disk.img console=$logs/boot-console.log
: >"$console"
cp --sparse=always "$image" "$disk"
truncate -s 2G "$disk" # a card is larger than the image: the state must grow
cp "$vars" "$work/vars.fd"
chmod u+w "$work/vars.fd"
at=$disk@@1048576 # the boot partition

power_on() {
  "${machine[@]}" -accel tcg,thread=multi -smp 2 -m 1024 -nodefaults -nographic -serial stdio \
    -drive "if=pflash,format=raw,readonly=on,file=$code" -drive "if=pflash,format=raw,file=$work/vars.fd" \
    -drive "if=virtio,format=raw,file=$disk,cache=writeback" -device virtio-rng-pci \
    -netdev "user,id=n,hostfwd=tcp:127.0.0.1:$https-:8443,hostfwd=udp:127.0.0.1:$media-:$media" -device virtio-net-pci,netdev=n,romfile= \
    </dev/null >>"$console" 2>&1 &
  qemu=$!
  began=$(date +%s)
}
get() { curl -ksS --max-time 20 "$@"; }
# comes_up: waits until the node answers, and says how long it took.
comes_up() {
  until [ "$(get -o "$work/healthz" -w '%{http_code}' "https://127.0.0.1:$https/healthz" 2>/dev/null)" = 200 ]; do
    kill -0 "$qemu" 2>/dev/null || fail "QEMU ended"
    [ $(($(date +%s) - began)) -lt "$limit" ] || fail "no answer after $limit s"
    sleep 1
  done
  took=$(($(date +%s) - began))
}
# guest COMMAND: asks the guest's own small service, made for this test.
login() { get -c "$work/cookies" -H 'Content-Type: application/json' -d "{\"secret\":\"$secret\"}" "https://127.0.0.1:$https/api/login" -o "$work/login" -w '%{http_code}'; }
# picture: a WHEP session of some seconds, by the project's own viewer.
picture() {
  "$root/bin/edgecam" view "https://127.0.0.1:$https" --token-file "$work/token" --fingerprint "$fingerprint" \
    --loopback --once --display none --duration "${1:-20s}" --stats --json >"$logs/view.json" 2>"$logs/view.log" || :
  frames=$(grep -o '"framesDecoded":[0-9]*' "$logs/view.json" | tail -n 1 | cut -d: -f2)
  [ "${frames:-0}" -gt 0 ]
}

# The test's own settings: virtual devices, a small picture, NAT-proof media.
entry=loader/entries/edgecam-a.conf
mtype -i "$at" "::$entry" >"$work/entry"
sed -i 's/quiet/quiet systemd.show_status=0 mitigations=off no_timer_check loglevel=4/; s/^options .*/& modules_load=vivid,snd-aloop vivid.n_devs=1 vivid.node_types=0x1 vivid.num_inputs=1 vivid.input_types=0x0/; s/console=tty0 //' "$work/entry"
mcopy -o -i "$at" "$work/entry" "::$entry"
cat >"$work/edgecam.yaml" <<YAML
node: {name: Booted}
camera: {width: 320, height: 180, fps: 10}
webrtc: {udp_port: $media, public_ips: [127.0.0.1]}
YAML
mcopy -i "$at" "$work/edgecam.yaml" ::edgecam/edgecam.yaml
printf 'Front-Door\r\n' >"$work/hostname"
mcopy -i "$at" "$work/hostname" ::edgecam/hostname
printf 'nonsense\n' >"$work/authorized_keys"
mcopy -i "$at" "$work/authorized_keys" ::edgecam/authorized_keys

say "first boot"
power_on
comes_up
say "the node answers $took s after power on"
first=$took
line() { tr -d '\r' <"$console" | grep -a "$1" | tail -n 1; }
for _ in $(seq 60); do
  secret=$(tr -d '\r' <"$console" | grep -aoE '[0-9A-Z]{4}(-[0-9A-Z]{4}){5,7}' | head -n 1)
  fingerprint=$(tr -d '\r' <"$console" | grep -aoiE 'fingerprint: [0-9A-F:]+' | tail -n 1 | cut -d' ' -f2)
  [ -z "$secret" ] || [ -z "$fingerprint" ] || break
  sleep 1
done
[ -n "$secret" ] && [ -n "$fingerprint" ] || fail "the console shows no owner secret"
[ "$(get -o "$work/page" -w '%{http_code}' "https://127.0.0.1:$https/")" = 200 ] && grep -qi edgecam "$work/page" || fail "no page"
[ "$(get -o "$work/x" -w '%{http_code}' "https://127.0.0.1:$https/api/status")" = 401 ] || fail "the status is open to anybody"
answer=$(login)
[ "$answer" = 200 ] || fail "login: $answer $(cat "$work/login")"
get -b "$work/cookies" -H "Origin: https://127.0.0.1:$https" -H 'Content-Type: application/json' -d '{"name":"test","scopes":["view","talk","admin"]}' \
  "https://127.0.0.1:$https/api/tokens" >"$work/token.json"
grep -o 'ec_[A-Za-z0-9_-]*' "$work/token.json" | head -n 1 >"$work/token"
[ -s "$work/token" ] || fail "no token: $(cat "$work/token.json")"
status() { get -H "Authorization: Bearer $(cat "$work/token")" "https://127.0.0.1:$https/api/status"; }
picture 25s || fail "no picture: $(tail -n 3 "$logs/view.log")"
say "$frames pictures by WHEP"
status >"$work/status"
grep -q '"name":"Booted"' "$work/status" || fail "the boot partition's settings are not in force: $(cat "$work/status")"
# The voice: blocks from the sound card under the hardened unit.
get -H "Authorization: Bearer $(cat "$work/token")" "https://127.0.0.1:$https/metrics" >"$logs/metrics"
blocks=$(awk '/^edgecam_audio_captured_blocks_total/ { print int($2) }' "$logs/metrics")
[ "${blocks:-0}" -gt 0 ] || fail "the sound card delivers nothing: $(line 'microphone not available')"
say "$blocks blocks of sound"
grep -q '"simulated":true' "$work/status" && fail "the camera is simulated: $(cat "$work/status")"
mdir -i "$at" -b ::edgecam >"$work/left" 2>/dev/null || :
grep -qi 'edgecam/edgecam.yaml' "$work/left" && fail "the settings are still on the boot partition"
grep -qi 'authorized_keys.error' "$work/left" || fail "a wrong file was not refused: $(cat "$work/left")"
say "the state: $(line 'the state has' | sed 's/.*the state has //')"

case " $steps " in *" cuts "*)
  for n in $(seq "$cuts"); do
    # At a random moment: while it boots, or while somebody watches.
    if [ $((RANDOM % 2)) = 0 ]; then picture 5s || :; fi
    sleep $((RANDOM % 5))
    stop
    power_on
    if [ $((n % 2)) = 0 ]; then
      sleep $((5 + RANDOM % 20))
      stop
      power_on
    fi
    comes_up
    status | grep -q '"name":"Booted"' || fail "after power cut $n settings or token are lost"
    say "power cut $n: back after $took s"
  done
  picture 20s || fail "no picture after the power cuts"
  say "$frames pictures after the power cuts"
  ;;
esac
# entries: the boot menu's files.
entries() { mdir -i "$at" -b ::loader/entries 2>/dev/null | grep -o 'edgecam-[ab][^/]*' | sort | tr '\n' ' '; }
# slot_is NAME: which slot the last start was from.
slot_is() { tr -d '\r' <"$console" | grep -aoE 'slot [ab] is good' | tail -n 1 | grep -q "slot $1 is"; }
good() { # waits until the slot has been found good
  until slot_is "$1"; do
    [ $(($(date +%s) - began)) -lt "$limit" ] || fail "slot $1 was not found good; entries: $(entries)"
    kill -0 "$qemu" 2>/dev/null || fail "QEMU ended"
    sleep 1
  done
}
case " $steps " in *" update "*)
  stop
  mcopy -i "$at" "$slot" ::edgecam/update.slot
  power_on
  good b
  comes_up
  sleep 5 # the boot counter's file is renamed
  picture 20s || fail "no picture after the update"
  stop
  case " $(entries)" in *" edgecam-b.conf"*) ;; *) fail "the new slot is not kept: $(entries)" ;; esac
  say "updated into slot b: $(entries)"
  ;;
esac
case " $steps " in *" bad "*)
  stop
  mkdir "$work/bad"
  tar -xf "$slot" -C "$work/bad"
  head -c 1000000 /dev/urandom >"$work/bad/root.squashfs"
  tar -C "$work/bad" -cf "$work/bad.slot" VERSION vmlinuz initrd root.squashfs
  mcopy -i "$at" "$work/bad.slot" ::edgecam/bad.slot
  : >"$work/mark"
  at_byte=$(stat -c %s "$console")
  power_on
  # It is written, fails three times, and the slot before it starts again.
  before=b
  case " $steps " in *" update "*) ;; *) before=a ;; esac
  until tail -c +"$at_byte" "$console" | tr -d '\r' | grep -ac 'cannot be mounted; starting' | grep -qx '[3-9]'; do
    [ $(($(date +%s) - began)) -lt $((2 * limit)) ] || fail "the bad slot was not tried three times; entries: $(entries)"
    sleep 2
  done
  comes_up
  status | grep -q '"name":"Booted"' || fail "the state is lost"
  good $before
  stop
  say "a bad update was given up after three tries: $(entries)"
  ;;
esac
stop
say "passed; first boot $first s"
