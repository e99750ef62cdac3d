package guest

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv("GUEST") == "" {
		fmt.Println("skipped: these tests run in the virtual machine of test/hardware/run.sh")
		return
	}
	fmt.Printf("guest: %s/%s, %d processors\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	goleak.VerifyTestMain(m)
}

func logger(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// put writes a kernel attribute.
func put(t *testing.T, path, value string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(value), 0); err != nil {
		t.Fatal(err)
	}
}

// unbind takes a platform device from its driver, as pulling it out would; the
// result plugs it in again, at the latest at the end of the test.
func unbind(t *testing.T, driver, device string) (bind func()) {
	t.Helper()
	plug := pullOut(driver, device)
	bind = sync.OnceFunc(func() {
		if err := plug(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(bind)
	return bind
}

// pullOut is unbind for who cleans up himself. A driver may not let go before the
// device is closed (snd-aloop), so plug waits for that.
func pullOut(driver, device string) (plug func() error) {
	dir := filepath.Join("/sys/bus/platform/drivers", driver)
	released := make(chan error, 1)
	go func() { released <- os.WriteFile(filepath.Join(dir, "unbind"), []byte(device), 0) }()
	return func() error {
		select {
		case err := <-released:
			if err != nil {
				return fmt.Errorf("unbind: %w", err)
			}
		case <-time.After(10 * time.Second):
			return fmt.Errorf("the kernel does not let go of %s: it is still open somewhere", device)
		}
		return os.WriteFile(filepath.Join(dir, "bind"), []byte(device), 0)
	}
}

// within fails the test unless f returns in time.
func within(t *testing.T, limit time.Duration, what string, f func()) time.Duration {
	t.Helper()
	done := make(chan struct{})
	start := time.Now()
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(limit):
		t.Fatalf("%s: not within %v", what, limit)
	}
	return time.Since(start)
}
