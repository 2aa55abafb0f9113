package metric

import (
	"encoding/binary"
	"math"
	"runtime/metrics"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// The fuzz targets below give payloads the checksum that they should have: what is wrong behind it is what is looked for.
// Whatever comes, a decoder gives points or errCorrupt, and takes little memory. What it gives is what an encoder writes.

// allocated is the memory that was ever taken, in bytes.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// requireLittle runs a decoder of a payload and checks what memory it takes: some times the payload's size, and what a payload
// may unpack to.
func requireLittle(t *testing.T, payload []byte, decode func()) {
	t.Helper()
	before := allocated()
	decode()
	require.LessOrEqual(t, allocated()-before, uint64(16*len(payload)+8*maxUnpacked))
}

func unsealed(payload []byte) []byte { return payload[:len(payload)-4] }

func FuzzDecodeBatch(f *testing.F) {
	f.Add(unsealed(encodeBatch(nil, []Columns{
		{Key: "loss", StepScale: 2, Steps: []int64{1, -9}, Times: []int64{1, 2}, Values: []float64{0.5, math.Inf(1)}},
		{Key: "学习率", Steps: []int64{math.MaxInt64, math.MinInt64, 0}, Times: []int64{0, -1, 5}, Values: []float64{math.NaN(), 0, -1}},
	})))
	f.Add(unsealed(encodeBatch(nil, nil)))
	f.Add([]byte{payloadVersion, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 1, 'k', 7, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, body []byte) {
		payload := sealed(slices.Clone(body), 0)
		var got []Columns
		var err error
		requireLittle(t, payload, func() {
			err = decodeBatch(payload, nil, func(c Columns) error {
				got = append(got, c)
				return nil
			})
		})
		if err != nil {
			require.ErrorIs(t, err, errCorrupt)
			return
		}
		i := 0
		require.NoError(t, decodeBatch(encodeBatch(nil, got), nil, func(c Columns) error {
			require.Equal(t, bitsOf(got[i]), bitsOf(c))
			i++
			return nil
		}))
		require.Len(t, got, i)
	})
}

// piecesOf makes pieces of any bytes.
func piecesOf(data []byte) []piece {
	next := func() int64 {
		v, n := binary.Varint(data)
		if n <= 0 {
			n = len(data)
		}
		data = data[n:]
		return v
	}
	var out []piece
	for key := ""; len(data) > 0; {
		key += string(rune('a' + next()&15))
		p := piece{Columns: Columns{Key: key, StepScale: int8(next() & 3)}}
		for n := next() & 63; n >= 0; n-- {
			p.Steps, p.Times, p.Sequences = append(p.Steps, next()), append(p.Times, next()), append(p.Sequences, next())
			p.Values = append(p.Values, math.Float64frombits(uint64(next())))
		}
		out = append(out, p)
	}
	return out
}

func requireSamePieces(t *testing.T, want, got []piece) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		require.Equal(t, bitsOf(want[i].Columns), bitsOf(got[i].Columns))
		require.Equal(t, want[i].Sequences, got[i].Sequences)
	}
}

func decodePieces(payload []byte) (out []piece, err error) {
	err = decodePack(payload, nil, func(p piece) error {
		out = append(out, p)
		return nil
	})
	return out, err
}

// forgedSections begins a pack whose sections say that they unpack to size bytes each.
func forgedSections(version byte, size uint64) []byte {
	b := binary.AppendUvarint([]byte{version}, 1)
	for range 12 {
		b = append(binary.AppendUvarint(append(b, sectionConstant), size), 1)
	}
	return b
}

func FuzzDecodePack(f *testing.F) {
	if _, err := zstdCodec(); err != nil { // its tables are no payload's
		f.Fatal(err)
	}
	regular := piece{Columns: Columns{Key: "loss"}}
	for i := range int64(200) {
		regular.Steps, regular.Times, regular.Sequences = append(regular.Steps, i), append(regular.Times, 1000*i), append(regular.Sequences, i/7)
		regular.Values = append(regular.Values, 1/float64(i+1))
	}
	f.Add(unsealed(encodePack(nil, nil)))
	f.Add(unsealed(encodePack(nil, []piece{regular})))
	f.Add(unsealed(encodePack(nil, piecesOf([]byte("a few pieces of a few points, whatever these bytes make of them")))))
	f.Add(forgedSections(packVersion, maxUnpacked/12))
	f.Add(forgedSections(packVersion, 64<<20))
	f.Fuzz(func(t *testing.T, body []byte) {
		payload := sealed(slices.Clone(body), 0)
		var got []piece
		var err error
		requireLittle(t, payload, func() { got, err = decodePieces(payload) })
		if err != nil {
			require.ErrorIs(t, err, errCorrupt)
		} else {
			again, err := decodePieces(encodePack(nil, got))
			require.NoError(t, err)
			requireSamePieces(t, got, again)
		}
		_, err = decodeChunk(payload)
		if err != nil {
			require.ErrorIs(t, err, errCorrupt)
		}
		// The same bytes as points, there and back.
		made := piecesOf(body)
		again, err := decodePieces(encodePack(nil, made))
		require.NoError(t, err)
		requireSamePieces(t, made, again)
	})
}

func FuzzDecodeRollup(f *testing.F) {
	if _, err := zstdCodec(); err != nil {
		f.Fatal(err)
	}
	for _, data := range []string{"", "some points, whatever these bytes make of them, in any order"} {
		for _, p := range append(piecesOf([]byte(data)), piece{}) {
			f.Add(unsealed(rollUp(&p.Columns, 2).encode(nil)))
		}
	}
	f.Add(forgedSections(rollupVersion, 64<<20))
	f.Fuzz(func(t *testing.T, body []byte) {
		payload := sealed(slices.Clone(body), 0)
		var got *rollup
		var err error
		requireLittle(t, payload, func() { got, err = decodeRollup(payload) })
		if err != nil {
			require.ErrorIs(t, err, errCorrupt)
		} else {
			requireSameRollup(t, got)
			got.atMost(1)
			require.Len(t, got.series().Counts, len(got.buckets))
		}
		for _, p := range piecesOf(body) {
			requireSameRollup(t, rollUp(&p.Columns, 1))
		}
	})
}

// requireSameRollup encodes a roll-up and reads it back.
func requireSameRollup(t *testing.T, want *rollup) {
	t.Helper()
	got, err := decodeRollup(want.encode(nil))
	require.NoError(t, err)
	require.Equal(t, []any{want.scale, want.size, want.inOrder, want.byTime, want.count}, []any{got.scale, got.size, got.inOrder, got.byTime, got.count})
	require.Len(t, got.buckets, len(want.buckets))
	for i := range want.buckets {
		a, b := want.buckets[i], got.buckets[i]
		for _, of := range bucketValues {
			require.Equal(t, math.Float64bits(*of(&a)), math.Float64bits(*of(&b)))
			*of(&a), *of(&b) = 0, 0
		}
		require.Equal(t, a, b)
	}
}
