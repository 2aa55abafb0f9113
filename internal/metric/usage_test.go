package metric_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
)

// eachURL is storetest.Each for tests that open the database a second time.
func eachURL(t *testing.T, fn func(t *testing.T, url string, db *store.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		url := "sqlite:" + filepath.Join(t.TempDir(), "cairn.db")
		fn(t, url, storetest.Open(t, store.Config{URL: url}))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		url := storetest.PostgresURL(t)
		fn(t, url, storetest.Open(t, store.Config{URL: url}))
	})
}

func inspect(t *testing.T, url string) *store.Inspection {
	look, err := store.Inspect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, look.Close()) })
	return look
}

func logSteps(t require.TestingT, s *tracking.Service, runID, key string, from, n int) {
	c := metric.Columns{Key: key}
	for i := from; i < from+n; i++ {
		c.Steps, c.Times, c.Values = append(c.Steps, int64(i)), append(c.Times, 1000+int64(i)), append(c.Values, float64(i)/7)
	}
	_, err := s.LogBatch(ctx, tracking.Batch{RunID: runID, Columns: []metric.Columns{c}})
	require.NoError(t, err)
}

func TestUsage(t *testing.T) {
	t.Parallel()
	eachURL(t, func(t *testing.T, url string, db *store.DB) {
		s, look := newService(t, db), inspect(t, url)
		empty, err := metric.ReadUsage(ctx, look, 0)
		require.NoError(t, err)
		require.Zero(t, empty.Points)
		require.Nil(t, empty.Backlog.Oldest)

		before := time.Now().UnixMilli()
		kept, gone := newRun(t, s), newRun(t, s)
		logSteps(t, s, kept.RunID, "loss", 0, 40)
		logSteps(t, s, gone.RunID, "loss", 0, 3)
		_, err = s.DeleteRun(ctx, gone.RunID)
		require.NoError(t, err)
		require.NoError(t, metric.CompactAll(ctx, db, slog.New(slog.DiscardHandler), nil))
		logSteps(t, s, kept.RunID, "loss", 40, 5)
		logSteps(t, s, kept.RunID, "acc", 0, 2)
		if db.Postgres() { // what it believes is what autovacuum found last
			require.NoError(t, db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.ExecContext(ctx, "ANALYZE metric_series")
				return err
			}))
		}
		for name, within := range map[string]time.Duration{"counted": 0, "estimated": time.Nanosecond} {
			u, err := metric.ReadUsage(ctx, look, within)
			require.NoError(t, err, name)
			require.Equal(t, within > 0, u.Estimated)
			require.Equal(t, store.RunCounts{All: 2, Deleted: 1}, u.Runs)
			require.Equal(t, store.PointCounts{Series: 3, Points: 50}, u.PointCounts, name)
			require.EqualValues(t, 2, u.Backlog.Batches)
			require.EqualValues(t, 7, u.Backlog.Points)
			require.GreaterOrEqual(t, *u.Backlog.Oldest, before)
			require.Positive(t, u.Size.Total)
			if within > 0 {
				require.Nil(t, u.Tables)
				continue
			}
			require.Len(t, u.Tables, 5)
			require.Positive(t, u.Tables["metric_chunks"])
			require.Less(t, u.Metrics(), u.Size.Total)
		}
	})
}

// TestUsageTellsWhoFolds: on PostgreSQL, where several servers share the runs.
func TestUsageTellsWhoFolds(t *testing.T) {
	t.Parallel()
	url := storetest.PostgresURL(t)
	db := storetest.Open(t, store.Config{URL: url})
	s, look := newService(t, db), inspect(t, url)
	logSteps(t, s, newRun(t, s).RunID, "loss", 0, 40)
	var held []store.HeldLease
	err := metric.CompactUntil(ctx, db, func() error {
		u, err := metric.ReadUsage(ctx, look, 0)
		require.NoError(t, err)
		held = u.Leases
		return nil
	})
	require.NoError(t, err)
	require.Len(t, held, 1)
	require.Contains(t, held[0].Owner, "process ")
	u, err := metric.ReadUsage(ctx, look, 0)
	require.NoError(t, err)
	require.Empty(t, u.Leases, "given back")
}
