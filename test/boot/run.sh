#!/usr/bin/env bash
# Boots an image in QEMU (emulated, no KVM needed) and looks at it from outside,
# as its owner would.
#
#   test/boot/run.sh IMAGE [SLOT-FILE]
#
# What is done, and what EDGECAM_BOOT_STEPS selects (first is always done):
#   first    first boot: the boot partition's settings, page, login, SSH by key,
#            systemd's own account of itself, picture and voice by WHEP
#   devices  Chromium sees the camera, hears a tone at the sound card, and sees
#            the button pressed (needs Chromium, node; skipped visibly without)
#   cuts     the power is cut at random, EDGECAM_POWER_CUTS times (default 10)
#   program  the program is updated by a signed manifest; one that dies and one
#            that hangs are replaced by the former one
#   update   the system is updated into the other slot
#   bad      a system that cannot start is given up
#   times    power on to the first picture, beside the same system without node
#
# EDGECAM_BOOT_LIMIT (default 600) seconds for a boot or a step. Needs
# bin/edgecam for this machine. Logs stay in EDGECAM_ARTIFACTS or go with a
# temporary folder.
set -euo pipefail
image=$(realpath "${1:?usage: test/boot/run.sh IMAGE [SLOT-FILE]}")
slot=${2:-${image%.img}.slot}
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cuts=${EDGECAM_POWER_CUTS:-10}
limit=${EDGECAM_BOOT_LIMIT:-600}
steps=${EDGECAM_BOOT_STEPS:-first devices cuts program update bad times}
work=$(mktemp -d)
logs=${EDGECAM_ARTIFACTS:-$work}
mkdir -p "$logs"
logs=$(realpath "$logs")
qemu=
server=
trap 'stop; [ -z "$server" ] || kill "$server"; rm -rf "$work"' EXIT
. "$here/machine.sh"
. "$here/programs.sh"
begun=$(date +%s)
selected() { case " $steps " in *" $1 "*) ;; *) return 1 ;; esac }

cp --sparse=always "$image" "$disk"
truncate -s 2G "$disk" # a card is larger than the image: the state must grow
if [ "$loader" = uefi ]; then
  cp "$vars" "$work/vars.fd"
  chmod u+w "$work/vars.fd"
fi

# The test's own settings: virtual devices, a small picture, NAT-proof media.
edit_options a 's/quiet/quiet systemd.show_status=0 mitigations=off no_timer_check nowatchdog rcupdate.rcu_expedited=1 loglevel=4/; s/$/ modules_load=vivid,snd-aloop vivid.n_devs=1 vivid.node_types=0x1 vivid.num_inputs=1 vivid.input_types=0x0/; s/console=ttyS1,115200 console=tty0/console=ttyAMA0/; s/console=tty0 //'
updates=$("$root/bin/edgecam" update keygen "$work/release.key")
cat >"$work/edgecam.yaml" <<YAML
node: {name: Booted}
camera: {width: 320, height: 180, fps: 10}
# What works against steady tones and test pictures is off.
audio: {echo_cancellation: false, noise_reduction: "off", gain_control: false, analog_gain: false}
enhance: {denoise: "off", tone: "off", deflicker: "off"}
lines:
  button: {chip: edgecam-sim, offset: 0, active_low: false, bias: as-is}
webrtc: {udp_port: $media, public_ips: [127.0.0.1]}
update: {keys: [$updates]}
YAML
ssh-keygen -q -t ed25519 -N '' -C owner -f "$work/key"
printf 'Front-Door\r\n' >"$work/hostname"
printf 'nonsense\n' >"$work/wifi.conf"
mcopy -i "$at" "$work/edgecam.yaml" "$work/hostname" "$work/wifi.conf" ::edgecam/
mcopy -i "$at" "$work/key.pub" ::edgecam/authorized_keys

