package nat

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"strconv"
	"time"
)

// Credential makes a TURN user name and password that are valid until a time,
// out of the secret that is shared with the server: the user name is the time in
// Unix seconds, a colon and the user; the password is the HMAC-SHA1 of it in
// base 64 (draft-uberti-behave-turn-rest; "use-auth-secret" of coturn).
func Credential(secret, user string, until time.Time) (username, password string) {
	username = strconv.FormatInt(until.Unix(), 10) + ":" + user
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write([]byte(username))
	return username, base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
