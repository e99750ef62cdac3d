package browser_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestExamples opens the example pages: with a node, and with the example program
// that has signalling of its own.
func TestExamples(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a node and a browser")
	}
	tl := findTools(t)
	bin := filepath.Join(t.TempDir(), "signalling")
	if out, err := exec.Command("go", "build", "-o", bin, "github.com/edgecam/edgecam/examples/signalling").CombinedOutput(); err != nil {
		t.Fatalf("go build ./examples/signalling: %v\n%s", err, out)
	}
	listen := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	cmd := exec.Command(bin, "-listen", listen, "-root", filepath.Join("..", ".."))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGINT)
		if err := cmd.Wait(); err != nil {
			t.Errorf("examples/signalling: %v", err)
		}
	}()
	url := "http://" + listen
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, url+"/examples/web/own.html", nil)
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
			break
		} else if ctx.Err() != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	n := newNode(t, true)
	if err := n.start(); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, n.URL+"/api/tokens", strings.NewReader(`{"name":"page","scopes":["view","talk","open"]}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Origin", n.URL)
	resp, err := n.owner(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var made struct {
		Token string `json:"token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&made); err != nil || made.Token == "" {
		t.Fatalf("no token: %s %v", resp.Status, err)
	}
	tl.run(t, "examples", map[string]any{"url": url, "node": n.URL, "token": made.Token}, func(ask string) error { return fmt.Errorf("unknown request %q", ask) })
}