say "first boot"
power_on
comes_up
first=$took
say "the node answers $took s after power on, $(cpu) s of processor time"
told() { secret=$(said '[0-9A-Z]{4}(-[0-9A-Z]{4}){5,7}' | head -n 1) && fingerprint=$(said 'fingerprint: [0-9A-F:]{95}' | tail -n 1 | cut -d' ' -f2) && [ -n "$secret" ] && [ -n "$fingerprint" ]; }
wait_for "the console shows owner secret and fingerprint" told
[ "$(get -o "$work/page" -w '%{http_code}' "$url/")" = 200 ] && grep -qi edgecam "$work/page" || fail "no page"
[ "$(get -o "$work/x" -w '%{http_code}' "$url/api/status")" = 401 ] || fail "the status is open to anybody"
answer=$(get -c "$work/cookies" -H 'Content-Type: application/json' -d "{\"secret\":\"$secret\"}" "$url/api/login" -o "$work/login" -w '%{http_code}')
[ "$answer" = 200 ] || fail "login: $answer $(cat "$work/login")"
get -b "$work/cookies" -H "Origin: $url" -H 'Content-Type: application/json' -d '{"name":"test","scopes":["view","talk","admin"]}' "$url/api/tokens" >"$work/token.json"
grep -o 'ec_[A-Za-z0-9_-]*' "$work/token.json" | head -n 1 >"$work/token"
[ -s "$work/token" ] || fail "no token: $(cat "$work/token.json")"
wait_for "a picture" picture 20s
say "$frames pictures by WHEP in 20 s"
status >"$work/status"
grep -q '"name":"Booted"' "$work/status" || fail "the boot partition's settings are not in force: $(cat "$work/status")"
grep -q '"simulated":true' "$work/status" && fail "a device is simulated: $(cat "$work/status")"
# The voice: blocks from the sound card under the hardened unit.
api /metrics >"$logs/metrics"
blocks=$(awk '/^edgecam_audio_captured_blocks_total/ { print int($2) }' "$logs/metrics")
[ "${blocks:-0}" -gt 0 ] || fail "the sound card delivers nothing"
say "$blocks blocks of sound"
wait_for "SSH by the key of the boot partition" guest true
wait_for "multi-user" guest systemctl is-active -q multi-user.target
wait_for "the slot is good" said 'slot a is good'
say "multi-user $(since) s after power on; $(guest systemd-analyze time | tail -n 1)"
failed=$(guest systemctl list-units --state=failed --no-legend --plain)
[ -z "$failed" ] || fail "units failed: $failed"
say "no unit failed; $(guest systemd-analyze security --no-pager edgecam.service | tail -n 1 | tr -s ' ')"
pid=$(guest systemctl show -P MainPID edgecam.service)
guest cat "/proc/$pid/status" >"$work/process"
# Not root, no capability, no new privileges, system calls filtered.
[ "$(awk '$1 == "Uid:" { print ($2 ? "user" : "root") } $1 == "CapBnd:" || $1 == "NoNewPrivs:" || $1 == "Seccomp:" { print $2 }' "$work/process" | xargs)" = "user 0000000000000000 1 2" ] ||
  fail "the process is not confined: $(cat "$work/process")"
[ "$(guest 'findmnt -n -o FSTYPE /; findmnt -n -o OPTIONS /state' | xargs)" != "" ] && guest 'touch /usr/probe && test ! -e /state/usr/probe' || fail "the root is not a layer in memory"
guest 'getent shadow root' | grep -qE '^root:[!*]' || fail "root has a password"
[ "$(guest sshd -T 2>/dev/null | grep -c '^passwordauthentication no')" = 1 ] || fail "SSH takes passwords"
mdir -i "$at" -b ::edgecam >"$work/left" 2>/dev/null || :
grep -qi 'edgecam/edgecam.yaml\|edgecam/authorized_keys' "$work/left" && fail "settings are still on the boot partition: $(cat "$work/left")"
grep -qi 'wifi.conf.error' "$work/left" || fail "a wrong file was not refused: $(cat "$work/left")"
say "the state: $(said 'the state has .*' | tail -n 1 | sed 's/the state has //')"

