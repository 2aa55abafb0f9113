package metric_test

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
)

func faultsOf(t require.TestingT, db *store.DB, run *ent.Run) *metric.Report {
	report, err := metric.CheckRun(ctx, db.Read(), run)
	require.NoError(t, err)
	return report
}

func requireSound(t require.TestingT, db *store.DB, run *ent.Run) {
	for _, f := range faultsOf(t, db, run).Faults {
		require.Fail(t, "a fault", f.String())
	}
}

// corruptions change what is derived of a run's points, each such that it is no longer true. %d is the run.
var corruptions = []string{
	"UPDATE metric_series SET count = count + 1 WHERE run_id = %d",
	"UPDATE metric_series SET count = count - 1 WHERE run_id = %d",
	"UPDATE metric_series SET nan_count = nan_count + 1 WHERE run_id = %d",
	"UPDATE metric_series SET step_scale = step_scale + 1 WHERE run_id = %d AND (first_step <> 0 OR last_step <> 0)",
	"UPDATE metric_series SET step_scale = -1 WHERE run_id = %d",
	"UPDATE metric_series SET first_value = 12345.678 WHERE run_id = %d",
	"UPDATE metric_series SET last_value = 12345.678 WHERE run_id = %d",
	"UPDATE metric_series SET min_value = -12345.678 WHERE run_id = %d",
	"UPDATE metric_series SET max_value = NULL WHERE run_id = %d AND max_value IS NOT NULL",
	"UPDATE metric_series SET first_nan = NOT first_nan WHERE run_id = %d",
	"UPDATE metric_series SET last_nan = NOT last_nan WHERE run_id = %d",
	"UPDATE metric_series SET first_step = first_step - 1 WHERE run_id = %d",
	"UPDATE metric_series SET first_time = first_time - 1 WHERE run_id = %d",
	"UPDATE metric_series SET last_step = last_step + 1 WHERE run_id = %d",
	"UPDATE metric_series SET last_time = last_time - 1 WHERE run_id = %d",
	"UPDATE metric_series SET min_step = min_step + 1 WHERE run_id = %d",
	"UPDATE metric_series SET max_step = max_step + 1 WHERE run_id = %d",
	"UPDATE metric_series SET experiment_id = experiment_id + 1 WHERE run_id = %d",
	"DELETE FROM metric_series WHERE run_id = %d AND NOT EXISTS (SELECT 1 FROM metric_chunks c WHERE c.id >> 20 = metric_series.id)",
	"DELETE FROM metric_rollups WHERE id IN (SELECT id FROM metric_series WHERE run_id = %d)",
	"UPDATE metric_rollups SET chunks = chunks + 1 WHERE id IN (SELECT id FROM metric_series WHERE run_id = %d)",
	"UPDATE metric_rollups SET payload = OTHER WHERE id IN (SELECT id FROM metric_series WHERE run_id = %d)",
	"UPDATE metric_chunks SET run_id = run_id + 1000000 WHERE run_id = %d",
	"UPDATE metric_chunks SET first_sequence = first_sequence - 1 WHERE run_id = %d",
	"UPDATE metric_chunks SET last_sequence = last_sequence + 1 WHERE run_id = %d",
	"UPDATE metric_chunks SET step_scale = step_scale + 1 WHERE run_id = %d",
	"UPDATE metric_chunks SET min_step = min_step - 1 WHERE run_id = %d",
	"UPDATE metric_chunks SET max_step = max_step + 1 WHERE run_id = %d",
	"UPDATE metric_chunks SET summary = OTHER WHERE run_id = %d",
	"UPDATE metric_tails SET sequence = sequence + 1000 WHERE run_id = %d",
	"UPDATE metric_tails SET sequence = 0 WHERE run_id = %d AND points > 0",
	"UPDATE metric_tails SET points = points + 1 WHERE run_id = %d",
	"UPDATE metric_batches SET points = points + 1 WHERE id >> 34 = %d",
	"UPDATE runs SET metric_sequence = 0 WHERE id = %d AND NOT EXISTS (SELECT 1 FROM metric_batches b WHERE b.id >> 34 = runs.id)",
}

