package guest

import (
	"bufio"
	"bytes"
	"fmt"
	"image/jpeg"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/edgecam/edgecam/engine/session/whep"
)

// TestFirstFrame measures from the start of the process to the first picture that
// it hands out.
func TestFirstFrame(t *testing.T) {
	n := startNode(t)
	n.await(t)
	listening := time.Since(n.start)
	for time.Since(n.start) < time.Minute {
		status, picture := n.get(t, "/snapshot.jpg")
		if status != http.StatusOK {
			time.Sleep(20 * time.Millisecond)
			continue
		}
		took := time.Since(n.start)
		if m, err := jpeg.DecodeConfig(bytes.NewReader(picture)); err != nil || m.Width != 320 || m.Height != 180 {
			t.Errorf("picture of %dx%d: %v", m.Width, m.Height, err)
		}
		t.Logf("listening after %v, first picture after %v, %v of processor time", listening, took, n.usage(t).cpu)
		return
	}
	t.Error("no picture within a minute")
}

// TestNodeStreams lets a viewer outside watch for MINUTES, and looks at what the
// program holds meanwhile.
func TestNodeStreams(t *testing.T) {
	minutes, err := strconv.Atoi(os.Getenv("MINUTES"))
	if err != nil || minutes == 0 {
		t.Skip("takes minutes: EDGECAM_GUEST_MINUTES says how many")
	}
	n := startNode(t)
	standBefore(t)
	n.invite(t)
	var first nodeUsage
	begin := time.Now()
	for i := range minutes {
		time.Sleep(time.Until(begin.Add(time.Duration(i+1) * time.Minute)))
		u := n.usage(t)
		t.Logf("after %d min %+v", i+1, u)
		switch {
		case i == max(minutes/3, 1):
			first = u
		case i == minutes-1 && minutes >= 3:
			if u.residentKB > first.residentKB+first.residentKB/5 || u.files > first.files || u.threads > first.threads+4 {
				t.Errorf("the program grows: %+v, then %+v", first, u)
			}
		}
	}
	n.logSplit(t)
}

// await returns once the node listens.
func (n *node) await(t *testing.T) string {
	t.Helper()
	select {
	case f := <-n.fingerprint:
		n.fingerprint <- f
		return f
	case <-time.After(time.Minute):
		t.Fatal("the node does not start")
		return ""
	}
}

// get asks the node for a page.
func (n *node) get(t *testing.T, path string) (status int, body []byte) {
	t.Helper()
	tls, err := whep.PinnedTLS(n.await(t))
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: tls}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://127.0.0.1:8443"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+n.token)
	response, err := (&http.Client{Transport: transport, Timeout: 30 * time.Second}).Do(request)
	if err != nil {
		t.Logf("%s: %v", path, err)
		return 0, nil
	}
	defer response.Body.Close()
	if body, err = io.ReadAll(io.LimitReader(response.Body, 4<<20)); err != nil {
		t.Logf("%s: %v", path, err)
		return 0, nil
	}
	return response.StatusCode, body
}

// nodeUsage is what the program has used and holds.
type nodeUsage struct {
	cpu                        time.Duration
	residentKB, threads, files int
}

func (n *node) usage(t *testing.T) nodeUsage {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d/", n.cmd.Process.Pid)
	status, err := os.ReadFile(dir + "status")
	if err != nil {
		t.Fatal(err)
	}
	stat, err := os.ReadFile(dir + "stat")
	if err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir + "fd")
	if err != nil {
		t.Fatal(err)
	}
	u := nodeUsage{files: len(files)}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		number, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
		switch name {
		case "VmRSS":
			u.residentKB = number
		case "Threads":
			u.threads = number
		}
	}
	// proc(5): after the name in parentheses, user and system time are the 12th
	// and 13th field, in hundredths of a second.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	for _, f := range fields[11:13] {
		ticks, _ := strconv.Atoi(f)
		u.cpu += time.Duration(ticks) * 10 * time.Millisecond
	}
	return u
}

// logSplit says what part of the program's processor time the stages of the
// picture path took. They wait for nothing, so their time is the processor's but
// for what others took of it.
func (n *node) logSplit(t *testing.T) {
	t.Helper()
	u := n.usage(t)
	status, page := n.get(t, "/metrics")
	// A server on an overloaded machine closes connections that it had no time for.
	for begin := time.Now(); status != http.StatusOK; status, page = n.get(t, "/metrics") {
		if time.Since(begin) > time.Minute {
			t.Errorf("metrics: status %d", status)
			return
		}
		time.Sleep(time.Second)
	}
	sums, counts := map[string]float64{}, map[string]float64{}
	for lines := bufio.NewScanner(bytes.NewReader(page)); lines.Scan(); {
		for prefix, into := range map[string]map[string]float64{`edgecam_stage_seconds_sum{stage="`: sums, `edgecam_stage_seconds_count{stage="`: counts} {
			if rest, ok := strings.CutPrefix(lines.Text(), prefix); ok {
				stage, value, _ := strings.Cut(rest, `"} `)
				into[stage], _ = strconv.ParseFloat(value, 64)
			}
		}
	}
	if counts["encode"] == 0 {
		t.Error("no picture was coded")
		return
	}
	var out strings.Builder
	for _, stage := range []string{"convert", "enhance", "encode", "send"} {
		fmt.Fprintf(&out, " %s %.2f ms a frame (%.1f %%)", stage, 1000*sums[stage]/counts["encode"], 100*sums[stage]/u.cpu.Seconds())
	}
	t.Logf("%.0f frames, %v of processor time in %v:%s", counts["encode"], u.cpu, time.Since(n.start).Round(time.Second), out.String())
}
