// Package codec is the table of voice codecs that sessions speak: their names in
// configuration and in SDP, and encoders and decoders that take and give the
// engine's 48 kHz whatever the codec's own rate is.
//
// Specifications: RFC 3551 (PCMU, PCMA, G722 and their static payload types),
// RFC 3952 (iLBC and its mode), RFC 7587 (Opus). iSAC is mapped as deployed
// implementations do: ISAC/16000 and ISAC/32000, one payload per packet.
package codec

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
)

// ErrUnknown is wrapped by errors about a codec that is not in the table.
var ErrUnknown = errors.New("codec: unknown voice codec")

// Name is a codec's name in configuration and statistics.
type Name string

// The codecs. ILBC20 and ILBC30 are one codec in SDP, told apart by its mode.
const (
	Opus   Name = "opus"
	ISAC32 Name = "isac32"
	ISAC16 Name = "isac16"
	G722   Name = "g722"
	ILBC30 Name = "ilbc30"
	ILBC20 Name = "ilbc20"
	PCMU   Name = "pcmu"
	PCMA   Name = "pcma"
)

// Names returns all codecs, in the order of preference that holds where none is
// configured: the best sound first.
func Names() []Name {
	return []Name{Opus, ISAC32, ISAC16, G722, ILBC30, ILBC20, PCMU, PCMA}
}

// Format is a way to code voice that two sides have agreed on. Equal formats
// have equal packets, so one encoder serves all who listen to one.
type Format struct {
	Name Name
	// DTX leaves packets out in silence: Opus' own, or with comfort noise (RFC
	// 3389) for G.711 and iLBC.
	DTX bool
	// NoFEC leaves Opus' in-band FEC out: the receiver has no use for it (RFC
	// 7587 section 6.1).
	NoFEC bool
	// Peer, unless 0, makes the format one side's own: packets of iSAC tell the
	// other side what its path carries, and follow what it tells.
	Peer uint32
}

// peers counts the sides that have formats of their own.
var peers atomic.Uint32

// ForPeer returns the format, made this side's own where its packets depend on
// who receives them.
func (f Format) ForPeer() Format {
	if f.Name == ISAC16 || f.Name == ISAC32 {
		f.Peer = max(peers.Add(1), 1)
	}
	return f
}

// String returns the name with what differs from the usual.
func (f Format) String() string {
	s := string(f.Name)
	if f.DTX {
		s += "+dtx"
	}
	if f.NoFEC {
		s += "-fec"
	}
	return s
}

// Parameters are a codec's in SDP.
type Parameters struct {
	Name        Name
	PayloadType uint8  // static, or the one offered
	Encoding    string // rtpmap encoding name
	ClockHz     int    // RTP timestamps
	Channels    int    // 0 where rtpmap has none
	FMTP        string
	rateHz      int
}

var table = []Parameters{
	{Opus, 111, "opus", 48000, 2, "minptime=10;useinbandfec=1", 48000},
	{ISAC32, 104, "ISAC", 32000, 0, "", 32000},
	{ISAC16, 103, "ISAC", 16000, 0, "", 16000},
	{G722, 9, "G722", 8000, 0, "", 16000}, // RFC 3551 section 4.5.2: the clock is half the rate
	{ILBC30, 102, "iLBC", 8000, 0, "mode=30", 8000},
	{ILBC20, 112, "iLBC", 8000, 0, "mode=20", 8000},
	{PCMU, 0, "PCMU", 8000, 0, "", 8000},
	{PCMA, 8, "PCMA", 8000, 0, "", 8000},
}

// Lookup returns a codec's parameters, or an error that wraps ErrUnknown and
// lists the names.
func Lookup(n Name) (Parameters, error) {
	for _, p := range table {
		if p.Name == n {
			return p, nil
		}
	}
	names := make([]string, len(table))
	for i, p := range table {
		names[i] = string(p.Name)
	}
	return Parameters{}, fmt.Errorf("%w %q, must be one of %s", ErrUnknown, string(n), strings.Join(names, ", "))
}

// ClockHz is the rate of the format's RTP timestamps, 0 if it is unknown.
func (f Format) ClockHz() int {
	p, err := Lookup(f.Name)
	if err != nil {
		return 0
	}
	return p.ClockHz
}

// MimeType is the encoding as media type.
func (p Parameters) MimeType() string { return "audio/" + p.Encoding }

