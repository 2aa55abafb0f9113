package metric

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// A section is a piece of a payload, stored in the way that is smallest: one mode byte, its length as it was (uvarint), and
// for raw its bytes, for zstd the length (uvarint) and bytes of a frame, for constant the one byte that it repeats.
const (
	sectionRaw = iota
	sectionZstd
	sectionConstant
)

// maxUnpacked bounds what all sections of a payload unpack to, so that a forged length cannot ask for more memory. The most
// that is stored is a row of tails with a point of each of 1,600 keys, whose heads may have 1.7 MB.
const maxUnpacked = 4 << 20

// zstdCodec is made at its first use: its tables would weigh on a server that has nothing to pack yet. Its options are
// constant, so it fails always or never.
var zstdCodec = sync.OnceValues(func() (codec, error) {
	// Sections are small and many: little memory each.
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(2), zstd.WithLowerEncoderMem(true),
		zstd.WithWindowSize(128<<10), zstd.WithEncoderCRC(false))
	if err != nil {
		return codec{}, fmt.Errorf("make an encoder: %w", err)
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderLowmem(true), zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		return codec{}, fmt.Errorf("make a decoder: %w", err)
	}
	return codec{encoder, decoder}, nil
})

type codec struct {
	*zstd.Encoder
	*zstd.Decoder
}

// minCompressed is the length below which a frame's header costs more than it saves.
const minCompressed = 32

func appendSection(b, raw []byte) []byte {
	if n := len(raw); n > 1 && isConstant(raw) {
		b = append(b, sectionConstant)
		b = binary.AppendUvarint(b, uint64(n))
		return append(b, raw[0])
	}
	if len(raw) >= minCompressed && compressible(raw) {
		if codec, err := zstdCodec(); err == nil {
			if packed := codec.EncodeAll(raw, make([]byte, 0, len(raw))); len(packed) < len(raw)-4 {
				b = append(b, sectionZstd)
				b = binary.AppendUvarint(b, uint64(len(raw)))
				b = binary.AppendUvarint(b, uint64(len(packed)))
				return append(b, packed...)
			}
		}
	}
	b = append(b, sectionRaw)
	b = binary.AppendUvarint(b, uint64(len(raw)))
	return append(b, raw...)
}

func isConstant(raw []byte) bool {
	for _, c := range raw[1:] {
		if c != raw[0] {
			return false
		}
	}
	return true
}

// compressible tells from the entropy of its bytes whether a section is worth a try: the low bytes of a measured value
// are noise. Repetitions that bytes alone do not show are found in short sections only, where trying is cheap.
func compressible(raw []byte) bool {
	if len(raw) < 512 {
		return true
	}
	var counts [256]int
	for _, c := range raw {
		counts[c]++
	}
	entropy, n := 0.0, float64(len(raw))
	for _, c := range counts {
		if c > 0 {
			p := float64(c) / n
			entropy -= p * math.Log2(p)
		}
	}
	// A sample of n bytes that are noise shows a little less than 8 bits.
	return entropy < 7.9-128/n*2.5
}

// section reads the next section. What it gives may be a piece of the payload.
func (d *decoder) section() []byte {
	mode := d.bytes(1)
	size := d.uvarint()
	if d.ok() && mode[0] == sectionRaw {
		return d.bytes(size)
	}
	if !d.ok() || size > uint64(d.left) {
		d.bad = true
		return nil
	}
	d.left -= int(size)
	switch mode[0] {
	case sectionConstant:
		c := d.bytes(1)
		if !d.ok() {
			return nil
		}
		out := make([]byte, size)
		if c[0] != 0 {
			for i := range out {
				out[i] = c[0]
			}
		}
		return out
	case sectionZstd:
		packed := d.bytes(d.uvarint())
		if !d.ok() {
			return nil
		}
		codec, err := zstdCodec()
		if err != nil {
			d.bad = true
			return nil
		}
		out, err := codec.DecodeAll(packed, make([]byte, 0, size))
		if err != nil || uint64(len(out)) != size {
			d.bad = true
			return nil
		}
		return out
	}
	d.bad = true
	return nil
}

