package metric_test

import (
	"log/slog"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent"
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

// TestPointsThatAnAdapterSentBefore: a point of the user's own that an adapter sent before says nothing new. mlflow's log_model
// sends the newest points of its run once more.
func TestPointsThatAnAdapterSentBefore(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, reader := newService(t, db), metric.NewReader(db)
		run := newRun(t, s)
		log := func(c metric.Columns) int64 {
			t.Helper()
			result, err := s.LogBatch(ctx, tracking.Batch{RunID: run.RunID, Columns: []metric.Columns{c}})
			require.NoError(t, err)
			return result.Sequence
		}
		adapters := column("loss", 9, 8, math.NaN(), 7)
		adapters.KeepExisting, adapters.Role = true, "MEASUREMENT"
		cursor := log(adapters)
		again := metric.Columns{Key: "loss", StepScale: 2, Steps: []int64{300, 200}, Times: []int64{1003, 1002}, Values: []float64{7, math.NaN()}}
		require.Equal(t, cursor, log(again), "whoever follows the run gets every point once")
		model := newNaive()
		model.add(adapters)
		requireHistory(t, reader, run, model)
		rows, err := s.SeriesOf(ctx, []int{run.ID}, []string{"loss"})
		require.NoError(t, err)
		require.EqualValues(t, "MEASUREMENT", rows[run.ID][0].Role)

		log(column("loss", 9, 5)) // one is new
		model = newNaive()
		model.add(column("loss", 9, 5))
		requireHistory(t, reader, run, model)
	})
}

// TestUsersPointsAreNotRefusedForDamage: what an adapter recorded may be damaged, in whatever holds it: the user's own points take
// its place all the same, and a check goes on naming the damage.
func TestUsersPointsAreNotRefusedForDamage(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, tc := range []struct {
			table, where string
			compact      bool
			named        int // the faults that the damage makes once the user's own points are there
		}{
			{table: "metric_batches", where: "id >> 34 = ? AND points = 31", named: 1},
			{table: "metric_tails", where: "run_id = ?", compact: true, named: 1},
			{table: "metric_chunks", where: "run_id = ? AND min_step = 0", compact: true}, // it was of "loss" alone, and is gone
		} {
			s, r := newService(t, db), metric.NewReader(db)
			run := newRun(t, s)
			loss := steps("loss", 0, 30)
			loss.KeepExisting = true
			log := func(columns ...metric.Columns) {
				t.Helper()
				_, err := s.LogBatch(ctx, tracking.Batch{RunID: run.RunID, Columns: columns})
				require.NoError(t, err, tc.table)
			}
			log(loss, steps("other", 500, 501))
			if tc.compact {
				require.NoError(t, metric.CompactAll(ctx, db, slog.New(slog.DiscardHandler), nil))
			}
			log(steps("other", 501, 503))
			damage(t, db, tc.table, tc.where, run.ID)

			log(steps("loss", 100, 140))
			log(steps("loss", 140, 150), steps("other", 503, 504))
			series, _, err := r.Series(ctx, metric.SeriesQuery{Runs: []*ent.Run{run}, Keys: []string{"loss"}, MaxPoints: 1000})
			require.NoError(t, err)
			require.Equal(t, steps("", 100, 150).Steps, series[0].Steps, tc.table)
			require.False(t, series[0].Incomplete, "of the user's own points none is missing")
			page, err := r.History(ctx, run.ID, "other", 0, 100)
			require.NoError(t, err)
			require.Subset(t, page.Steps, []int64{501, 502, 503})
			report := faultsOf(t, db, run)
			var text []string
			for _, f := range report.Faults {
				text = append(text, f.String())
				require.NotEqual(t, "loss", f.Key, "its row is right")
			}
			if tc.named == 0 {
				require.Empty(t, text)
				require.Equal(t, []int64{500, 501, 502, 503}, page.Steps)
			} else {
				require.NotEmpty(t, text, tc.table)
			}
			require.NoError(t, report.Repair(ctx, db, true, nil))
			series, _, err = r.Series(ctx, metric.SeriesQuery{Runs: []*ent.Run{run}, Keys: []string{"loss"}, MaxPoints: 1000})
			require.NoError(t, err)
			require.Equal(t, steps("", 100, 150).Steps, series[0].Steps, tc.table)
		}
	})
}