// RTPMap is the codec in an rtpmap attribute, behind the payload type.
func (p Parameters) RTPMap() string {
	s := p.Encoding + "/" + strconv.Itoa(p.ClockHz)
	if p.Channels > 1 {
		s += "/" + strconv.Itoa(p.Channels)
	}
	return s
}

// Offered is one payload type of an SDP media section.
type Offered struct {
	PayloadType uint8
	Encoding    string
	ClockHz     int
	Channels    int // 1 where rtpmap has none
	FMTP        string
}

// Choose returns the first of the preferred codecs that is offered, with the
// parameters that both sides can keep to, and the index of what was taken.
func Choose(offered []Offered, preferred []Name) (f Format, p Parameters, index int, ok bool) {
	for _, name := range preferred {
		want, err := Lookup(name)
		if err != nil {
			continue
		}
		for i, o := range offered {
			if !want.is(o) {
				continue
			}
			if name == ILBC20 || name == ILBC30 {
				if f, p, ok = chooseMode(o, name, preferred); !ok {
					continue
				}
				return f, p, i, true
			}
			f, p := Format{Name: name}, want
			p.PayloadType = o.PayloadType
			if name == Opus {
				// Both are wishes of the receiver, and off unless said (RFC 7587
				// section 6.1).
				f.DTX = fmtpValue(o.FMTP, "usedtx") == "1"
				f.NoFEC = fmtpValue(o.FMTP, "useinbandfec") != "1"
			}
			return f, p, i, true
		}
	}
	// iLBC in the mode that nobody prefers is better than no voice.
	for i, o := range offered {
		for _, name := range preferred {
			if name == ILBC20 && table[4].is(o) {
				f, p, _ = mode(ILBC30, o)
				return f, p, i, true
			}
		}
	}
	return Format{}, Parameters{}, -1, false
}

// is reports whether an offered payload type is this codec.
func (p Parameters) is(o Offered) bool {
	return strings.EqualFold(o.Encoding, p.Encoding) && o.ClockHz == p.ClockHz && max(o.Channels, 1) == max(p.Channels, 1)
}

// chooseMode finds the mode of iLBC that both sides send in: where the two
// differ it is the one of the lower rate, 30 ms, which is meant where nothing is
// said, too (RFC 3952 section 5). An offer of 20 leaves the choice.
func chooseMode(o Offered, name Name, preferred []Name) (f Format, p Parameters, ok bool) {
	short := fmtpValue(o.FMTP, "mode") == "20"
	switch {
	case name == ILBC20 && !short:
		return f, p, false
	case name == ILBC30 && short && slices.Contains(preferred, ILBC20):
		name = ILBC20
	}
	return mode(name, o)
}

func mode(name Name, o Offered) (Format, Parameters, bool) {
	p, err := Lookup(name)
	p.PayloadType = o.PayloadType
	return Format{Name: name}, p, err == nil
}

// fmtpValue returns the value of a parameter of an fmtp line, "" if absent.
func fmtpValue(line, key string) string {
	for _, part := range strings.Split(line, ";") {
		if k, v, ok := strings.Cut(strings.TrimSpace(part), "="); ok && strings.EqualFold(k, key) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// ParseRTPMap reads the value of an rtpmap attribute, such as "111 opus/48000/2".
func ParseRTPMap(value string) (o Offered, ok bool) {
	pt, rest, found := strings.Cut(strings.TrimSpace(value), " ")
	n, err := strconv.ParseUint(pt, 10, 7)
	if !found || err != nil {
		return o, false
	}
	parts := strings.Split(strings.TrimSpace(rest), "/")
	if len(parts) < 2 || len(parts) > 3 || parts[0] == "" {
		return o, false
	}
	o = Offered{PayloadType: uint8(n), Encoding: parts[0], Channels: 1}
	if o.ClockHz, err = strconv.Atoi(parts[1]); err != nil || o.ClockHz <= 0 {
		return o, false
	}
	if len(parts) == 3 {
		if o.Channels, err = strconv.Atoi(parts[2]); err != nil || o.Channels < 1 {
			return o, false
		}
	}
	return o, true
}

// ParseNames checks a list of names from a configuration. An empty list stands
// for all.
func ParseNames(names []string) ([]Name, error) {
	if len(names) == 0 {
		return Names(), nil
	}
	out := make([]Name, 0, len(names))
	for _, s := range names {
		p, err := Lookup(Name(s))
		if err != nil {
			return nil, err
		}
		if slices.Contains(out, p.Name) {
			return nil, fmt.Errorf("codec: %q is named twice", s)
		}
		out = append(out, p.Name)
	}
	return out, nil
}
