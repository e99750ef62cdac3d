package auth

import (
	"fmt"
	"io"
	"strings"

	"rsc.io/qr"
)

// PrintOwner shows a new owner secret: as groups, as a link, and on a terminal
// as a QR code of that link. The secret is in the link's fragment, which
// browsers do not send: the page takes it from there and removes it.
func PrintOwner(w io.Writer, url, secret string, terminal bool) error {
	link := strings.TrimRight(url, "/") + "/#secret=" + secret
	var b strings.Builder
	fmt.Fprintf(&b, "\nOwner secret (shown this once; only its hash is kept):\n\n    %s\n\n", Groups(secret))
	fmt.Fprintf(&b, "Open %s\nLost it? edgecam token reset-owner\n\n", link)
	if terminal {
		code, err := qr.Encode(link, qr.M)
		if err != nil {
			return fmt.Errorf("auth: QR code: %w", err)
		}
		DrawQR(&b, code)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("auth: print owner secret: %w", err)
	}
	return nil
}

// DrawQR draws two rows of modules per line of text, dark on light whatever
// the terminal's colours are, with the quiet zone of four modules.
func DrawQR(b *strings.Builder, code *qr.Code) {
	const quiet = 4
	for y := -quiet; y < code.Size+quiet; y += 2 {
		b.WriteString("\x1b[30;107m")
		for x := -quiet; x < code.Size+quiet; x++ {
			switch upper, lower := code.Black(x, y), code.Black(x, y+1); {
			case upper && lower:
				b.WriteRune('█')
			case upper:
				b.WriteRune('▀')
			case lower:
				b.WriteRune('▄')
			default:
				b.WriteByte(' ')
			}
		}
		b.WriteString("\x1b[0m\n")
	}
	b.WriteByte('\n')
}