# devices: the sound card is a loop; the GPIO chip is loaded now.
plug_in() {
  local modules
  modules=$("$root/test/hardware/run.sh" modules "$arch") || fail "no simulated GPIO chip"
  [ "$(guest uname -r)" = "$(basename "$modules")" ] || fail "the image's kernel is $(guest uname -r), the GPIO chip's $(basename "$modules"): remove what is older in ~/.cache/edgecam"
  give "$modules/extra/gpio-simx.ko" /run/gpio-simx.ko
  guest 'insmod /run/gpio-simx.ko && c=/sys/kernel/config/gpio-sim/edgecam && mkdir -p $c/bank0/line0 && echo edgecam-sim >$c/bank0/label &&
    echo 4 >$c/bank0/num_lines && echo DOORBELL >$c/bank0/line0/name && echo 1 >$c/live &&
    echo /sys/devices/platform/$(cat $c/dev_name)/$(cat $c/bank0/chip_name)/sim_gpio0/pull >/run/button' || fail "the simulated GPIO chip cannot be made"
  # As udev has made it: the node's group alone reaches it.
  guest 'stat -c "%G %a" /dev/gpiochip*' | grep -q 'gpio 660' || fail "the GPIO chip has another group: $(guest 'stat -c "%n %G %a" /dev/gpiochip*')"
  guest 'systemd-run -q --unit=visitor speaker-test -D plughw:Loopback,1 -t sine -f 440 -c 1 -r 48000' || fail "no tone"
}
if selected devices; then
  plug_in
  cat >"$work/press" <<PRESS
#!/bin/bash
work=$work ssh=$ssh
$(declare -f guest)
guest 'echo pull-up >\$(cat /run/button); sleep 0.3; echo pull-down >\$(cat /run/button)'
PRESS
  chmod +x "$work/press"
  (cd "$root" && env -u EDGECAM_BOOT_STEPS EDGECAM_ARTIFACTS="$logs" EDGECAM_BOOTED_URL="$url" EDGECAM_BOOTED_SECRET="$secret" EDGECAM_BOOTED_PRESS="$work/press" \
    go test -count=1 -v -timeout 15m -run 'TestBooted' ./test/browser) >"$logs/browser.log" 2>&1 || { cat "$logs/browser.log" >&2; fail "Chromium"; }
  grep -E 'measured|SKIP|---' "$logs/browser.log" | sed 's/^/test-boot: /'
  guest systemctl stop visitor
fi

if selected cuts; then
  : >"$work/kept"
  for n in $(seq "$cuts"); do
    case $((RANDOM % 3)) in
    0) # while somebody watches
      moment="in a call"
      picture 30s &
      sleep $((3 + RANDOM % 10)).$((RANDOM % 10))
      stop
      wait $! || :
      ;;
    1) # while the state is written: what was acknowledged must be there afterwards
      moment="while the state is written"
      (for k in 1 2 3 4 5 6 7 8; do
        name=cut$n-$k
        [ "$(api /api/tokens -o "$work/made" -w '%{http_code}' -d "{\"name\":\"$name\",\"scopes\":[\"view\"]}")" = 201 ] && echo "$name" >>"$work/kept"
      done) &
      sleep $((1 + RANDOM % 4)).$((RANDOM % 10))
      stop
      wait $! || :
      ;;
    2) # while it boots
      stop
      power_on
      at_s=$((1 + RANDOM % first)).$((RANDOM % 10))
      moment="$at_s s after power on"
      sleep "$at_s"
      stop
      ;;
    esac
    power_on
    comes_up
    status | grep -q '"name":"Booted"' || fail "after power cut $n ($moment) settings or token are lost"
    api /api/tokens >"$work/tokens"
    while read -r name; do grep -q "\"$name\"" "$work/tokens" || fail "after power cut $n ($moment) the token $name is gone, which was acknowledged"; done <"$work/kept"
    say "power cut $n, $moment: back after $took s ($(cpu) s of processor time), $(wc -l <"$work/kept") acknowledged tokens kept"
  done
  said 'the state is damaged|cannot be repaired' && fail "the state was damaged"
  wait_for "a picture" picture 20s
  wait_for "SSH after the power cuts" guest true
  say "$frames pictures after the power cuts, no unit failed: $(guest 'systemctl list-units --state=failed --no-legend --plain | wc -l')"
fi

