package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

// browsers are the two Chromiums behind browser.mjs.
type browsers struct {
	version string
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	lines   *bufio.Scanner
	blank   *http.Server
	mu      sync.Mutex
}

// videoStats are those of RTCInboundRtpStreamStats that are looked at.
type videoStats struct {
	FramesDecoded        int     `json:"framesDecoded"`
	KeyFramesDecoded     int     `json:"keyFramesDecoded"`
	FreezeCount          int     `json:"freezeCount"`
	TotalFreezesDuration float64 `json:"totalFreezesDuration"`
	QPSum                float64 `json:"qpSum"`
	FrameHeight          int     `json:"frameHeight"`
	BytesReceived        int     `json:"bytesReceived"`
	RetransmittedBytes   int     `json:"retransmittedBytesReceived"`
	FECBytesReceived     int     `json:"fecBytesReceived"`
	PLICount             int     `json:"pliCount"`
	JitterBufferDelay    float64 `json:"jitterBufferDelay"`
	JitterBufferEmitted  int     `json:"jitterBufferEmittedCount"`
}

// reply is a line of browser.mjs.
type reply struct {
	Error   string          `json:"error"`
	Version string          `json:"version"`
	SDP     string          `json:"sdp"`
	State   string          `json:"state"`
	Video   videoStats      `json:"video"`
	Sender  json.RawMessage `json:"sender"`
	Luma    []byte          `json:"luma"`
	Width   int             `json:"width"`
	Height  int             `json:"height"`
}

// startBrowsers starts both; clip is the picture of the fake camera.
func startBrowsers(ctx context.Context, root, clip string) (*browsers, error) {
	chromium := os.Getenv("CHROMIUM")
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if chromium == "" {
			chromium, _ = exec.LookPath(name)
		}
	}
	if chromium == "" {
		return nil, errors.New("no Chromium is installed (Debian: apt install chromium), and CHROMIUM names none")
	}
	modules := filepath.Join(root, "test", "browser")
	if _, err := os.Stat(filepath.Join(modules, "node_modules", "playwright-core")); err != nil {
		npm := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
		npm.Dir = modules
		if out, err := npm.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("npm ci: %w\n%s", err, out)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") // a camera is given to secure origins alone, which this is
	if err != nil {
		return nil, err
	}
	b := &browsers{blank: &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<!doctype html><title>netbench</title>")
	})}}
	go func() { _ = b.blank.Serve(l) }()
	options, _ := json.Marshal(map[string]string{
		"chromium": chromium, "clip": clip, "modules": filepath.Join(modules, "package.json"), "blank": "http://" + l.Addr().String() + "/",
	})
	b.cmd = exec.CommandContext(ctx, "node", filepath.Join(root, "test", "tools", "netbench", "browser.mjs"), string(options))
	b.cmd.Cancel = func() error { return b.cmd.Process.Signal(os.Interrupt) }
	b.cmd.WaitDelay = 10 * time.Second
	b.cmd.Stderr = os.Stderr
	if b.stdin, err = b.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := b.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	b.lines = bufio.NewScanner(stdout)
	b.lines.Buffer(nil, 1<<24)
	if err := b.cmd.Start(); err != nil {
		return nil, err
	}
	r, err := b.read()
	b.version = r.Version
	return b, err
}

// do runs one command.
func (b *browsers) do(what string, more map[string]any) (reply, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	command := map[string]any{"do": what}
	for k, v := range more {
		command[k] = v
	}
	line, err := json.Marshal(command)
	if err != nil {
		return reply{}, err
	}
	if _, err := b.stdin.Write(append(line, '\n')); err != nil {
		return reply{}, err
	}
	r, err := b.read()
	if err != nil {
		return r, fmt.Errorf("%s: %w", what, err)
	}
	return r, nil
}

func (b *browsers) read() (r reply, err error) {
	if !b.lines.Scan() {
		return r, errors.Join(errors.New("the browsers are gone"), b.lines.Err())
	}
	if err := json.Unmarshal(b.lines.Bytes(), &r); err != nil {
		return r, err
	}
	if r.Error != "" {
		return r, errors.New(r.Error)
	}
	return r, nil
}

func (b *browsers) close() {
	_ = b.stdin.Close()
	_ = b.cmd.Wait()
	_ = b.blank.Close()
}
