package metric_test

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/live"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
)

func column(key string, values ...float64) metric.Columns {
	c := metric.Columns{Key: key}
	for i, v := range values {
		c.Steps = append(c.Steps, int64(i))
		c.Times = append(c.Times, int64(1000+i))
		c.Values = append(c.Values, v)
	}
	return c
}

// TestUsersMetricWins: the user's own points take the place of an adapter's.
func TestUsersMetricWins(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		hub, reader := live.NewHub(), metric.NewReader(db)
		adapters := func(c metric.Columns) metric.Columns { c.KeepExisting = true; return c }
		for _, tc := range []struct{ restart, compact bool }{{}, {restart: true}, {compact: true}, {restart: true, compact: true}} {
			s := tracking.New(db, hub)
			t.Cleanup(s.Close)
			run := newRun(t, s)
			told := hub.Subscribe(func(e live.Event) bool { return e.RunID == run.RunID && e.Metrics && e.Changed })
			log := func(columns ...metric.Columns) {
				t.Helper()
				if tc.restart { // nothing is known of the series but what is stored
					s = tracking.New(db, hub)
					t.Cleanup(s.Close)
				}
				_, err := s.LogBatch(ctx, tracking.Batch{RunID: run.RunID, Columns: columns})
				require.NoError(t, err)
				if tc.compact {
					require.NoError(t, metric.CompactAll(ctx, db, slog.New(slog.DiscardHandler), nil))
				}
			}
			for i := range 40 { // more batches than are in memory at once
				log(adapters(column("loss", 9, float64(i))), column("other", 1, float64(i)))
			}
			log(adapters(metric.Columns{Key: "loss", Role: "MEASUREMENT", Steps: []int64{70}, Times: []int64{1}, Values: []float64{100}}))
			require.Empty(t, told.C())
			log(column("loss", 3, 2), adapters(column("late", 7)))
			require.Len(t, told.C(), 1, "who shows the run hears that more changed than points that were added")
			log(adapters(column("loss", 9, 8, 7)), column("late", 5), adapters(column("late", 6)))
			log(column("loss", 3, 2, 1))
			// The user's points go back, and one is as an adapter's was.
			log(adapters(metric.Columns{Key: "back", Steps: []int64{5, 3}, Times: []int64{1, 1}, Values: []float64{1, 2}}))
			back := metric.Columns{Key: "back", Steps: []int64{5, 3}, Times: []int64{2, 1}, Values: []float64{1, 2}}
			log(back)

			model := newNaive()
			model.add(column("loss", 3, 2, 1))
			model.add(column("late", 5))
			model.add(back)
			for i := range 40 {
				model.add(column("other", 1, float64(i)))
			}
			requireHistory(t, reader, run, model)
			requireSummaries(t, s, run, model)
			requireSeries(t, reader, run, model)
			followed := newNaive()
			follow(t, reader, run, metric.Cursor{}, followed)
			require.Equal(t, text(model.points["loss"]), text(followed.points["loss"]))
			rows, err := s.SeriesOf(ctx, []int{run.ID}, []string{"loss"})
			require.NoError(t, err)
			require.EqualValues(t, "RESULT", rows[run.ID][0].Role)
			told.Close()
		}
	})
}
