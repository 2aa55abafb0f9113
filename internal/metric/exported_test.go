package metric_test

import (
	"errors"
	"log/slog"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
)

// requireExport reads all series while the run goes on, and holds what came against all points that there were when it began.
func requireExport(t *rapid.T, db *store.DB, s *tracking.Service, r *metric.Reader, run *ent.Run, model *naive) {
	export, err := r.Export(ctx, run, nil)
	require.NoError(t, err)
	got, replaced := newNaive(), false
	err = export.Each(ctx, func(c metric.Columns) error {
		require.True(t, len(got.points[c.Key]) > 0 || len(got.points) == slices.Index(export.Keys, c.Key), "%s comes in its turn", c.Key)
		got.points[c.Key] = append(got.points[c.Key], pointsOf(c)...)
		switch rapid.IntRange(0, 5).Draw(t, "meanwhile") {
		case 0:
			compactSome(t, db, rapid.IntRange(0, 6).Draw(t, "writes"))
		case 1, 2:
			columns := rapid.SliceOfN(someColumns, 1, 3).Draw(t, "columns")
			_, err := s.LogBatch(ctx, tracking.Batch{RunID: run.RunID, Columns: columns})
			require.NoError(t, err)
			for _, c := range columns {
				replaced = replaced || !c.KeepExisting && c.Len() > 0 && !model.own[c.Key]
			}
		}
		return nil
	})
	if replaced && errs.Is(err, errs.Conflict) {
		return
	}
	require.NoError(t, err)
	require.Empty(t, export.Incomplete)
	total := 0
	for key, points := range model.points {
		total += len(points)
		require.Equal(t, text(points), text(got.points[key]), "export of %s", key)
	}
	require.EqualValues(t, total, export.Points)
	require.Len(t, got.points, len(export.Keys))
}

func TestExportOfSomeKeys(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newService(t, db)
		run, r := newRun(t, s), metric.NewReader(db)
		log := func(columns ...metric.Columns) {
			_, err := s.LogBatch(ctx, tracking.Batch{RunID: run.RunID, Columns: columns})
			require.NoError(t, err)
		}
		read := func(keys ...string) map[string][]int64 {
			export, err := r.Export(ctx, run, keys)
			require.NoError(t, err)
			got := map[string][]int64{}
			require.NoError(t, export.Each(ctx, func(c metric.Columns) error {
				got[c.Key] = append(got[c.Key], c.Steps...)
				return nil
			}))
			return got
		}
		require.Empty(t, read())
		decimal := steps("decimal", 0, 30)
		decimal.StepScale = 3
		huge := metric.Columns{Key: "huge", Steps: []int64{1<<63 - 1}, Times: []int64{1}, Values: []float64{1}}
		log(steps("loss", 0, 50), steps("acc", 0, 20), decimal, huge)
		all := map[string][]int64{"loss": steps("", 0, 50).Steps, "acc": steps("", 0, 20).Steps, "decimal": decimal.Steps, "huge": huge.Steps}
		require.Equal(t, all, read())
		require.Equal(t, map[string][]int64{"acc": all["acc"], "huge": all["huge"]}, read("huge", "acc", "huge"))
		export, err := r.Export(ctx, run, nil)
		require.NoError(t, err)
		require.EqualValues(t, 3, export.StepScale)
		require.Equal(t, []string{"acc", "decimal", "huge", "loss"}, export.Keys)

		_, err = r.Export(ctx, run, []string{"loss", "nothing"})
		require.Equal(t, errs.NotFound, errs.KindOf(err))
		require.ErrorContains(t, err, `"nothing"`)
		_, err = r.Export(ctx, run, make([]string, metric.MaxSeriesKeys+1))
		require.Equal(t, errs.Invalid, errs.KindOf(err))
	})
}

// TestExportOfWhatIsReplaced: the user's own points take the place of an adapter's while these are read.
func TestExportOfWhatIsReplaced(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newService(t, db)
		run, r := newRun(t, s), metric.NewReader(db)
		adapters := steps("loss", 0, 50)
		adapters.KeepExisting = true
		_, err := s.LogBatch(ctx, tracking.Batch{RunID: run.RunID, Columns: []metric.Columns{adapters}})
		require.NoError(t, err)
		export, err := r.Export(ctx, run, nil)
		require.NoError(t, err)
		err = export.Each(ctx, func(metric.Columns) error {
			_, err := s.LogBatch(ctx, tracking.Batch{RunID: run.RunID, Columns: []metric.Columns{steps("loss", 100, 200)}})
			return err
		})
		require.Equal(t, errs.Conflict, errs.KindOf(err))
		require.ErrorContains(t, err, "try again")
	})
}

func TestExportGoesOnBehindDamage(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		run, r := damagedRun(t, db), metric.NewReader(db)
		export, err := r.Export(ctx, run, nil)
		require.NoError(t, err)
		got := map[string][]int64{}
		require.NoError(t, export.Each(ctx, func(c metric.Columns) error {
			got[c.Key] = append(got[c.Key], c.Steps...)
			return nil
		}))
		require.Equal(t, map[string][]int64{"loss": left(), "acc": steps("", 0, 10).Steps}, got)
		require.Equal(t, []string{"loss"}, export.Incomplete)
	})
}

func TestExportEndsWithItsReader(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	s := newService(t, db)
	run := newRun(t, s)
	_, err := s.LogBatch(ctx, tracking.Batch{RunID: run.RunID, Columns: []metric.Columns{steps("loss", 0, 50)}})
	require.NoError(t, err)
	require.NoError(t, metric.CompactAll(ctx, db, slog.New(slog.DiscardHandler), nil))
	export, err := metric.NewReader(db).Export(ctx, run, nil)
	require.NoError(t, err)
	calls, gone := 0, errors.New("the reader is gone")
	require.ErrorIs(t, export.Each(ctx, func(metric.Columns) error { calls++; return gone }), gone)
	require.Equal(t, 1, calls)
}