// corrupt runs a statement and tells how many rows it changed.
func corrupt(t require.TestingT, db *store.DB, query string) (changed int64) {
	require.NoError(t, db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		res, err := tx.ExecContext(ctx, query)
		if err != nil {
			return err
		}
		changed, err = res.RowsAffected()
		return err
	}))
	return changed
}

// corruptRun corrupts a run, and requires that this is found and put right, where it changed anything.
func corruptRun(t require.TestingT, db *store.DB, run *ent.Run, query string) (changed bool) {
	other := "x'0102030405'"
	if db.Postgres() {
		other = `'\\x0102030405'::bytea`
	}
	if corrupt(t, db, strings.Replace(fmt.Sprintf(query, run.ID), "OTHER", other, 1)) == 0 {
		return false
	}
	report := faultsOf(t, db, run)
	require.NotEmpty(t, report.Faults, query)
	for _, f := range report.Faults {
		require.Equal(t, metric.RepairDerived, f.Repair, "%s: %s", query, f.String())
	}
	require.NoError(t, report.Repair(ctx, db, false, nil), query)
	requireSound(t, db, run)
	return true
}

func TestRepairOfEachCorruption(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, reader := newService(t, db), metric.NewReader(db)
		model, pending := newNaive(), newNaive()
		folded, both := newRun(t, s), newRun(t, s)
		for i := range 90 { // chunks, roll-ups and tails
			columns := []metric.Columns{
				{Key: "long", StepScale: 1, Steps: []int64{int64(5 * i)}, Times: []int64{int64(1000 + i)}, Values: []float64{float64(i % 7)}},
				{Key: "nan", Steps: []int64{int64(i + 1)}, Times: []int64{int64(1000 + i)}, Values: []float64{math.NaN()}},
				{Key: fmt.Sprintf("short %d", i%9), Steps: []int64{int64(i + 1)}, Times: []int64{1}, Values: []float64{1 / float64(i)}},
			}
			for _, run := range []*ent.Run{folded, both} {
				_, err := s.LogBatch(ctx, tracking.Batch{RunID: run.RunID, Columns: columns})
				require.NoError(t, err)
			}
			model.batch(columns)
			pending.batch(columns)
		}
		require.NoError(t, metric.CompactAll(ctx, db, slog.New(slog.DiscardHandler), nil))
		for i := range 3 { // and batches
			columns := []metric.Columns{{Key: "long", Steps: []int64{int64(i)}, Times: []int64{1}, Values: []float64{-1}}}
			_, err := s.LogBatch(ctx, tracking.Batch{RunID: both.RunID, Columns: columns})
			require.NoError(t, err)
			pending.batch(columns)
		}
		for _, query := range corruptions {
			first, second := corruptRun(t, db, folded, query), corruptRun(t, db, both, query)
			require.True(t, first || second, query)
		}
		requireHistory(t, reader, folded, model)
		requireHistory(t, reader, both, pending)
		require.NoError(t, metric.CompactAll(ctx, db, slog.New(slog.DiscardHandler), nil))
		requireSound(t, db, both)
		requireHistory(t, reader, both, pending)
	})
}

