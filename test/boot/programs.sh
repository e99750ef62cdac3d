# Updates of the program through the launcher: edgecam itself under another
# version, one that dies, one that hangs, one that somebody else has signed.
# Sourced by the tests that have a systemd: they give guest, edgecam_as_user,
# api, wait_for, say and fail.

# The Opus binding's file reader is not used (see Makefile).
export GOFLAGS="${GOFLAGS:-} -tags=nolibopusfile"
program() { # program NAME INDEX GO-ARGUMENT...
  local name=$1 index=$2
  shift 2
  (cd "$root" && build_for "$@") >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "$name cannot be built"; }
  "$root/bin/edgecam" update sign --key "$work/release.key" --release "$name" --index "$index" "$arch=$work/www/$name" >"$work/www/$name.json"
}
build_for() {
  if [ "$arch" = "$(go env GOARCH)" ]; then go build -trimpath -buildvcs=false -o "$work/www/$name" "$@"; else
    GOARCH=$arch CGO_ENABLED=1 CC=aarch64-linux-gnu-gcc PKG_CONFIG_LIBDIR="$root/bin/sysroot-arm64/usr/lib/aarch64-linux-gnu/pkgconfig" \
      PKG_CONFIG_SYSROOT_DIR="$root/bin/sysroot-arm64" go build -trimpath -buildvcs=false -o "$work/www/$name" "$@"
  fi
}
# serve_programs [PREFIX...]: builds and signs them, and serves them over HTTPS;
# the port is in $work/port, the certificate in $work/server.pem.
serve_programs() {
  mkdir "$work/www"
  program v9.0.0 9 -ldflags "-s -w -X github.com/edgecam/edgecam/internal/version.version=v9.0.0" ./cmd/edgecam
  printf 'package main\n\nimport "os"\n\nfunc main() { os.Exit(1) }\n' >"$work/dies.go"
  printf 'package main\n\nimport "time"\n\nfunc main() { time.Sleep(time.Hour) }\n' >"$work/hangs.go"
  program dies 10 "$work/dies.go"
  program hangs 11 "$work/hangs.go"
  "$root/bin/edgecam" update keygen "$work/other.key" >"$work/log"
  "$root/bin/edgecam" update sign --key "$work/other.key" --release v9.9.9 --index 99 "$arch=$work/www/v9.0.0" >"$work/www/forged.json"
  (cd "$root" && go build -o "$work/server" ./test/boot/server)
  mkfifo "$work/in"
  "$@" "$work/server" "$work/www" "$work/server.pem" <"$work/in" >"$work/port" &
  server=$!
  exec 9>"$work/in"
  until [ -s "$work/port" ]; do sleep 0.1; done
}
runs() { api /api/status | grep -q "\"version\":\"$1\""; }
update_state() { edgecam_as_user update status --json; }
became() { update_state | tr -d ' \n' | grep -q "\"last\":{[^}]*\"version\":\"$1\"[^}]*\"state\":\"$2\""; }
# update_programs: from $from_server.
update_programs() {
  local before started bad
  before=$(status | grep -o '"version":"[^"]*"' | head -n 1 | cut -d'"' -f4)
  edgecam_as_user update apply "$from_server/forged.json" >"$work/log" 2>&1 && fail "a forged manifest was taken"
  say "a forged manifest: $(tail -n 1 "$work/log")"
  edgecam_as_user update apply "$from_server/v9.0.0.json" >"$work/log" 2>&1 || fail "the update was refused: $(cat "$work/log")"
  started=$(date +%s)
  guest systemctl restart --no-block edgecam
  wait_for "v9.0.0 is confirmed" became v9.0.0 confirmed
  wait_for "v9.0.0 serves" runs v9.0.0
  say "program: $before became v9.0.0 by a signed manifest, confirmed after $(($(date +%s) - started)) s"
  for bad in dies hangs; do
    edgecam_as_user update apply "$from_server/$bad.json" >"$work/log" 2>&1 || fail "the update $bad was refused: $(cat "$work/log")"
    started=$(date +%s)
    guest systemctl restart --no-block edgecam
    wait_for "a program that $bad is rolled back" became "$bad" rolledback
    wait_for "v9.0.0 serves again" runs v9.0.0
    wait_for "the service is active again" guest systemctl is-active -q edgecam
    say "program: one that $bad was replaced by v9.0.0 after $(($(date +%s) - started)) s: $(update_state | grep -o '"reason": *"[^"]*"')"
    edgecam_as_user update apply "$from_server/$bad.json" >"$work/log" 2>&1 && fail "a program that was rolled back is taken again"
  done
  return 0
}
