package metric_test

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
)

// countedChunks counts the chunks whose points are asked for.
type countedChunks struct {
	store.Querier
	n int
}

func (q *countedChunks) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if strings.Contains(query, ", payload FROM metric_chunks") {
		q.n += len(args)
	}
	return q.Querier.QueryContext(ctx, query, args...)
}

// TestPointsThatGoBackReadFewChunks: to find out whether a point that goes back is there already, only the chunks are read
// whose steps it may be among, however long the series is; and where points are gathered to be remembered, the newest first,
// and no more than that takes.
func TestPointsThatGoBackReadFewChunks(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newService(t, db)
		run := newRun(t, s)
		const chunk, chunks = 16, 200 // as ShrinkForTests has it
		c := metric.Columns{Key: "loss"}
		for step := range int64(chunk * chunks) {
			c.Steps, c.Times, c.Values = append(c.Steps, step), append(c.Times, step), append(c.Values, float64(step))
		}
		_, err := s.LogBatch(ctx, tracking.Batch{RunID: run.RunID, Columns: []metric.Columns{c}})
		require.NoError(t, err)
		require.NoError(t, metric.CompactUntil(ctx, db, func() error { return nil }))
		rows, err := store.LoadSeries(ctx, db.Read(), run.ID, []string{"loss"})
		require.NoError(t, err)
		require.Len(t, rows, 1)
		for _, tc := range []struct {
			from, to     int64
			most, chunks int
		}{
			{from: 100, to: 100, most: 10, chunks: 1},
			{from: 15, to: 16, most: 10, chunks: 2},
			{from: 3*chunk + 1, to: 6 * chunk, most: 100, chunks: 4},
			{from: 0, to: chunk * chunks, most: 20, chunks: 16},
			{from: chunk * chunks, to: chunk * (chunks + 1), most: 10, chunks: 0},
		} {
			q := &countedChunks{Querier: db.Read()}
			steps, err := metric.StoredSteps(ctx, q, db.Logger(), &rows[0], tc.from, tc.to, tc.most)
			require.NoError(t, err)
			require.Equal(t, tc.chunks, q.n, "%+v", tc)
			if tc.most < int(tc.to-tc.from) && tc.chunks > 0 {
				require.Len(t, steps, tc.most)
				require.GreaterOrEqual(t, slices.Min(steps), int64(chunk*(chunks-16)), "the newest first")
				continue
			}
			slices.Sort(steps)
			var want []int64
			for step := tc.from; step <= tc.to && step < chunk*chunks; step++ {
				want = append(want, step)
			}
			require.Equal(t, want, steps)
		}
		// A point that is there is told from a new one, wherever it lies.
		again := metric.Columns{Key: "loss", Steps: []int64{100, 100}, Times: []int64{100, 101}, Values: []float64{100, 100}}
		_, err = s.LogBatch(ctx, tracking.Batch{RunID: run.RunID, Columns: []metric.Columns{again}})
		require.NoError(t, err)
		rows, err = store.LoadSeries(ctx, db.Read(), run.ID, []string{"loss"})
		require.NoError(t, err)
		require.EqualValues(t, chunk*chunks+1, rows[0].Count)
	})
}
