package metric

import (
	"testing"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/stretchr/testify/require"
)

// TestCacheAccountsForWhatItHolds: points of a series that once went back are all remembered, and must all be paid for.
func TestCacheAccountsForWhatItHolds(t *testing.T) {
	t.Parallel()
	a := &Appender{}
	var err error
	a.cache, err = simplelru.NewLRU(10, func(_ int, r *runSeries) { a.cost -= r.cost })
	require.NoError(t, err)
	s := &series{tailKnown: true, seen: map[pointID]struct{}{}}
	s.row.Key = "loss"
	const calls, points = 50, 20
	for call := range calls {
		s = s.clone()
		c := Columns{Key: "loss"}
		for i := range points {
			c.Steps, c.Times, c.Values = append(c.Steps, int64(call*points+i)), append(c.Times, 1), append(c.Values, 1)
		}
		_, err := s.accept(c, nil)
		require.NoError(t, err)
		a.remember(1, []*series{s})
	}
	require.GreaterOrEqual(t, a.cost, calls*points)
	require.Less(t, a.cost, calls*points+2*points)
	a.cache.RemoveOldest()
	require.Zero(t, a.cost)
}
