package whep_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/edgecam/edgecam/engine/session"
	"github.com/edgecam/edgecam/engine/session/whep"
)

func Example() {
	cfg := session.Defaults()
	cfg.UDPPort, cfg.Loopback = 0, true
	m, err := session.New(cfg, session.Hooks{}, nil)
	if err != nil {
		log.Fatal(err)
	}
	auth := whep.AuthorizerFunc(func(r *http.Request) (session.Grant, error) {
		if r.Header.Get("Authorization") != "Bearer open sesame" {
			return session.Grant{}, whep.ErrUnauthorized
		}
		return session.Grant{Subject: "ali", View: true}, nil
	})
	h := whep.New(m, auth, whep.Options{})
	mux := http.NewServeMux()
	mux.Handle("/whep", h)
	mux.Handle("/whep/", h)

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/whep", nil))
	fmt.Println(w.Code, w.Header().Get("Content-Type"))

	h.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := m.Close(ctx); err != nil {
		log.Fatal(err)
	}
	// Output: 401 application/problem+json
}
