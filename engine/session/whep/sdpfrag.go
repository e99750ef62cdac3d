package whep

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/edgecam/edgecam/engine/session"
)

// fragment is what matters of an SDP fragment (RFC 8840 section 9). All media
// is bundled, so it does not matter which section a candidate came with.
type fragment struct {
	ufrag, pwd string
	candidates []string // values of a=candidate
	end        bool
}

const maxFragmentLines = 512

// parseFragment reads a fragment. Attributes it does not know are skipped.
func parseFragment(body string) (fragment, error) {
	var f fragment
	lines := strings.FieldsFunc(body, func(r rune) bool { return r == '\n' || r == '\r' })
	if len(lines) > maxFragmentLines {
		return f, fmt.Errorf("%d lines, at most %d are read", len(lines), maxFragmentLines)
	}
	for i, line := range lines {
		if len(line) < 2 || line[1] != '=' || line[0] < 'a' || line[0] > 'z' {
			return f, fmt.Errorf("line %d is not of the form <letter>=<value>", i+1)
		}
		if line[0] != 'a' {
			continue
		}
		key, value, _ := strings.Cut(line[2:], ":")
		switch key {
		case "ice-ufrag":
			if f.ufrag != "" && f.ufrag != value {
				return f, errors.New("two different a=ice-ufrag: one ICE exchange serves all media")
			}
			f.ufrag = value
		case "ice-pwd":
			if f.pwd != "" && f.pwd != value {
				return f, errors.New("two different a=ice-pwd: one ICE exchange serves all media")
			}
			f.pwd = value
		case "candidate":
			f.candidates = append(f.candidates, value)
		case "end-of-candidates":
			f.end = true
		}
	}
	if f.ufrag == "" && len(f.candidates) == 0 && !f.end {
		return f, errors.New("it has neither a=candidate nor a=ice-ufrag")
	}
	if (f.ufrag == "") != (f.pwd == "") && f.pwd != "" {
		return f, errors.New("a=ice-pwd without a=ice-ufrag")
	}
	return f, nil
}

// writeFragment is the answer to an ICE restart.
func writeFragment(l session.LocalICE) string {
	var b strings.Builder
	b.WriteString("a=ice-ufrag:" + l.Ufrag + "\r\na=ice-pwd:" + l.Pwd + "\r\n")
	b.WriteString("m=" + l.MLine + "\r\na=mid:" + l.Mid + "\r\n")
	for _, c := range l.Candidates {
		b.WriteString("a=candidate:" + c + "\r\n")
	}
	b.WriteString("a=end-of-candidates\r\n")
	return b.String()
}

// AddFragment gives a viewer the candidates of an SDP fragment that came by
// another way than HTTP. Errors wrap session.ErrBadOffer, or are those of
// session.Viewer.AddCandidate.
func AddFragment(v *session.Viewer, body string) error {
	f, err := parseFragment(body)
	if err != nil {
		return fmt.Errorf("%w: not an SDP fragment: %w", session.ErrBadOffer, err)
	}
	for _, c := range f.candidates {
		if err := v.AddCandidate(c); err != nil {
			return err
		}
	}
	return nil
}

// RestartWith restarts a viewer's ICE with the credentials and candidates of an SDP
// fragment, and returns the node's. Errors are as with AddFragment.
func RestartWith(ctx context.Context, v *session.Viewer, body string) (string, error) {
	f, err := parseFragment(body)
	if err != nil {
		return "", fmt.Errorf("%w: not an SDP fragment: %w", session.ErrBadOffer, err)
	}
	ice, err := v.Restart(ctx, f.ufrag, f.pwd, f.candidates)
	if err != nil {
		return "", err
	}
	return writeFragment(ice), nil
}
