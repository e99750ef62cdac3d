# edgecam's commands. Each installs what it needs (scripts/setup) and says so.
SHELL := /bin/bash
BIN := $(CURDIR)/bin
TOOLS := $(BIN)/tools
SYSROOT := $(BIN)/sysroot-arm64

# The Opus binding's file reader is not used; without it libopusfile is not needed.
TAGS := nolibopusfile
export GOFLAGS := $(GOFLAGS) -tags=$(TAGS)

VERSION := $(shell packaging/version)$(if $(shell git status --porcelain -uno 2>/dev/null),-dirty)
LDFLAGS := -s -w -X github.com/edgecam/edgecam/internal/version.version=$(VERSION)
GO_PACKAGES := ./...

.DEFAULT_GOAL := help

## run: build and start a node on this machine, on loopback only (http://127.0.0.1:8080)
.PHONY: run
run: build
	$(BIN)/edgecam run --dev $(ARGS)

## build: bin/edgecam for this machine
.PHONY: build
build:
	@scripts/setup build
	go build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' -o $(BIN)/edgecam ./cmd/edgecam

# Packages that hold calls in real time: they run one after the other, with the
# machine to themselves.
LIVE_PACKAGES := ./test/node ./test/browser ./test/fleet

## test: all tests: units, codecs against libvpx, arm64 kernels emulated, Chromium end to end
.PHONY: test
test:
	@scripts/setup test
	go test -timeout 15m $$(go list $(GO_PACKAGES) | grep -v '/test/node$$\|/test/browser$$\|/test/fleet$$')
	EDGECAM_ARTIFACTS=$(CURDIR)/artifacts go test -p 1 -timeout 15m $(LIVE_PACKAGES)
	$(MAKE) --no-print-directory test-arm64

# Packages with SIMD kernels run again as arm64 code and without assembler.
KERNEL_PACKAGES := ./internal/cpufeat ./engine/voice/aec ./engine/fixed ./engine/video/pixel ./engine/video/enhance ./engine/video/raw ./engine/video/vp8/internal/dsp/...

## test-arm64: SIMD packages as arm64 code under QEMU, and without assembler
.PHONY: test-arm64
test-arm64:
	@scripts/setup test
	GOARCH=arm64 CGO_ENABLED=0 go test -short -exec qemu-aarch64-static $(KERNEL_PACKAGES)
	GOFLAGS='$(filter-out -tags=%,$(GOFLAGS)) -tags=$(TAGS),noasm' go test -short $(KERNEL_PACKAGES) ./engine/video/vp8

## test-race: the concurrent packages under the race detector
.PHONY: test-race
test-race:
	@scripts/setup test
	go test -race -short -timeout 15m ./engine ./test/node ./engine/session/... ./engine/media ./hal/... ./cmd/...

## test-hardware: the drivers on the kernel's own virtual camera, sound card and GPIO, in QEMU, on amd64 and arm64
.PHONY: test-hardware
test-hardware:
	@scripts/setup build
	EDGECAM_ARTIFACTS=$(CURDIR)/artifacts test/hardware/run.sh amd64 arm64

## cross: bin/edgecam-arm64, with the cgo drivers
.PHONY: cross
cross:
	@scripts/setup cross
	@scripts/sysroot-arm64 $(SYSROOT)
	GOARCH=arm64 CGO_ENABLED=1 CC=aarch64-linux-gnu-gcc \
	PKG_CONFIG_LIBDIR=$(SYSROOT)/usr/lib/aarch64-linux-gnu/pkgconfig PKG_CONFIG_SYSROOT_DIR=$(SYSROOT) \
	go build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' -o $(BIN)/edgecam-arm64 ./cmd/edgecam

## deb: Debian packages for amd64 and arm64 in dist/
.PHONY: deb
deb: build cross
	@scripts/setup deb
	packaging/deb/build amd64 $(BIN)/edgecam $(BIN)/edgecam $(CURDIR)/dist
	packaging/deb/build arm64 $(BIN)/edgecam-arm64 $(BIN)/edgecam $(CURDIR)/dist

## test-deb: install, upgrade, remove and purge the amd64 package in a Debian of its own (as root)
.PHONY: test-deb
test-deb: build
	@scripts/setup image
	packaging/deb/test $$(packaging/deb/build amd64 $(BIN)/edgecam $(BIN)/edgecam $(CURDIR)/dist)

## test-service: the package's service under a systemd of its own, in a container: unit, watchdog, the launcher's updates (as root)
.PHONY: test-service
test-service: build
	@scripts/setup service
	test/service/run.sh $$(packaging/deb/build amd64 $(BIN)/edgecam $(BIN)/edgecam $(CURDIR)/dist)

## release: programs, packages, bills of materials, checksums in dist/release, signed by EDGECAM_RELEASE_KEY
.PHONY: release
release: build cross
	@scripts/setup deb
	packaging/release/build $(CURDIR)/dist/release $(BIN)/edgecam $(BIN)/edgecam-arm64

## test-release: make the release twice in different folders and compare; sign and verify (minutes)
.PHONY: test-release
test-release:
	packaging/release/test

## yocto: write the layer's list of modules and its revision anew
.PHONY: yocto
yocto: build
	go mod download
	go run ./packaging/gomods $(BIN)/edgecam go.sum >yocto/meta-edgecam/recipes-edgecam/edgecam/edgecam-go-mods.inc
	sed -i 's/^SRCREV = .*/SRCREV = "'$$(git rev-parse origin/main)'"/' yocto/meta-edgecam/recipes-edgecam/edgecam/edgecam_git.bb

