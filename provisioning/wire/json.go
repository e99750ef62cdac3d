package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// Limits of what is decoded. MaxPayload is the smallest limit among the
// brokers that the protocol is made for.
const (
	MaxPayload = 128 << 10
	MaxDesired = 8 << 10
	MaxMessage = 16 << 10 // any other message
	MaxDepth   = 8        // of the whole message; a configuration has 6 of them
)

// Why a message is refused.
var (
	ErrTooLong = errors.New("wire: message too long")
	ErrTooDeep = errors.New("wire: message nested too deeply")
	ErrFormat  = errors.New("wire: message is malformed")
)

// Decode reads one JSON object into v, strictly: at most limit bytes, MaxDepth
// levels, UTF-8, no key that v does not have, nothing after the object.
func Decode(data []byte, limit int, v any) error { return decode(data, limit, v, true) }

// DecodeLoose is Decode that passes over unknown keys, for a reader that may
// be older than the writer.
func DecodeLoose(data []byte, limit int, v any) error { return decode(data, limit, v, false) }

func decode(data []byte, limit int, v any, strict bool) error {
	if len(data) > limit {
		return fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLong, len(data), limit)
	}
	if !utf8.Valid(data) {
		return fmt.Errorf("%w: not UTF-8", ErrFormat)
	}
	if err := depth(data, MaxDepth); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if strict {
		d.DisallowUnknownFields()
	}
	if err := d.Decode(v); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: text after the object", ErrFormat)
	}
	return nil
}

// depth refuses nesting before anything is allocated for it.
func depth(data []byte, most int) error {
	level, inString, escaped := 0, false, false
	for _, c := range data {
		switch {
		case escaped:
			escaped = false
		case inString:
			escaped = c == '\\'
			inString = c != '"'
		case c == '"':
			inString = true
		case c == '{' || c == '[':
			if level++; level > most {
				return fmt.Errorf("%w: more than %d levels", ErrTooDeep, most)
			}
		case c == '}' || c == ']':
			level--
		}
	}
	return nil
}

// Encode returns v as JSON. It panics if v cannot be encoded, which none of
// this package's types can cause.
func Encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("wire: " + err.Error())
	}
	return b
}
