package metric

import (
	"encoding/binary"
	"fmt"
)

// A pack holds points of some series in the order in which they came, with the sequence of the batch that each came in, so
// that a subscriber may go on from any cursor. Chunks and tails are packs (docs/adr/0007).
//
// Its payload is version 2: one version byte; the number of series (uvarint); a section with their heads, each the key
// (uvarint length and bytes), the step scale (one byte) and the number of points (uvarint); sections with the steps, times
// and sequences of all points, each series' as differences of differences in signed varints; eight sections with the bytes
// of the values (appendValues); last a CRC-32C of all before it, little-endian.
const packVersion = 2

// maxPackSeries is far more than a pack ever has: its keys weigh as points do (weight).
const maxPackSeries = 1 << 16

// piece is points of one series, with the sequence of the batch of each.
type piece struct {
	Columns
	Sequences []int64
}

// cut gives the points from i up to j.
func (p *piece) cut(i, j int) piece {
	return piece{
		Columns:   Columns{Key: p.Key, StepScale: p.StepScale, Steps: p.Steps[i:j], Times: p.Times[i:j], Values: p.Values[i:j]},
		Sequences: p.Sequences[i:j],
	}
}

// add appends the points of a batch.
func (p *piece) add(c Columns, sequence int64) error {
	if err := p.join(c); err != nil {
		return err
	}
	for range c.Values {
		p.Sequences = append(p.Sequences, sequence)
	}
	return nil
}

// follow appends a later piece of the same series.
func (p *piece) follow(more piece) error {
	if err := p.join(more.Columns); err != nil {
		return err
	}
	p.Sequences = append(p.Sequences, more.Sequences...)
	return nil
}

func encodePack(b []byte, pieces []piece) []byte {
	start := len(b)
	b = append(b, packVersion)
	b = binary.AppendUvarint(b, uint64(len(pieces)))
	var heads, steps, times, sequences []byte
	values := make([][]float64, len(pieces))
	for i := range pieces {
		p := &pieces[i]
		heads = binary.AppendUvarint(heads, uint64(len(p.Key)))
		heads = append(heads, p.Key...)
		heads = append(heads, byte(p.StepScale))
		heads = binary.AppendUvarint(heads, uint64(p.Len()))
		steps = appendRises(steps, p.Steps)
		times = appendRises(times, p.Times)
		sequences = appendRises(sequences, p.Sequences)
		values[i] = p.Values
	}
	for _, section := range [][]byte{heads, steps, times, sequences} {
		b = appendSection(b, section)
	}
	return sealed(appendValues(b, values...), start)
}

// decodePack calls fn for each series whose key is wanted (nil: all), in the order of the pack.
func decodePack(payload []byte, want func(key string) bool, fn func(piece) error) error {
	d, err := opened(payload, packVersion)
	if err != nil {
		return err
	}
	n := d.uvarint()
	heads := decoder{rest: d.section()}
	steps, times, sequences := decoder{rest: d.section()}, decoder{rest: d.section()}, decoder{rest: d.section()}
	if n > min(uint64(len(heads.rest)), maxPackSeries) {
		return fmt.Errorf("%w: the number of its series is wrong", errCorrupt)
	}
	pieces, total := make([]piece, n), uint64(0)
	for i := range pieces {
		p := &pieces[i]
		p.Key = string(heads.bytes(heads.uvarint()))
		scale := heads.bytes(1)
		count := heads.uvarint()
		if !heads.ok() || scale[0] > MaxStepScale || count == 0 || i > 0 && p.Key <= pieces[i-1].Key {
			return fmt.Errorf("%w: the head of a series", errCorrupt)
		}
		p.StepScale = int8(scale[0])
		p.Steps, p.Times, p.Sequences = steps.rises(count), times.rises(count), sequences.rises(count)
		total += count
	}
	values := d.values(total)
	for _, part := range []*decoder{&d, &heads, &steps, &times, &sequences} {
		if err := part.end(); err != nil {
			return err
		}
	}
	for i := range pieces {
		p := &pieces[i]
		p.Values, values = values[:len(p.Steps):len(p.Steps)], values[len(p.Steps):]
		if want != nil && !want(p.Key) {
			continue
		}
		if err := fn(*p); err != nil {
			return err
		}
	}
	return nil
}

// decodeChunk reads a pack of one series.
func decodeChunk(payload []byte) (p piece, err error) {
	n := 0
	err = decodePack(payload, nil, func(found piece) error {
		p, n = found, n+1
		return nil
	})
	if err == nil && n != 1 {
		err = fmt.Errorf("%w: a chunk of %d series", errCorrupt, n)
	}
	return p, err
}
