package metric_test

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
)

// tooLong is far more than what is measured takes on a busy machine, and far less than it would take if it cost the square of
// its size.
const tooLong = 20 * time.Second

// TestMergeOfManyPieces: as many columns of one key as points may come cost about what one column of them does.
func TestMergeOfManyPieces(t *testing.T) {
	t.Parallel()
	pieces := make([]metric.Columns, metric.MaxPoints)
	for i := range pieces {
		pieces[i] = metric.Columns{Key: "loss", Steps: []int64{int64(i)}, Times: []int64{1}, Values: []float64{1}}
	}
	began := time.Now()
	merged, err := metric.Merge(pieces)
	require.NoError(t, err)
	require.Less(t, time.Since(began), tooLong)
	require.Len(t, merged, 1)
	require.Equal(t, metric.MaxPoints, merged[0].Len())
	require.Equal(t, 1, pieces[0].Len(), "the caller's stay as they are")
}

// TestManyPointsOfOnePlace: points of one step and time cost what others do, however many they are.
func TestManyPointsOfOnePlace(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newService(t, db)
		run := newRun(t, s)
		const points = 30_000
		for call := range 5 {
			c := metric.Columns{Key: "loss"}
			for i := range points {
				c.Steps, c.Times, c.Values = append(c.Steps, 0), append(c.Times, 1), append(c.Values, float64(call/2*points+i))
			}
			began := time.Now()
			_, err := s.LogBatch(ctx, tracking.Batch{RunID: run.RunID, Columns: []metric.Columns{c}})
			require.NoError(t, err)
			require.Less(t, time.Since(began), tooLong)
		}
		rows, err := s.SeriesOf(ctx, []int{run.ID}, nil)
		require.NoError(t, err)
		require.EqualValues(t, 3*points, rows[run.ID][0].Count, "the second and the fourth call repeated the points of the one before")
	})
}

// TestKeysThatNoDatabaseHas: keys that were never stored are not found, whatever they hold.
func TestKeysThatNoDatabaseHas(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, r := newService(t, db), metric.NewReader(db)
		run := newRun(t, s)
		for _, key := range []string{"a\x00b", "a\xff"} {
			series, _, err := r.Series(ctx, metric.SeriesQuery{Runs: []*ent.Run{run}, Keys: []string{key}, MaxPoints: 10})
			require.NoError(t, err)
			require.Empty(t, series)
			page, err := r.History(ctx, run.ID, key, 0, 10)
			require.NoError(t, err)
			require.Zero(t, page.Len())
		}
	})
}

// TestKeysNamedTwice: a key that is named twice is one series, however many are named.
func TestKeysNamedTwice(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, r := newService(t, db), metric.NewReader(db)
		run := newRun(t, s)
		logSteps(t, s, run.RunID, "loss", 0, 20)
		keys := []string{"loss"}
		for i := range 600 {
			keys = append(keys, fmt.Sprint(i))
		}
		keys = append(keys, "loss")
		series, _, err := r.Series(ctx, metric.SeriesQuery{Runs: []*ent.Run{run}, Keys: keys, MaxPoints: 10})
		require.NoError(t, err)
		require.Len(t, series, 1)
	})
}

// TestTimesAtTheEndsOfTime: a range since the run's start holds for whatever time a point has.
func TestTimesAtTheEndsOfTime(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, r := newService(t, db), metric.NewReader(db)
		run := newRun(t, s)
		_, err := s.LogBatch(ctx, tracking.Batch{RunID: run.RunID, Columns: []metric.Columns{{Key: "loss",
			Steps: []int64{0, 1, 2}, Times: []int64{math.MinInt64, run.StartTime, math.MaxInt64}, Values: []float64{1, 2, 3}}}})
		require.NoError(t, err)
		from := int64(0)
		series, _, err := r.Series(ctx, metric.SeriesQuery{Runs: []*ent.Run{run}, Axis: metric.ByRelativeTime, FromTime: &from, MaxPoints: 10})
		require.NoError(t, err)
		require.Equal(t, []int64{1, 2}, series[0].Steps)
	})
}

// TestKeysWithoutPointsAreForgotten: nothing is remembered of keys that come without points, however many.
func TestKeysWithoutPointsAreForgotten(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		run, a := newRun(t, newService(t, db)), metric.NewAppender()
		sequence := int64(0)
		add := func(columns ...metric.Columns) {
			require.NoError(t, db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
				g, to := a.Begin(tx), metric.Run{PK: run.ID, ExperimentID: run.ExperimentID, Sequence: sequence}
				if err := g.Load(ctx, to, columns); err != nil {
					return err
				}
				if err := g.Check(to, columns); err != nil {
					return err
				}
				points, err := g.Plan(ctx, to, columns)
				if err != nil {
					return err
				}
				sequence = g.Add(to, 1, &points)
				return g.Write(ctx)
			}))
		}
		add(column("loss", 1))
		require.Equal(t, 1, a.Remembered())
		for i := range 10 {
			add(metric.Columns{Key: fmt.Sprint("empty ", i)})
		}
		require.Equal(t, 1, a.Remembered())
		add(column("acc", 1), metric.Columns{Key: "none"})
		require.Equal(t, 2, a.Remembered())
	})
}

// TestFollowingManySeries: who follows a run of many series has a part of its points at a time, also where all are in tails.
func TestFollowingManySeries(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, r := newService(t, db), metric.NewReader(db)
		run := newRun(t, s)
		for step := range 10 {
			var columns []metric.Columns
			for i := range 60 {
				columns = append(columns, steps(fmt.Sprint("key ", i), step, step+1))
			}
			_, err := s.LogBatch(ctx, tracking.Batch{RunID: run.RunID, Columns: columns})
			require.NoError(t, err)
		}
		require.NoError(t, metric.CompactAll(ctx, db, slog.New(slog.DiscardHandler), nil))
		held, err := metric.HeldSince(ctx, r, run, 60)
		require.NoError(t, err)
		require.GreaterOrEqual(t, held, 60)
		require.LessOrEqual(t, held, 3*60, "of 600")
	})
}