edgecam_as_user() { guest "cd / && SSL_CERT_FILE=/run/server.pem STATE_DIRECTORY=/var/lib/edgecam runuser -u edgecam -- edgecam $*"; }
if selected program; then
  serve_programs
  from_server=https://10.0.2.2:$(cat "$work/port")
  give "$work/server.pem" /run/server.pem
  guest chmod 644 /run/server.pem
  update_programs
  stop
  power_on
  comes_up
  runs v9.0.0 || fail "after a power cut another program runs: $(status)"
  wait_for "SSH" guest true
  wait_for "a picture" picture 20s
  say "program: v9.0.0 after a power cut, $frames pictures"
fi

good() { said "slot $1 is good"; }
now=a
if selected update; then
  # Where a maker's key is known, only what it has signed is taken.
  wait_for "SSH" guest true
  guest "mkdir -p /usr/share/edgecam && echo \"release namespaces=\\\"edgecam-release\\\" $(cut -d' ' -f1,2 "$work/key.pub")\" >/usr/share/edgecam/allowed_signers; echo x >/run/x.slot; /usr/lib/edgecam/slot install /run/x.slot" >"$work/log" 2>&1 &&
    fail "an update without signature was taken"
  grep -q 'no signature' "$work/log" || fail "an update without signature: $(cat "$work/log")"
  stop
  mcopy -i "$at" "$slot" ::edgecam/update.slot
  power_on
  wait_for "slot b is found good" good b
  now=b
  comes_up
  sleep 5 # the boot counter's file is renamed
  wait_for "a picture" picture 20s
  stop
  kept b || fail "the new slot is not kept: $(slots)"
  say "system: updated into slot b: $(slots)"
fi
if selected bad; then
  stop
  mkdir "$work/bad"
  tar -xf "$slot" -C "$work/bad"
  head -c 1000000 /dev/urandom >"$work/bad/root.squashfs"
  tar -C "$work/bad" -cf "$work/bad.slot" VERSION vmlinuz initrd root.squashfs
  mcopy -i "$at" "$work/bad.slot" ::edgecam/bad.slot
  power_on
  # It is written, fails three times, and the slot before it starts again.
  tried() { [ "$(said 'cannot be mounted; starting' | wc -l)" -ge 3 ]; }
  wait_for "the bad slot is tried" said 'cannot be mounted; starting'
  wait_for "the bad slot is tried three times" tried
  back() { said 'cannot be mounted; starting|slot [ab] is good' | tail -n 1 | grep -q "slot $now is good"; }
  wait_for "slot $now starts again" back
  status | grep -q '"name":"Booted"' || fail "the state is lost"
  stop
  say "system: a bad one was given up after $(said 'cannot be mounted; starting' | wc -l) tries: $(slots)"
fi
if selected times; then
  # The same system without the node, until systemd has reached multi-user. A
  # login on the console would end what systemd tells there.
  stop
  edit_options "$now" 's/systemd.show_status=0/systemd.show_status=1 systemd.mask=edgecam.service systemd.mask=edgecam-boot-check.service systemd.mask=serial-getty@ttyAMA0.service systemd.mask=serial-getty@ttyS0.service/'
  power_on
  wait_for "multi-user without the node" said 'Reached target.*[Mm]ulti-[Uu]ser'
  plain=$(since) plain_cpu=$(cpu)
  stop
  edit_options "$now" 's/systemd.show_status=1 systemd.mask=edgecam.service systemd.mask=edgecam-boot-check.service systemd.mask=serial-getty@ttyAMA0.service systemd.mask=serial-getty@ttyS0.service/systemd.show_status=0/'
  power_on
  comes_up
  calls=$(since)
  until picture 4s; do
    [ "$(since)" -lt "$limit" ] || fail "no picture"
    calls=$(since)
  done
  full_cpu=$(cpu)
  call_ms=$(grep -o '"firstFrame":[0-9]*' "$logs/view.json" | tail -n 1 | awk -F: '{ print int($2 / 1000000) }')
  say "times: multi-user of the system without node $plain s ($plain_cpu s of processor time); with it the page after $took s, the first picture $call_ms ms after a call begun at $calls s ($full_cpu s of processor time at the call's end)"
  awk -v p="$plain" -v t="$calls" -v ms="$call_ms" 'BEGIN { printf "test-boot: times: power on to first picture is %.2f times the boot without node\n", (t + ms / 1000) / p }'
fi
stop
say "passed in $((($(date +%s) - begun) / 60)) min; first boot $first s"
