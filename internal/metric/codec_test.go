package metric

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var anyColumns = rapid.Custom(func(t *rapid.T) Columns {
	n := rapid.IntRange(0, 20).Draw(t, "n")
	c := Columns{Key: rapid.StringN(0, 20, -1).Draw(t, "key"), StepScale: rapid.Int8Range(0, MaxStepScale).Draw(t, "scale"),
		Steps: make([]int64, n), Times: make([]int64, n), Values: make([]float64, n)}
	for i := range n {
		c.Steps[i] = rapid.Int64().Draw(t, "step")
		c.Times[i] = rapid.Int64().Draw(t, "time")
		c.Values[i] = math.Float64frombits(rapid.Uint64().Draw(t, "bits"))
	}
	return c
})

func TestBatchRoundTripIsExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.SliceOfN(anyColumns, 0, 5).Draw(t, "columns")
		i := 0
		err := decodeBatch(encodeBatch(nil, in), nil, func(c Columns) error {
			require.Equal(t, bitsOf(in[i]), bitsOf(c))
			i++
			return nil
		})
		require.NoError(t, err)
		require.Len(t, in, i)
	})
}

// bitsOf makes columns comparable: NaN equals itself only by its bits.
func bitsOf(c Columns) any {
	b := make([]uint64, c.Len())
	for i, v := range c.Values {
		b[i] = math.Float64bits(v)
	}
	return []any{c.Key, c.StepScale, c.Steps, c.Times, b}
}

func TestDamagedBatchIsRefused(t *testing.T) {
	t.Parallel()
	payload := encodeBatch(nil, []Columns{{Key: "loss", Steps: []int64{1, 2}, Times: []int64{5, 6}, Values: []float64{1, math.NaN()}}})
	for i := range payload {
		damaged := append([]byte(nil), payload...)
		damaged[i] ^= 0x40
		require.ErrorIs(t, decodeBatch(damaged, nil, func(Columns) error { return nil }), errCorrupt, "byte %d", i)
	}
	require.ErrorIs(t, decodeBatch(payload[:3], nil, nil), errCorrupt)
}

func TestCursorText(t *testing.T) {
	t.Parallel()
	c := Cursor{"00112233445566778899aabbccddeeff": 7, "ffeeddccbbaa99887766554433221100": math.MaxInt64}
	got, err := ParseCursor(c.String())
	require.NoError(t, err)
	require.Equal(t, c, got)
	for _, bad := range []string{"x", "!!", "AA", "Ag", c.String() + "AA", c.String()[:10]} {
		_, err := ParseCursor(bad)
		require.ErrorContains(t, err, "not a cursor of this server", bad)
	}
}

func TestBucketsKeepExtremes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 300).Draw(t, "n")
		limit := rapid.IntRange(1, 50).Draw(t, "limit")
		c := Columns{Steps: make([]int64, n), Times: make([]int64, n), Values: make([]float64, n)}
		least, greatest := math.NaN(), math.NaN()
		for i := range n {
			c.Steps[i] = int64(i)
			c.Values[i] = rapid.OneOf(rapid.Float64(), rapid.Just(math.NaN()), rapid.Just(math.Inf(1))).Draw(t, "v")
			if v := c.Values[i]; !math.IsNaN(v) {
				if math.IsNaN(least) || v < least {
					least = v
				}
				if math.IsNaN(greatest) || v > greatest {
					greatest = v
				}
			}
		}
		s := rollUpAll(&c, bucketSize(int64(n), limit)).series()
		require.LessOrEqual(t, len(s.Steps), limit)
		gotLeast, gotGreatest, total := math.NaN(), math.NaN(), int64(0)
		for i := range s.Steps {
			total += s.Counts[i]
			if v := s.Min[i]; !math.IsNaN(v) && (math.IsNaN(gotLeast) || v < gotLeast) {
				gotLeast = v
			}
			if v := s.Max[i]; !math.IsNaN(v) && (math.IsNaN(gotGreatest) || v > gotGreatest) {
				gotGreatest = v
			}
		}
		require.Equal(t, math.Float64bits(least), math.Float64bits(gotLeast))
		require.Equal(t, math.Float64bits(greatest), math.Float64bits(gotGreatest))
		require.Equal(t, int64(n), total)
	})
}
