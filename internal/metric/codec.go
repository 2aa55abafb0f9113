package metric

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
)

// A batch's payload, version 1: one version byte; the number of series as uvarint; for each series its key (uvarint length
// and bytes), the length of its block (uvarint) and the block; last a CRC-32C of all before it, little-endian.
//
// A block is the step scale (one byte), the number of points n (uvarint), n steps and n times, each as signed varints of the
// difference to the one before (the first to 0), and n values of 8 bytes, little-endian. The points keep the order in which
// they came. The compactor makes smaller chunks of batches, so a batch is made to be written fast.
const payloadVersion = 1

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// encodeBatch appends the payload of some series.
func encodeBatch(b []byte, columns []Columns) []byte {
	start := len(b)
	b = append(b, payloadVersion)
	b = binary.AppendUvarint(b, uint64(len(columns)))
	var block []byte
	for i := range columns {
		c := &columns[i]
		b = binary.AppendUvarint(b, uint64(len(c.Key)))
		b = append(b, c.Key...)
		block = encodeBlock(block[:0], c)
		b = binary.AppendUvarint(b, uint64(len(block)))
		b = append(b, block...)
	}
	return sealed(b, start)
}

func encodeBlock(b []byte, c *Columns) []byte {
	b = append(b, byte(c.StepScale))
	b = binary.AppendUvarint(b, uint64(c.Len()))
	b = appendDeltas(b, c.Steps)
	b = appendDeltas(b, c.Times)
	for _, v := range c.Values {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return b
}

// Differences wrap around: adding them again, wrapping too, gives every value back.
func appendDeltas(b []byte, values []int64) []byte {
	last := int64(0)
	for _, v := range values {
		b = binary.AppendVarint(b, v-last)
		last = v
	}
	return b
}

var errCorrupt = errors.New("corrupt metric points")

// decodeBatch calls fn for each series whose key is wanted (nil: all), in the payload's order.
func decodeBatch(payload []byte, want func(key string) bool, fn func(Columns) error) error {
	d, err := opened(payload, payloadVersion)
	if err != nil {
		return err
	}
	for n := d.uvarint(); n > 0 && d.ok(); n-- {
		key := string(d.bytes(d.uvarint()))
		block := d.bytes(d.uvarint())
		if !d.ok() || want != nil && !want(key) {
			continue
		}
		c, err := decodeBlock(block)
		if err != nil {
			return err
		}
		c.Key = key
		if err := fn(c); err != nil {
			return err
		}
	}
	return d.end()
}

func decodeBlock(block []byte) (Columns, error) {
	d := decoder{rest: block}
	scale := d.bytes(1)
	n := d.uvarint()
	// A point takes at least ten bytes, so a forged number cannot ask for more memory than the block's own size.
	if !d.ok() || scale[0] > MaxStepScale || n > uint64(len(block)/10) {
		return Columns{}, fmt.Errorf("%w: block header", errCorrupt)
	}
	c := Columns{StepScale: int8(scale[0]), Steps: d.deltas(n), Times: d.deltas(n), Values: make([]float64, n)}
	raw := d.bytes(8 * n)
	if err := d.end(); err != nil {
		return Columns{}, err
	}
	for i := range c.Values {
		c.Values[i] = math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:]))
	}
	return c, nil
}

// decoder reads from a buffer and remembers whether it ran out.
type decoder struct {
	rest []byte
	bad  bool
	left int // what sections may still unpack to
}

func (d *decoder) ok() bool { return !d.bad }

func (d *decoder) end() error {
	if d.bad || len(d.rest) > 0 {
		return fmt.Errorf("%w: its length is wrong", errCorrupt)
	}
	return nil
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 {
		d.bad = true
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) bytes(n uint64) []byte {
	if n > uint64(len(d.rest)) {
		d.bad = true
		return nil
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) deltas(count uint64) []int64 {
	out := make([]int64, count)
	last := int64(0)
	for i := range out {
		v, n := binary.Varint(d.rest)
		if n <= 0 {
			d.bad = true
			return out
		}
		d.rest = d.rest[n:]
		last += v
		out[i] = last
	}
	return out
}