// TestRepairMakesWhole: after any batches, folds and kills, whatever is changed of what is derived is found, and put right.
func TestRepairMakesWhole(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		reader := metric.NewReader(db)
		rapid.Check(t, func(t *rapid.T) {
			s := newService(t, db)
			run, model := newRun(t, s), newNaive()
			for range rapid.IntRange(1, 8).Draw(t, "batches") {
				columns := rapid.SliceOfN(someColumns, 1, 4).Draw(t, "columns")
				_, err := s.LogBatch(ctx, tracking.Batch{RunID: run.RunID, Columns: columns})
				require.NoError(t, err)
				model.batch(columns)
				if rapid.Bool().Draw(t, "compact") {
					compactSome(t, db, rapid.IntRange(0, 6).Draw(t, "writes"))
				}
			}
			if len(model.points) == 0 {
				return
			}
			for range rapid.IntRange(1, 10).Draw(t, "corruptions") {
				corruptRun(t, db, run, rapid.SampledFrom(corruptions).Draw(t, "corruption"))
			}
			columns := rapid.SliceOfN(someColumns, 1, 4).Draw(t, "columns behind")
			// A row that was gone no longer tells that its points are an adapter's.
			columns = slices.DeleteFunc(columns, func(c metric.Columns) bool { return len(model.points[c.Key]) > 0 && !model.own[c.Key] })
			_, err := s.LogBatch(ctx, tracking.Batch{RunID: run.RunID, Columns: columns})
			require.NoError(t, err)
			model.batch(columns)
			requireSound(t, db, run)
			requireHistory(t, reader, run, model)
			requireSummaries(t, s, run, model)
			requireSeries(t, reader, run, model)
			requireBuckets(t, reader, run, model)
		})
	})
}

func messages(report *metric.Report, repair metric.Repair) (out []string) {
	for i := range report.Faults {
		if report.Faults[i].Repair == repair {
			out = append(out, report.Faults[i].String())
		}
	}
	return out
}

func TestCheckNamesDamage(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		run := damagedRun(t, db)
		other := newRun(t, newService(t, db))
		logSteps(t, newService(t, db), other.RunID, "loss", 0, 20)
		var last metric.Checked
		report, err := metric.Check(ctx, db.Read(), func(c metric.Checked) { last = c })
		require.NoError(t, err)
		require.Equal(t, metric.Checked{Runs: 2, Series: 3, Points: 120 - 26 + 10 + 20}, report.Checked)
		require.NotZero(t, last)
		require.ElementsMatch(t, []string{
			"run " + run.RunID + `, metric "loss", chunk 2: corrupt metric points: its checksum does not match`,
			"run " + run.RunID + ": batch 2, of 10 points: corrupt metric points: its checksum does not match",
		}, messages(report, metric.RepairNone))
		require.Equal(t, 2, report.Count())
		require.Zero(t, report.Repairable())
	})
}

// longRun has 90 points of "loss", folded into five chunks, a tail and a roll-up, and gives the series' id.
func longRun(t *testing.T, db *store.DB) (run *ent.Run, id int) {
	t.Helper()
	s := newService(t, db)
	run = newRun(t, s)
	logSteps(t, s, run.RunID, "loss", 0, 90)
	require.NoError(t, metric.CompactAll(ctx, db, slog.New(slog.DiscardHandler), nil))
	heads, err := db.Ent().MetricSeries.Query().All(ctx)
	require.NoError(t, err)
	return run, heads[0].ID
}

// TestRepairBesideDamage: what is derived of points that cannot be read is kept as long as it may be true, and computed of the
// others only where that is asked for.
func TestRepairBesideDamage(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		run, id := longRun(t, db)
		damage(t, db, "metric_chunks", "id = ?", store.ChunkID(id, 2))
		require.Equal(t, 1, faultsOf(t, db, run).Count(), "row and roll-up may be true")
		series := func(most int) metric.Series {
			found, _, err := metric.NewReader(db).Series(ctx, metric.SeriesQuery{Runs: []*ent.Run{run}, MaxPoints: most})
			require.NoError(t, err)
			return found[0]
		}
		require.False(t, series(4).Incomplete, "the roll-up has all points")
		require.True(t, series(100).Incomplete)

		corrupt(t, db, fmt.Sprintf("UPDATE metric_series SET max_value = 0.5, count = 1 WHERE id = %d", id))
		corrupt(t, db, fmt.Sprintf("DELETE FROM metric_rollups WHERE id = %d", id))
		report := faultsOf(t, db, run)
		require.Len(t, messages(report, metric.RepairLossy), 2, report.Faults)
		require.NoError(t, report.Repair(ctx, db, false, nil))
		require.Len(t, messages(faultsOf(t, db, run), metric.RepairLossy), 2, "not asked for")
		require.NoError(t, report.Repair(ctx, db, true, nil))
		report = faultsOf(t, db, run)
		require.Equal(t, 1, report.Count(), report.Faults)
		require.Equal(t, 2, *report.Faults[0].Chunk)

		row, err := db.Ent().MetricSeries.Get(ctx, id)
		require.NoError(t, err)
		require.EqualValues(t, 90, row.Count, "also those that are lost")
		require.Equal(t, 89.0/7, *row.MaxValue)
		require.True(t, series(4).Incomplete, "the roll-up has no longer all points")

		logSteps(t, newService(t, db), run.RunID, "loss", 90, 30)
		require.NoError(t, metric.CompactAll(ctx, db, slog.New(slog.DiscardHandler), nil))
		require.Equal(t, 1, faultsOf(t, db, run).Count(), "folding goes on")
		page, err := metric.NewReader(db).History(ctx, run.ID, "loss", 0, 1000)
		require.NoError(t, err)
		require.Equal(t, 120-16, page.Len())
	})
}