# Boards of the one architecture; all others are arm64.
BOARD ?= qemu-amd64
BOARD_ARCH := $(if $(filter %-amd64,$(BOARD)),amd64,arm64)
IMAGES := $(CURDIR)/dist/image

## image: dist/image/edgecam-VERSION-BOARD.img for BOARD= qemu-amd64, qemu-arm64, generic-amd64, generic-arm64, rpi4, zero2w (as root)
.PHONY: image
image: build $(if $(filter arm64,$(BOARD_ARCH)),cross)
	@scripts/setup image
	packaging/image/build $(BOARD) \
	$$(packaging/deb/build $(BOARD_ARCH) $(BIN)/edgecam$(if $(filter arm64,$(BOARD_ARCH)),-arm64) $(BIN)/edgecam $(CURDIR)/dist) $(IMAGES)

## test-boot: make the image of BOARD= qemu-amd64, qemu-arm64 or rpi4, boot it in QEMU, cut its power, update it (minutes, arm64 longer; as root)
.PHONY: test-boot
test-boot: image
	@scripts/setup boot
	EDGECAM_ARTIFACTS=$(CURDIR)/artifacts test/boot/run.sh $(IMAGES)/edgecam-$$(packaging/version)-$(BOARD).img

$(TOOLS)/gofumpt:
	GOFLAGS= GOBIN=$(TOOLS) go install mvdan.cc/gofumpt@v0.12.0
$(TOOLS)/staticcheck:
	GOFLAGS= GOBIN=$(TOOLS) go install honnef.co/go/tools/cmd/staticcheck@v0.8.2
$(TOOLS)/golangci-lint:
	GOFLAGS= GOBIN=$(TOOLS) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

## lint: gofumpt, go vet for amd64 and arm64 with and without assembler, staticcheck, golangci-lint
.PHONY: lint
lint: vet $(TOOLS)/gofumpt $(TOOLS)/staticcheck $(TOOLS)/golangci-lint
	@out=$$($(TOOLS)/gofumpt -l $$(git ls-files '*.go' | xargs grep -L '^// Code generated')); [ -z "$$out" ] || { echo "gofumpt would change:"; echo "$$out"; exit 1; }
	$(TOOLS)/staticcheck $(GO_PACKAGES)
	$(TOOLS)/golangci-lint run $(GO_PACKAGES)

# Packages with assembler, and what needs no cgo.
NOASM_PACKAGES := ./engine/video/vp8/... ./engine/video/pixel/... ./engine/video/enhance/... ./engine/video/jitter/... \
	./engine/fixed/... ./engine/voice/aec/... ./engine/media/... ./hal/... ./internal/...

## vet: gofmt and go vet for amd64 and arm64 with and without assembler
.PHONY: vet
vet:
	@scripts/setup cross
	@scripts/sysroot-arm64 $(SYSROOT)
	@out=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$out" ] || { echo "gofmt would change:"; echo "$$out"; exit 1; }
	go vet $(GO_PACKAGES)
	GOFLAGS='$(filter-out -tags=%,$(GOFLAGS)) -tags=$(TAGS),noasm' go vet $(GO_PACKAGES)
	GOARCH=arm64 CGO_ENABLED=1 CC=aarch64-linux-gnu-gcc PKG_CONFIG_LIBDIR=$(SYSROOT)/usr/lib/aarch64-linux-gnu/pkgconfig \
	PKG_CONFIG_SYSROOT_DIR=$(SYSROOT) go vet $(GO_PACKAGES)
	GOFLAGS='$(filter-out -tags=%,$(GOFLAGS)) -tags=$(TAGS),noasm' GOARCH=arm64 CGO_ENABLED=0 go vet $(NOASM_PACKAGES)

## check: lint and test
.PHONY: check
check: lint test

## soak: a call of ten minutes between two network namespaces at 10 % loss and 60 ms jitter, as root (EDGECAM_SOAK=1h for more)
.PHONY: soak
soak:
	@scripts/setup test
	EDGECAM_SOAK=$${EDGECAM_SOAK:-10m} go test -v -count=1 -timeout 0 -run TestCallBetweenNamespaces ./test/node

## bench: benchmarks of the frame path
.PHONY: bench
bench:
	@scripts/setup build
	go test -run '^$$' -bench . -benchmem ./engine/video/... ./engine/voice/...

## bench-vp8: the VP8 codec beside libvpx on recorded clips (minutes to an hour)
.PHONY: bench-vp8
bench-vp8: build
	scripts/bench-vp8 all

## bench-voice: the voice front end beside WebRTC audio processing and Speex, with plots (ten minutes)
.PHONY: bench-voice
bench-voice: build
	@scripts/setup bench-voice
	scripts/bench-voice all

## bench-neteq: the receive buffer on recorded and random arrival traces, with plots (minutes)
.PHONY: bench-neteq
bench-neteq: build
	scripts/bench-neteq

## bench-codecs: bit rate, intelligibility and CPU of the voice codecs, with a plot (minutes)
.PHONY: bench-codecs
bench-codecs:
	scripts/bench-codecs

## bench-webrtc: start-up, latency and load beside other WHEP servers
.PHONY: bench-webrtc
bench-webrtc: build
	scripts/bench-webrtc

## clean: remove what was built
.PHONY: clean
clean:
	rm -rf $(BIN) $(CURDIR)/artifacts

## help: this list
.PHONY: help
help:
	@sed -nE 's/^## ([a-z0-9-]+): (.*)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-18s %s\n", $$1, $$2}'
