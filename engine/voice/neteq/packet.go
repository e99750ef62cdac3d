package neteq

const (
	// maxPackets is how many packets are kept: 4 s of 20 ms packets.
	maxPackets = 200
	// MaxPayloadBytes is the largest payload accepted; larger ones are counted
	// and dropped.
	MaxPayloadBytes = 2048
)

// Packet is an RTP packet of voice without its header.
type Packet struct {
	SequenceNumber uint16
	Timestamp      uint32
	PayloadType    uint8
	// Payload is copied by InsertPacket.
	Payload []byte
}

// unitHz is the resolution of places in the stream: a multiple of all rates.
const unitHz = 96000

// tick is a block in units.
const tick = unitHz / 100

// entry is a packet in the buffer.
type entry struct {
	pos     int64 // place of its first sample in the stream, in units
	length  int64 // in units; 0 where only its decoder will tell
	arrived int64 // clock at its arrival
	seq     uint16
	codec   *codec
	rank    int8 // 0 primary, more: redundancy of that many packets later
	payload []byte
}

func (e *entry) end() int64 { return e.pos + e.length }

// packetBuffer holds packets in the order of the stream. Its memory is bounded:
// payload buffers grow to the sizes that come and are used again.
type packetBuffer struct {
	order []*entry // by pos
	spare []*entry
	all   [maxPackets]entry
}

func (b *packetBuffer) init() {
	b.order = make([]*entry, 0, maxPackets)
	b.spare = make([]*entry, 0, maxPackets)
	b.clear()
}

func (b *packetBuffer) clear() {
	b.order, b.spare = b.order[:0], b.spare[:0]
	for i := range b.all {
		b.spare = append(b.spare, &b.all[i])
	}
}

// insert adds a packet. Of two at one place the primary one is kept. It reports
// whether the packet was taken.
func (b *packetBuffer) insert(e entry, payload []byte) bool {
	i := len(b.order)
	for i > 0 && b.order[i-1].pos > e.pos {
		i--
	}
	if i > 0 && b.order[i-1].pos == e.pos {
		old := b.order[i-1]
		if old.rank <= e.rank {
			return false
		}
		kept := append(old.payload[:0], payload...)
		*old = e
		old.payload = kept
		return true
	}
	if len(b.spare) == 0 {
		return false
	}
	n := b.spare[len(b.spare)-1]
	b.spare = b.spare[:len(b.spare)-1]
	kept := append(n.payload[:0], payload...)
	*n = e
	n.payload = kept
	b.order = append(b.order, nil)
	copy(b.order[i+1:], b.order[i:])
	b.order[i] = n
	return true
}

func (b *packetBuffer) first() *entry { return b.at(0) }

// at returns the i-th packet, nil if there is none.
func (b *packetBuffer) at(i int) *entry {
	if i >= len(b.order) {
		return nil
	}
	return b.order[i]
}

// drop removes the first packet, which may not be used afterwards.
func (b *packetBuffer) drop() {
	b.spare = append(b.spare, b.order[0])
	b.order = b.order[:copy(b.order, b.order[1:])]
}

func (b *packetBuffer) full() bool { return len(b.spare) == 0 }
