#!/usr/bin/env bash
# Runs the package's service under a systemd of its own: a Debian in a container
# (systemd-nspawn, without emulation), simulated devices, no network but
# loopback. What only real devices, a boot loader or a power cut show is in
# test/boot.
#
#   test/service/run.sh DEB        as root
#
# Looked at: the unit with its confinement, the first start, reload, the
# watchdog, a wrong configuration, stopping; the launcher's updates
# of the program by signed manifests, with a program that dies and one that
# hangs; EDGECAM_POWER_CUTS (default 10) power cuts: the state's file system
# stops writing at a random moment while the state changes and somebody watches;
# and a factory reset.
# EDGECAM_SERVICE_LIMIT (default 300) seconds for a step. Needs bin/edgecam.
set -euo pipefail
deb=$(realpath "${1:?usage: test/service/run.sh DEB}")
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
[ "$(id -u)" = 0 ] || { echo "test-service: run as root" >&2; exit 1; }
limit=${EDGECAM_SERVICE_LIMIT:-300}
cuts=${EDGECAM_POWER_CUTS:-10}
unset EDGECAM_SERVICE_LIMIT EDGECAM_POWER_CUTS # the program knows no such variables
work=$(mktemp -d)
arch=$(dpkg-deb -f "$deb" Architecture)
container=
leader=
server=
say() { echo "test-service: $*"; }
fail() {
  echo "test-service: FAILED: $*" >&2
  [ -z "$leader" ] || guest journalctl -b -u edgecam -n 40 --no-pager >&2 || :
  exit 1
}
stop() {
  [ -n "$container" ] || return 0
  # With its first process all others go, as in a power cut.
  [ -z "$leader" ] || kill -KILL "$leader" 2>/dev/null || :
  kill -KILL "$container" 2>/dev/null || :
  wait "$container" 2>/dev/null || :
  container= leader=
}
trap '[ -z "$server" ] || kill "$server"; stop; ! mountpoint -q "$work/state" || umount -l "$work/state"; rm -rf "$work"' EXIT
wait_for() { # wait_for WHAT COMMAND...
  local what=$1 end=$(($(date +%s) + limit))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$(date +%s)" -lt "$end" ] || fail "not within $limit s: $what"
    sleep 0.3
  done
}
guest() { nsenter -t "$leader" -m -u -i -n -p -C -r -w -- env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -c "$*"; }
edgecam_as_user() { guest "SSL_CERT_FILE=/etc/server.pem STATE_DIRECTORY=/var/lib/edgecam runuser -u edgecam -- edgecam $*"; }
url=https://127.0.0.1:8443
get() { nsenter -t "$leader" -n curl -ksS --max-time 30 "$@"; }
api() {
  local path=$1
  shift
  get -H "Authorization: Bearer $(cat "$work/token")" -H 'Content-Type: application/json' "$@" "$url$path"
}
status() { api /api/status; }
picture() {
  nsenter -t "$leader" -n "$root/bin/edgecam" view "$url" --token-file "$work/token" --fingerprint "$fingerprint" --loopback --once --display none --speaker sim \
    --duration "${1:-4s}" --stats --json >"$work/view.json" 2>"$work/view.log" || :
  frames=$(grep -o '"framesDecoded":[0-9]*' "$work/view.json" | tail -n 1 | cut -d: -f2)
  [ "${frames:-0}" -gt 0 ]
}
. "$root/test/boot/programs.sh"

