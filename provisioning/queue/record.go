package queue

import (
	"bytes"
	"encoding/binary"
	"errors"
	"iter"

	"github.com/edgecam/edgecam/internal/durable"
)

// A record in the file, little-endian:
//
//	 0  "ECQ1"
//	 4  CRC-32C of the rest, header and data
//	 8  length of the data
//	12  kind (1 put, 2 gone, 3 mark), class, two zeros
//	16  sequence number
//	24  Unix milliseconds when it was put
//	32  data
const (
	magic      = "ECQ1"
	headerSize = 32
	maxData    = 128 << 10
	kindPut    = 1
	kindGone   = 2
	kindMark   = 3 // the numbers up to this one are used up
	maxSeq     = 1 << 62
)

type record struct {
	kind   byte
	class  Class
	seq    uint64
	stored int64
	data   []byte
}

func encodePut(e Entry) []byte {
	return encode(record{kindPut, e.Class, e.Seq, e.Stored.UnixMilli(), e.Data})
}

func encodeGone(seq uint64) []byte { return encode(record{kind: kindGone, seq: seq}) }

func encode(r record) []byte {
	b := make([]byte, headerSize, headerSize+len(r.data))
	copy(b, magic)
	binary.LittleEndian.PutUint32(b[8:], uint32(len(r.data)))
	b[12], b[13] = r.kind, byte(r.class)
	binary.LittleEndian.PutUint64(b[16:], r.seq)
	binary.LittleEndian.PutUint64(b[24:], uint64(r.stored))
	b = append(b, r.data...)
	binary.LittleEndian.PutUint32(b[4:], durable.Checksum(b[8:]))
	return b
}

// records yields the records in data. Behind a damaged place it goes on at the
// next record that is whole.
func records(data []byte, damaged *uint64) iter.Seq[record] {
	return func(yield func(record) bool) {
		for len(data) > 0 {
			r, n, ok := decode(data)
			if ok {
				if !yield(r) {
					return
				}
				data = data[n:]
				continue
			}
			*damaged++
			for {
				i := bytes.Index(data[1:], []byte(magic))
				if i < 0 {
					return
				}
				data = data[1+i:]
				if _, _, ok := decode(data); ok {
					break
				}
			}
		}
	}
}

func decode(b []byte) (r record, n int, ok bool) {
	if len(b) < headerSize || string(b[:4]) != magic {
		return r, 0, false
	}
	size := binary.LittleEndian.Uint32(b[8:])
	if size > maxData || binary.LittleEndian.Uint64(b[16:]) > maxSeq || headerSize+int(size) > len(b) {
		return r, 0, false
	}
	n = headerSize + int(size)
	if durable.Checksum(b[8:n]) != binary.LittleEndian.Uint32(b[4:]) {
		return r, 0, false
	}
	return record{
		kind: b[12], class: Class(b[13]), seq: binary.LittleEndian.Uint64(b[16:]),
		stored: int64(binary.LittleEndian.Uint64(b[24:])), data: b[headerSize:n:n],
	}, n, true
}

// slack is how much of the file may be dead before it is written anew.
const slack = 256 << 10

func (q *Queue) append(rec []byte, sync bool) error {
	if q.log == nil {
		// The disk failed before; perhaps it has recovered. Writing the file
		// anew takes in what the record says.
		return q.compact()
	}
	if q.logBytes+len(rec) > q.bytes+len(q.entries)*headerSize+slack {
		return q.compact()
	}
	_, err := q.log.Write(rec)
	q.logBytes += len(rec)
	if err == nil && sync {
		err = q.log.Sync()
	}
	if err != nil {
		err = errors.Join(err, q.log.Close())
		q.log = nil
	}
	return err
}

// compact writes the file anew with the live entries alone.
func (q *Queue) compact() error {
	if q.log != nil {
		if err := q.log.Close(); err != nil {
			return err
		}
		q.log = nil
	}
	var b bytes.Buffer
	for _, e := range q.entries {
		b.Write(encodePut(e))
	}
	// Sequence numbers go on from here even if no entry is left.
	b.Write(encode(record{kind: kindMark, seq: q.next - 1}))
	if err := durable.Replace(q.fsys, q.name, b.Bytes()); err != nil {
		return err
	}
	log, err := q.fsys.Append(q.name)
	if err != nil {
		return err
	}
	q.log, q.logBytes = log, b.Len()
	return nil
}