func TestCheckNamesMissingChunks(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		run, id := longRun(t, db)
		for _, number := range []int{0, 2, 4} {
			corrupt(t, db, fmt.Sprintf("DELETE FROM metric_chunks WHERE id = %d", store.ChunkID(id, number)))
		}
		report := faultsOf(t, db, run)
		var missing []int
		for _, f := range report.Faults {
			require.Contains(t, f.Message, "it is not there")
			missing = append(missing, *f.Chunk)
		}
		require.Equal(t, []int{0, 2, 4}, missing)
		found, _, err := metric.NewReader(db).Series(ctx, metric.SeriesQuery{Runs: []*ent.Run{run}, MaxPoints: 100})
		require.NoError(t, err)
		require.True(t, found[0].Incomplete)
	})
}

func TestCheckNamesWhatBelongsToNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		run, id := longRun(t, db)
		corrupt(t, db, fmt.Sprintf("DELETE FROM metric_series WHERE id = %d", id))
		report, err := metric.Check(ctx, db.Read(), nil)
		require.NoError(t, err)
		require.Len(t, messages(report, metric.RepairNone), 5, "chunks whose key is not known")
		require.Equal(t, []string{fmt.Sprintf("roll-up of series %d, which is not there", id)}, messages(report, metric.RepairDerived))
		require.Equal(t, []string{"run " + run.RunID + `, metric "loss": it has 10 points and no row`}, messages(report, metric.RepairLossy),
			"one of the chunks may be its")
		require.NoError(t, report.Repair(ctx, db, false, nil))
		report, err = metric.Check(ctx, db.Read(), nil)
		require.NoError(t, err)
		require.Empty(t, messages(report, metric.RepairDerived))
		require.Equal(t, 6, report.Count())

		corrupt(t, db, "DELETE FROM metric_chunks")
		corrupt(t, db, fmt.Sprintf("UPDATE metric_tails SET run_id = %d", run.ID+1000))
		report, err = metric.Check(ctx, db.Read(), nil)
		require.NoError(t, err)
		require.Equal(t, []string{fmt.Sprintf("tails of run number %d, which is not there", run.ID+1000)}, messages(report, metric.RepairNone))
	})
}

func TestCheckGoesThroughAllRuns(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	s := newService(t, db)
	var runs []*ent.Run
	for range 150 { // more than a unit has
		run := newRun(t, s)
		logSteps(t, s, run.RunID, "loss", 0, 2)
		runs = append(runs, run)
	}
	corrupt(t, db, fmt.Sprintf("UPDATE metric_series SET count = 7 WHERE run_id IN (%d, %d)", runs[0].ID, runs[149].ID))
	report, err := metric.Check(ctx, db.Read(), nil)
	require.NoError(t, err)
	require.Equal(t, metric.Checked{Runs: 150, Series: 150, Points: 300}, report.Checked)
	require.Equal(t, 2, report.Repairable())
	require.NoError(t, report.Repair(ctx, db, false, nil))
	report, err = metric.Check(ctx, db.Read(), nil)
	require.NoError(t, err)
	require.Zero(t, report.Count())
}