tree=$work/root
mkdir "$tree"
tar -xf "$("$root/packaging/rootfs" "$arch")" -C "$tree" --exclude='./dev/*'
cp "$deb" "$tree/edgecam.deb"
unshare --mount -- sh -c 'mount -t proc proc "$0/proc" && exec chroot "$0" dpkg -i /edgecam.deb' "$tree" >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "the package cannot be installed"; }
rm "$tree/edgecam.deb"
install -D -m 644 "$root/systemd/launcher.conf" "$tree/etc/systemd/system/edgecam.service.d/launcher.conf"
ln -s /dev/null "$tree/etc/systemd/system/ssh.service"
: >"$tree/etc/machine-id"
# The state has a file system of its own.
truncate -s 512M "$work/state.img"
mkfs.ext4 -q -F "$work/state.img"
mkdir "$work/state"
plug_in() { mount -o loop,noatime "$work/state.img" "$work/state"; }
plug_in || fail "no loop device: they are needed for the power cuts"
cp -a "$tree/var/lib/edgecam/." "$work/state/"
chown --reference="$tree/var/lib/edgecam" "$work/state"
chmod 700 "$work/state"
(cd "$root" && go build -o "$work/cut" ./test/service/cut)
updates=$("$root/bin/edgecam" update keygen "$work/release.key")
config() { # config NAME [MORE]
  cat >"$tree/etc/edgecam/edgecam.yaml.new" <<YAML
node: {name: $1}
camera: {source: sim, width: 320, height: 240, fps: 15}
microphone: {source: sim}
speaker: {source: sim}
http: {listen: ""}
webrtc: {udp_port: 8555, public_ips: [127.0.0.1]}
update: {keys: [$updates]}
${2:-}
YAML
  mv "$tree/etc/edgecam/edgecam.yaml.new" "$tree/etc/edgecam/edgecam.yaml"
}
config Contained

power_on() {
  systemd-nspawn -q --register=no --keep-unit --private-network --bind="$work/state:/var/lib/edgecam" -D "$tree" --boot --console=read-only systemd.unit=multi-user.target \
    </dev/null >>"$work/console" 2>&1 &
  container=$!
  wait_for "the container has a first process" pgrep -P "$container"
  leader=$(pgrep -P "$container" | head -n 1)
  wait_for "the service is active" guest systemctl is-active -q edgecam
}
property() { guest systemctl show -P "$1" edgecam; }
began=$(date +%s)
power_on
say "active $(($(date +%s) - began)) s after the container's start"
fingerprint=$(guest journalctl -b -u edgecam -o cat | sed -n 's/.*fingerprint: //p' | tail -n 1)
edgecam_as_user token create test --scopes view,talk,admin 2>"$work/log" | grep -o 'ec_[A-Za-z0-9_-]*' >"$work/token"
known() { status | grep -q '"name"'; }
wait_for "the token is known to the service" known
picture || fail "no picture: $(tail -n 3 "$work/view.log")"
say "$frames pictures in 4 s by WHEP; $(property StatusText)"
pid=$(property MainPID)
guest cat "/proc/$pid/status" >"$work/process"
[ "$(awk '$1 == "Uid:" { print ($2 ? "user" : "root") } $1 == "CapBnd:" || $1 == "NoNewPrivs:" || $1 == "Seccomp:" { print $2 }' "$work/process" | xargs)" = "user 0000000000000000 1 2" ] ||
  fail "the process is not confined: $(cat "$work/process")"
say "$(guest systemd-analyze security --no-pager edgecam | tail -n 1 | sed 's/[^ -~]*//g' | xargs)"
failed=$(guest systemctl list-units --state=failed --no-legend --plain edgecam\*)
[ -z "$failed" ] || fail "failed: $failed"

config Renamed
guest systemctl reload edgecam
named() { status | grep -q '"name":"Renamed"'; }
wait_for "the name is read again" named
[ "$(property MainPID)" = "$pid" ] && [ "$(property NRestarts)" = 0 ] || fail "a reload started another process"
say "reload: the configuration is read again by the same process"

guest kill -STOP "$pid" # as a driver's call that does not return
began=$(date +%s)
restarted() { [ "$(property NRestarts)" -ge 1 ] && guest systemctl is-active -q edgecam; }
wait_for "the watchdog ends a stopped process" restarted
picture || fail "no picture after the watchdog"
say "watchdog: a process that stood still was replaced after $(($(date +%s) - began)) s"

config Wrong 'nonsense: true'
guest systemctl restart edgecam >"$work/log" 2>&1 || :
refused() { [ "$(property ExecMainStatus)" = 2 ]; }
wait_for "a wrong configuration ends the start with 2" refused
config Contained
wait_for "the configuration put right is taken without help" guest systemctl is-active -q edgecam
say "a wrong configuration: exit 2, tried again until it was right"

