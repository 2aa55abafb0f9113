package curves_test

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"math/bits"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/bench/curves"
)

const points = 10_000

func columns(c *curves.Curve) (steps, times []int64, values []float64) {
	steps, times, values = make([]int64, points), make([]int64, points), make([]float64, points)
	c.Fill(steps, times, values)
	return steps, times, values
}

// TestSameEverywhere fails when the curves change: sizes that were measured on them would not compare any more.
func TestSameEverywhere(t *testing.T) {
	t.Parallel()
	hash := fnv.New64a()
	steps, times, values := columns(curves.New(1, 2, 3))
	for i, v := range values {
		_ = binary.Write(hash, binary.LittleEndian, []uint64{uint64(steps[i]), uint64(times[i]), math.Float64bits(v)})
	}
	require.Equal(t, uint64(0x5d68a13beb37b0f8), hash.Sum64())
}

func TestCurvesDiffer(t *testing.T) {
	t.Parallel()
	seen := map[float64]bool{}
	for _, id := range [][3]uint64{{1, 1, 1}, {2, 1, 1}, {1, 2, 1}, {1, 1, 2}, {1, 0, 0}, {0, 1, 0}, {0, 0, 1}} {
		_, _, v := curves.New(id[0], id[1], id[2]).Next()
		require.False(t, seen[v], id)
		seen[v] = true
	}
}

func TestShape(t *testing.T) {
	t.Parallel()
	steps, times, values := columns(curves.New(1, 1, 1))
	full := 0
	for i := range values {
		require.Equal(t, int64(i), steps[i])
		if i > 0 {
			require.Greater(t, times[i], times[i-1])
		}
		// A value with few digits would end in zeros.
		if bits.TrailingZeros64(math.Float64bits(values[i])) < 8 {
			full++
		}
	}
	require.Greater(t, full, points*99/100)
	require.Greater(t, mean(values[:100]), 2*mean(values[points-100:]), "it decays")
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}
