package metric_test

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
)

// TestUnfoldedPointsAreNotHeldTogether: however many points the compactor has not folded yet, a reader holds a bounded part of
// those that it need not have together, and what it gives is what it gives of folded points.
func TestUnfoldedPointsAreNotHeldTogether(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const atOnce, perBatch = 40, 7
		s, r := newService(t, db), metric.NewReader(db)
		most := r.HoldAtOnce(atOnce)
		log := func(run *ent.Run, key string, from, to int) {
			_, err := s.LogBatch(ctx, tracking.Batch{RunID: run.RunID, Columns: []metric.Columns{steps(key, from, to)}})
			require.NoError(t, err)
		}
		batches := []int{100, 2, 0, 3, 3, 3} // the first run has far more than are held
		runs := make([]*ent.Run, len(batches))
		for i := range runs {
			runs[i] = newRun(t, s)
			log(runs[i], "loss", 0, 25)
		}
		require.NoError(t, metric.CompactAll(ctx, db, slog.New(slog.DiscardHandler), nil))
		for i, run := range runs {
			for from := 25; from < 25+perBatch*batches[i]; from += perBatch {
				log(run, "loss", from, from+perBatch)
				log(run, "acc", from, from+perBatch)
			}
		}
		read := func() (series []metric.Series, samples, sampled, first []metric.RunPoints) {
			series, _, err := r.Series(ctx, metric.SeriesQuery{Runs: runs, Keys: []string{"loss"}, MaxPoints: 4})
			require.NoError(t, err)
			samples, err = r.Samples(ctx, metric.SampleQuery{Runs: runs, Key: "loss", MaxPoints: 5})
			require.NoError(t, err)
			from := metric.IntStep(20)
			sampled, err = r.Samples(ctx, metric.SampleQuery{Runs: runs, Key: "loss", MaxPoints: 5, From: &from})
			require.NoError(t, err)
			first, err = r.FirstPoints(ctx, runs, "loss", 1000)
			require.NoError(t, err)
			return series, samples, sampled, first
		}
		series, samples, sampled, first := read()
		require.Positive(t, most())
		require.LessOrEqual(t, most(), atOnce+perBatch)

		require.NoError(t, metric.CompactAll(ctx, db, slog.New(slog.DiscardHandler), nil))
		foldedSeries, foldedSamples, foldedSampled, foldedFirst := read()
		require.Equal(t, foldedSeries, series)
		require.Equal(t, foldedSamples, samples)
		require.Equal(t, foldedSampled, sampled)
		require.Equal(t, foldedFirst, first)
		require.EqualValues(t, 725, series[0].Total)
		require.Len(t, first, len(runs))
	})
}