began=$(date +%s)
guest systemctl stop edgecam
[ "$(property Result) $(property ExecMainStatus)" = "success 0" ] || fail "stopping: $(property Result) $(property ExecMainStatus)"
say "stopped cleanly in $(($(date +%s) - began)) s"
guest systemctl start edgecam

serve_programs nsenter -t "$leader" -n --
cp "$work/server.pem" "$tree/etc/server.pem"
chmod 644 "$tree/etc/server.pem"
from_server=https://127.0.0.1:$(cat "$work/port")
update_programs
picture || fail "no picture from the updated program"
stop
power_on
wait_for "v9.0.0 serves" runs v9.0.0
picture || fail "no picture after the container was killed"
say "v9.0.0 after the container was killed, $frames pictures"

# What was acknowledged is there after a power cut, and nothing else is broken.
: >"$work/kept"
for n in $(seq "$cuts"); do
  picture 30s &
  watching=$!
  (
    for k in $(seq 1 12); do
      code=$(api /api/tokens -o "$work/made" -w '%{http_code}' -d "{\"name\":\"cut$n-$k\",\"scopes\":[\"view\"]}") || exit 0
      [ "$code" != 201 ] || echo "cut$n-$k" >>"$work/kept"
    done
  ) 2>/dev/null &
  writing=$!
  sleep "$((1 + RANDOM % 3)).$((RANDOM % 10))"
  "$work/cut" "$work/state"
  stop
  wait "$watching" "$writing" || :
  umount "$work/state" || umount -l "$work/state"
  plug_in || fail "power cut $n: the state cannot be mounted"
  power_on
  wait_for "the service answers after power cut $n" known
  runs v9.0.0 || fail "power cut $n: another program runs: $(status)"
  [ "$(guest journalctl -b -u edgecam -o cat | sed -n 's/.*fingerprint: //p' | tail -n 1)" = "$fingerprint" ] || fail "power cut $n: the node has another certificate"
  api /api/tokens >"$work/tokens"
  while read -r name; do grep -q "\"$name\"" "$work/tokens" || fail "power cut $n: the token $name is gone, which was acknowledged"; done <"$work/kept"
done
picture || fail "no picture after the power cuts"
say "$cuts power cuts: certificate, program and all $(wc -l <"$work/kept") acknowledged tokens kept, $frames pictures"

# A factory reset with the image's part for the system: the service may not write
# there, asks for it, and the wireless network goes with everything else.
for f in usr/lib/edgecam/system-reset etc/systemd/system/edgecam-system-reset.{path,service} etc/systemd/system/edgecam.service.d/image.conf; do
  cp "$root/packaging/image/files/$f" "$tree/$f"
done
mkdir -p "$tree/etc/edgecam-system" "$tree/etc/wpa_supplicant"
given=('network={' ' ssid="Given"' ' psk="given-password"' '}')
for f in etc/edgecam-system/wpa_supplicant.conf etc/wpa_supplicant/wpa_supplicant-wlan0.conf; do printf '%s\n' "${given[@]}" >"$tree/$f"; done
guest systemctl daemon-reload
guest systemctl start edgecam-system-reset.path
guest systemctl stop edgecam
guest runuser -u edgecam -- touch /var/lib/edgecam/factory-reset # as the button leaves it
guest systemctl start edgecam
erased() { [ ! -e "$work/state/factory-reset" ] && [ ! -e "$work/state/system-reset" ] && ! grep -rqs given-password "$tree/etc/edgecam-system" "$tree/etc/wpa_supplicant"; }
wait_for "a factory reset erases the wireless network" erased
[ "$(property ActiveState)" = active ] || fail "the service is $(property ActiveState) after a factory reset"
unknown() { [ "$(api /api/status -o "$work/log" -w '%{http_code}')" = 401 ]; }
wait_for "a token from before the reset is refused" unknown
[ "$(guest systemctl show -P Result edgecam-system-reset.service)" = success ] || fail "$(guest journalctl -b -u edgecam-system-reset -o cat | tail -n 5)"
say "factory reset: $(guest journalctl -b -u edgecam-system-reset -o cat | grep '^system-reset:' | tail -n 1)"
say passed
