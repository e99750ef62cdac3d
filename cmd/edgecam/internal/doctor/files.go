package doctor

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

func (s System) path(p string) string { return filepath.Join(s.Root, p) }

// read returns a small file's text without surrounding space, "" if it cannot
// be read.
func (s System) read(p string) string {
	f, err := os.Open(s.path(p))
	if err != nil {
		return ""
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, 64<<10))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(strings.TrimRight(string(data), "\x00"))
}

// glob returns what matches, as paths of the machine (without Root).
func (s System) glob(pattern string) []string {
	found, _ := filepath.Glob(s.path(pattern))
	for i, f := range found {
		if rel, err := filepath.Rel(s.Root, f); err == nil {
			found[i] = "/" + rel
		}
	}
	slices.SortFunc(found, naturally)
	return found
}

// naturally puts video2 before video10.
func naturally(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

// link returns the last element of the target of a symbolic link.
func (s System) link(p string) string {
	target, err := os.Readlink(s.path(p))
	if err != nil {
		return ""
	}
	return filepath.Base(target)
}

// access says why this user may not read and write the device node p, and what
// mends it; "" if it may.
func (s System) access(p, usualGroup string) (problem, remedy string) {
	info, err := os.Stat(s.path(p))
	if err != nil {
		return "", ""
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if s.UID == 0 || !ok {
		return "", ""
	}
	mode := info.Mode().Perm()
	switch {
	case int(st.Uid) == s.UID:
		if mode&0o600 == 0o600 {
			return "", ""
		}
	case slices.Contains(s.GIDs, int(st.Gid)):
		if mode&0o060 == 0o060 {
			return "", ""
		}
	case mode&0o006 == 0o006:
		return "", ""
	}
	group := s.groupName(int(st.Gid))
	problem = fmt.Sprintf("%s may not be used by %s (mode %04o, group %s)", p, s.User, mode, group)
	if mode&0o060 == 0o060 && st.Gid != 0 {
		return problem, fmt.Sprintf("sudo usermod -aG %s %s, then log in again", group, s.User)
	}
	return problem, fmt.Sprintf("give the node to a group by a udev rule, such as KERNEL==%q, GROUP=%q, MODE=\"0660\", and add %s to it", filepath.Base(p), usualGroup, s.User)
}

func (s System) groupName(gid int) string {
	for line := range strings.Lines(s.read("/etc/group")) {
		f := strings.Split(line, ":")
		if len(f) >= 3 && f[2] == strconv.Itoa(gid) {
			return f[0]
		}
	}
	return strconv.Itoa(gid)
}

// holders are the processes that have device nodes open, as far as this user
// may see.
type holders struct {
	byDevice map[string]string // "/dev/video0" to "motion (process 812)"
	running  int               // process ID of another edgecam, 0 if none
	partial  bool              // some processes could not be looked at
}

const maxProcesses = 20000

func (s System) holders(ctx context.Context) holders {
	h := holders{byDevice: map[string]string{}}
	entries, err := os.ReadDir(s.path("/proc"))
	if err != nil {
		h.partial = true
		return h
	}
	for i, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == s.Self {
			continue
		}
		if i > maxProcesses || ctx.Err() != nil {
			h.partial = true
			return h
		}
		comm := s.read("/proc/" + e.Name() + "/comm")
		if comm == "edgecam" {
			h.running = pid
		}
		fds, err := os.ReadDir(s.path("/proc/" + e.Name() + "/fd"))
		if err != nil {
			h.partial = h.partial || os.IsPermission(err)
			continue
		}
		for _, fd := range fds {
			target, err := os.Readlink(s.path("/proc/" + e.Name() + "/fd/" + fd.Name()))
			if err == nil && (strings.HasPrefix(target, "/dev/video") || strings.HasPrefix(target, "/dev/snd/")) {
				h.byDevice[target] = fmt.Sprintf("%s (process %d)", comm, pid)
			}
		}
	}
	return h
}
