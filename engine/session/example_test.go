package session_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/edgecam/edgecam/engine/media"
	"github.com/edgecam/edgecam/engine/session"
)

func Example() {
	cfg := session.Defaults()
	cfg.UDPPort = 0     // any free port
	cfg.Loopback = true // this machine only
	m, err := session.New(cfg, session.Hooks{
		KeyFrameNeeded: func(s media.Stream, reason string) { /* make the stream's next frame a key frame */ },
		Talk:           func(id session.ViewerID, p session.TalkPacket) { /* decode p.Payload */ },
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := m.Close(ctx); err != nil {
			log.Fatal(err)
		}
	}()

	// Signalling hands an offer over, and says what the viewer may do.
	_, _, err = m.Answer(context.Background(), "v=0 …", session.Grant{Subject: "door", Open: true})
	fmt.Println(err)

	// The encoder hands its frames over, whoever watches.
	m.WriteVideo(&media.EncodedVideo{Data: []byte{0x10, 2, 0, 0x9d, 1, 0x2a}, Key: true, CapturedAt: time.Now()})
	fmt.Println(m.Stats().VideoFrames, "frame for", m.Stats().Connected, "viewers")
	// Output:
	// session: not allowed: the grant does not include viewing
	// 1 frame for 0 viewers
}
