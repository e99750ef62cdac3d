package browser_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// node is a running edgecam with simulated devices.
type node struct {
	URL    string
	bin    string
	args   []string
	env    []string
	cmd    *exec.Cmd
	exited chan error
	// apart is set for a node in a network namespace, which nobody here reaches:
	// start does not wait for its answer.
	apart bool

	mu  sync.Mutex
	log strings.Builder
}

// buildDir holds the binary that buildNode made, "" if it made none.
var buildDir string

// buildNode builds the binary once per test run.
var buildNode = sync.OnceValues(func() (string, error) {
	if bin := os.Getenv("EDGECAM_BIN"); bin != "" {
		return bin, nil
	}
	dir, err := os.MkdirTemp("", "edgecam-browser-")
	if err != nil {
		return "", err
	}
	buildDir = dir
	bin := filepath.Join(dir, "edgecam")
	out, err := exec.Command("go", "build", "-o", bin, "github.com/edgecam/edgecam/cmd/edgecam").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build ./cmd/edgecam: %w\n%s", err, out)
	}
	return bin, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if buildDir != "" {
		os.RemoveAll(buildDir)
	}
	os.Exit(code)
}

// freePort returns a port that is free for TCP and UDP on loopback.
func freePort(t *testing.T) int {
	t.Helper()
	for range 50 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		l.Close()
		u, err := net.ListenPacket("udp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		u.Close()
		return port
	}
	t.Fatal("no port is free for TCP and UDP")
	return 0
}

// newNode prepares a node; secure is the product's own mode (HTTPS, owner
// secret), otherwise it is the development mode. More settings are given as
// "KEY=value".
func newNode(t *testing.T, secure bool, more ...string) *node {
	t.Helper()
	bin, err := buildNode()
	if err != nil {
		t.Fatal(err)
	}
	web, media := freePort(t), freePort(t)
	n := &node{bin: bin, args: []string{"run"}}
	settings := map[string]string{
		"CAMERA_SOURCE": "sim", "MICROPHONE_SOURCE": "sim", "SPEAKER_SOURCE": "sim",
		"STATE_DIR": t.TempDir(), "WEBRTC_UDP_PORT": fmt.Sprint(media), "NODE_NAME": "Front door",
	}
	address := fmt.Sprintf("127.0.0.1:%d", web)
	if secure {
		n.URL = "https://" + address
		settings["HTTP_HTTPS_LISTEN"] = address
		settings["HTTP_LISTEN"] = fmt.Sprintf("127.0.0.1:%d", freePort(t))
		settings["HTTP_ALLOWED_ORIGINS"] = "*"
	} else {
		n.URL = "http://" + address
		n.args = append(n.args, "--dev")
		settings["HTTP_LISTEN"] = address
	}
	for k, v := range settings {
		n.env = append(n.env, "EDGECAM_"+k+"="+v)
	}
	for _, v := range more {
		n.env = append(n.env, "EDGECAM_"+v)
	}
	t.Cleanup(func() {
		n.stop(t)
		if t.Failed() {
			t.Logf("the node's log:\n%s", tail(n.output(), 20_000))
		}
	})
	return n
}

// start starts the node and waits until it answers.
func (n *node) start() error {
	cmd := exec.Command(n.bin, n.args...)
	// The tests' own variables are none of the node's.
	cmd.Env = slices.DeleteFunc(cmd.Environ(), func(v string) bool { return strings.HasPrefix(v, "EDGECAM_") })
	cmd.Env = append(cmd.Env, n.env...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		return err
	}
	n.cmd, n.exited = cmd, make(chan error, 1)
	go func() {
		for r := bufio.NewReader(out); ; {
			line, err := r.ReadString('\n')
			n.mu.Lock()
			n.log.WriteString(line)
			n.mu.Unlock()
			if err != nil {
				break
			}
		}
		n.exited <- cmd.Wait()
	}()
	if n.apart {
		return nil
	}
	// The certificate is the node's own: only that it answers matters here.
	client := http.Client{Timeout: time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	defer client.CloseIdleConnections()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		select {
		case err := <-n.exited:
			n.cmd = nil
			return fmt.Errorf("the node ended at its start: %w\n%s", err, tail(n.output(), 2000))
		default:
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, n.URL+"/healthz", nil)
		resp, err := client.Do(req)
		cancel()
		if err == nil {
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			return nil
		}
	}
	return fmt.Errorf("the node does not answer at %s\n%s", n.URL, tail(n.output(), 2000))
}

// stop ends the node as a service manager does, and fails if it does not end cleanly.
func (n *node) stop(t *testing.T) {
	t.Helper()
	if n.cmd == nil {
		return
	}
	cmd := n.cmd
	n.cmd = nil
	cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-n.exited:
		if err != nil {
			t.Errorf("the node did not end cleanly: %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("the node did not end within 10 s of SIGTERM; what its goroutines do is in its log")
		cmd.Process.Signal(syscall.SIGQUIT)
		select {
		case <-n.exited:
		case <-time.After(5 * time.Second):
			cmd.Process.Kill()
		}
	}
}

func (n *node) output() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.log.String()
}

var ownerLink = regexp.MustCompile(`#secret=(\S+)`)

// ownerSecret returns the secret that the node printed at its first start.
func (n *node) ownerSecret(t *testing.T) string {
	t.Helper()
	m := ownerLink.FindStringSubmatch(n.output())
	if m == nil {
		t.Fatalf("the node printed no owner secret:\n%s", tail(n.output(), 2000))
	}
	return m[1]
}

func tail(s string, n int) string {
	if len(s) > n {
		return "… " + s[len(s)-n:]
	}
	return s
}