// appendValues appends values as eight sections, one for each byte of a double: of neighbours that are alike, the high bytes
// of their exclusive or are zeros.
func appendValues(b []byte, values ...[]float64) []byte {
	n := 0
	for _, column := range values {
		n += len(column)
	}
	planes := make([]byte, 8*n)
	last, i := uint64(0), 0
	for _, column := range values {
		for _, v := range column {
			u := math.Float64bits(v)
			x := u ^ last
			last = u
			for p := range 8 {
				planes[p*n+i] = byte(x >> (8 * p))
			}
			i++
		}
	}
	for p := range 8 {
		b = appendSection(b, planes[p*n:(p+1)*n])
	}
	return b
}

// values reads n values of appendValues.
func (d *decoder) values(n uint64) []float64 { return d.valuesInto(nil, n) }

// valuesInto is values into memory that is there, where it suffices.
func (d *decoder) valuesInto(out []float64, n uint64) []float64 {
	var planes [8][]byte
	for p := range planes {
		planes[p] = d.section()
		if uint64(len(planes[p])) != n {
			d.bad = true
		}
	}
	if d.bad {
		return nil
	}
	out = slices.Grow(out[:0], int(n))[:n]
	p0, p1, p2, p3 := planes[0], planes[1], planes[2], planes[3]
	p4, p5, p6, p7 := planes[4], planes[5], planes[6], planes[7]
	last := uint64(0)
	for i := range out {
		last ^= uint64(p0[i]) | uint64(p1[i])<<8 | uint64(p2[i])<<16 | uint64(p3[i])<<24 |
			uint64(p4[i])<<32 | uint64(p5[i])<<40 | uint64(p6[i])<<48 | uint64(p7[i])<<56
		out[i] = math.Float64frombits(last)
	}
	return out
}

// appendRises appends integers as the differences of their differences: zeros where they rise evenly, as steps and times
// do. All wraps around, so that every value comes back.
func appendRises(b []byte, values []int64) []byte {
	last, rise := int64(0), int64(0)
	for _, v := range values {
		b = binary.AppendVarint(b, v-last-rise)
		rise, last = v-last, v
	}
	return b
}

// rises reads what appendRises wrote.
func (d *decoder) rises(count uint64) []int64 { return d.risesInto(nil, count) }

// risesInto is rises into memory that is there, where it suffices.
func (d *decoder) risesInto(out []int64, count uint64) []int64 {
	rest := d.rest // a local variable: each store to d's would tell the garbage collector
	// A value takes at least a byte, so a forged number cannot ask for more memory than the section's own size.
	if count > uint64(len(rest)) {
		d.bad = true
		return nil
	}
	out = slices.Grow(out[:0], int(count))[:count]
	last, rise, at := int64(0), int64(0), 0
	for i := range out {
		// Most take one byte.
		if at < len(rest) && rest[at] < 0x80 {
			u := uint64(rest[at])
			rise += int64(u>>1) ^ -int64(u&1)
			at++
		} else {
			v, n := binary.Varint(rest[at:])
			if n <= 0 {
				d.bad = true
				return nil
			}
			rise += v
			at += n
		}
		last += rise
		out[i] = last
	}
	d.rest = rest[at:]
	return out
}

// sealed appends the checksum of what was appended since start.
func sealed(b []byte, start int) []byte {
	return binary.LittleEndian.AppendUint32(b, checksum(b[start:]))
}

// opened checks a payload's checksum and version, and gives a decoder of the rest.
func opened(payload []byte, version byte) (decoder, error) {
	if len(payload) < 5 {
		return decoder{}, fmt.Errorf("%w: %d bytes", errCorrupt, len(payload))
	}
	body, sum := payload[:len(payload)-4], binary.LittleEndian.Uint32(payload[len(payload)-4:])
	if checksum(body) != sum {
		return decoder{}, fmt.Errorf("%w: its checksum does not match", errCorrupt)
	}
	if body[0] != version {
		return decoder{}, fmt.Errorf("%w: version %d is not known", errCorrupt, body[0])
	}
	return decoder{rest: body[1:], left: maxUnpacked}, nil
}
