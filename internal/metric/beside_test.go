package metric_test

import (
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
)

// TestOneDamagedRunHoldsUpNoOther: a run that cannot be folded, for whatever it lacks, stays as it is, and those behind it are
// folded.
func TestOneDamagedRunHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, query := range []string{
			"DELETE FROM metric_rollups WHERE id = (SELECT id FROM metric_series WHERE run_id = %d)",
			"UPDATE metric_rollups SET chunks = chunks - 1 WHERE id = (SELECT id FROM metric_series WHERE run_id = %d)",
			"DELETE FROM metric_series WHERE run_id = %d",
		} {
			s := newService(t, db)
			damaged, sound := newRun(t, s), newRun(t, s)
			logSteps(t, s, damaged.RunID, "loss", 0, 90)
			require.NoError(t, metric.CompactAll(ctx, db, slog.New(slog.DiscardHandler), nil))
			for _, run := range []string{damaged.RunID, sound.RunID} {
				logSteps(t, s, run, "loss", 90, 40)
			}
			require.EqualValues(t, 1, corrupt(t, db, fmt.Sprintf(query, damaged.ID)))
			chunks := corrupt(t, db, fmt.Sprintf("UPDATE metric_chunks SET run_id = run_id WHERE run_id = %d", damaged.ID))
			var done metric.Compaction
			require.NoError(t, metric.CompactAll(ctx, db, slog.New(slog.DiscardHandler), func(c metric.Compaction) { done = c }), query)
			require.Equal(t, metric.Compaction{Folded: 1, Damaged: 1}, done, query)
			require.Equal(t, chunks, corrupt(t, db, fmt.Sprintf("UPDATE metric_chunks SET run_id = run_id WHERE run_id = %d", damaged.ID)), "left as they are")
			corrupt(t, db, fmt.Sprintf("DELETE FROM metric_batches WHERE id >> 34 = %d", damaged.ID)) // for the next round
		}
	})
}
