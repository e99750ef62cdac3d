package twin

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// merge lays the documents over each other, as RFC 7396 has it: objects are
// merged key by key, null takes a key away, anything else replaces. The result
// has its keys sorted, so that the same configuration is the same text.
func merge(docs ...json.RawMessage) ([]byte, error) {
	out := map[string]any{}
	for _, d := range docs {
		if len(d) == 0 || string(d) == "null" {
			continue
		}
		dec := json.NewDecoder(bytes.NewReader(d))
		dec.UseNumber()
		var m map[string]any
		if err := dec.Decode(&m); err != nil {
			return nil, errors.New("cfg must be an object")
		}
		over(out, m)
	}
	return json.Marshal(out)
}

func over(dst, patch map[string]any) {
	for k, v := range patch {
		switch v := v.(type) {
		case nil:
			delete(dst, k)
		case map[string]any:
			sub, ok := dst[k].(map[string]any)
			if !ok {
				sub = map[string]any{}
			}
			over(sub, v)
			if dst[k] = sub; len(sub) == 0 {
				delete(dst, k)
			}
		default:
			dst[k] = v
		}
	}
}

// atLeast compares versions such as v1.12.3. What is no version, as a program
// built from source has none, is taken for new enough.
func atLeast(have, need string) bool {
	h, ok1 := numbers(have)
	n, ok2 := numbers(need)
	if !ok1 || !ok2 {
		return true
	}
	for i := range n {
		if h[i] != n[i] {
			return h[i] > n[i]
		}
	}
	return true
}

func numbers(v string) (out [3]int, ok bool) {
	v, _, _ = strings.Cut(strings.TrimPrefix(v, "v"), "-")
	parts := strings.Split(v, ".")
	if len(parts) != 3 {
		return out, false
	}
	for i, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil || n < 0 {
			return out, false
		}
		out[i] = n
	}
	return out, true
}
