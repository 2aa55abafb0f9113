package metric_test

import (
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
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

// TestRepairBesideServer: a server that knows the series of a run goes on with what a repair made of them. On SQLite there is
// no server beside a repair.
func TestRepairBesideServer(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, query := range []string{
			"UPDATE metric_series SET count = count + 5, max_value = 1000 WHERE run_id = %d",
			"DELETE FROM metric_series WHERE run_id = %d",
		} {
			run := newRun(t, newService(t, db))
			logSteps(t, newService(t, db), run.RunID, "loss", 0, 20)
			require.EqualValues(t, 1, corrupt(t, db, fmt.Sprintf(query, run.ID)))
			server := newService(t, db)
			_, err := server.LogBatch(ctx, tracking.Batch{RunID: run.RunID, Columns: []metric.Columns{
				{Key: "loss", Role: "MEASUREMENT"}, {Key: "other", Steps: []int64{1}, Times: []int64{1}, Values: []float64{1}}}})
			require.NoError(t, err) // it knows both series now, that of loss not as its points make it
			report := faultsOf(t, db, run)
			require.NotEmpty(t, report.Faults)
			require.NoError(t, report.Repair(ctx, db, false, nil))
			requireSound(t, db, run)
			cursor := follow(t, metric.NewReader(db), run, metric.Cursor{}, newNaive())
			logSteps(t, server, run.RunID, "loss", 20, 20)
			requireSound(t, db, run)
			later := newNaive()
			follow(t, metric.NewReader(db), run, cursor, later)
			require.Len(t, later.points["loss"], 20)
		}
	})
}

// TestRoleBesideServer: a role that comes without points makes no batch, which would tell a server beside it that a series is not
// as it remembers. It stays all the same, also when that server writes the whole row.
func TestRoleBesideServer(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		one := newService(t, db)
		other := one // on SQLite there is none beside it
		if db.Postgres() {
			other = newService(t, db)
		}
		run := newRun(t, one)
		role := func() string {
			t.Helper()
			rows, err := one.SeriesOf(ctx, []int{run.ID}, []string{"loss"})
			require.NoError(t, err)
			return string(rows[run.ID][0].Role)
		}
		give := func(s *tracking.Service, role metric.Role) {
			t.Helper()
			_, err := s.LogBatch(ctx, tracking.Batch{RunID: run.RunID, Columns: []metric.Columns{{Key: "loss", Role: role}}})
			require.NoError(t, err)
		}
		logSteps(t, one, run.RunID, "loss", 100, 1)
		require.Equal(t, "RESULT", role())
		give(other, "MEASUREMENT")
		logSteps(t, one, run.RunID, "loss", 50, 1) // a new first point: the row is written whole
		require.Equal(t, "MEASUREMENT", role())
		give(one, "RESULT")
		logSteps(t, other, run.RunID, "loss", 40, 1)
		logSteps(t, one, run.RunID, "loss", 30, 1)
		require.Equal(t, "RESULT", role())
		give(other, "MEASUREMENT")
		give(one, "RESULT")
		require.Equal(t, "RESULT", role(), "the last that was given")
	})
}
