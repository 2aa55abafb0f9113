package gc_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/run"
	"github.com/cairnml/cairn/ent/runlogchunk"
	"github.com/cairnml/cairn/internal/artifact"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/gc"
	"github.com/cairnml/cairn/internal/live"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
)

var ctx = context.Background()

// world is a server's core on one database, with an artifact store.
type world struct {
	*testing.T
	db        *store.DB
	s         *tracking.Service
	dir       string
	files     *artifact.Store
	artifacts *artifact.Service
}

func each(t *testing.T, fn func(w *world)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := &world{T: t, db: db, s: tracking.New(db, live.NewHub()), dir: t.TempDir()}
		t.Cleanup(w.s.Close)
		var err error
		w.files, err = artifact.Open(w.dir)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, w.files.Close()) })
		w.artifacts = artifact.NewService(w.files, db)
		fn(w)
	})
}

func (w *world) experiment(name, location string) int {
	w.Helper()
	e, err := w.s.CreateExperiment(ctx, tracking.CreateExperiment{Name: name, ArtifactLocation: location, Tags: []tracking.Tag{{Key: "team", Value: "a"}}})
	require.NoError(w, err)
	return e.ID
}

func (w *world) put(location, name string) {
	w.Helper()
	root, err := artifact.Root(location)
	require.NoError(w, err)
	_, err = w.artifacts.Put(ctx, root+"/"+name, strings.NewReader(name), 1000)
	require.NoError(w, err)
}

// record makes a run that has something of everything, and a model of it.
func (w *world) record(experiment int) (*ent.Run, *ent.LoggedModel) {
	w.Helper()
	r, err := w.s.CreateRun(ctx, tracking.CreateRun{ExperimentID: &experiment})
	require.NoError(w, err)
	column := metric.Columns{Key: "loss"}
	for i := range int64(9000) { // two chunks and a tail
		column.Steps, column.Times, column.Values = append(column.Steps, i), append(column.Times, i), append(column.Values, 1/float64(i+1))
	}
	w.log(tracking.Batch{RunID: r.RunID, Columns: []metric.Columns{column}, Params: []tracking.Param{{Key: "lr", Value: "1"}},
		Tags: []tracking.Tag{{Key: "a", Value: "b"}}, Client: "c", Sequence: 1})
	require.NoError(w, metric.CompactAll(ctx, w.db, slog.New(slog.DiscardHandler), nil))
	w.log(tracking.Batch{RunID: r.RunID, Columns: []metric.Columns{{Key: "acc", Steps: []int64{1}, Times: []int64{1}, Values: []float64{0.5}}}})
	_, err = w.s.AppendRunLog(ctx, tracking.AppendRunLog{RunID: r.RunID, Stream: runlogchunk.StreamSTDOUT, Text: "out"})
	require.NoError(w, err)
	_, err = w.s.RecordFingerprint(ctx, r.RunID, ent.Fingerprint{Detail: "{}"})
	require.NoError(w, err)
	_, err = w.s.LogInputs(ctx, r.RunID, []tracking.Input{
		{Dataset: tracking.Dataset{Name: "shared", Digest: "1", SourceType: "local", Source: "x"}},
		{Dataset: tracking.Dataset{Name: "own " + r.RunID, Digest: "2", SourceType: "local", Source: "x"}, Context: "training"},
	}, nil)
	require.NoError(w, err)
	m, err := w.s.CreateLoggedModel(ctx, tracking.CreateLoggedModel{SourceRunID: r.RunID, Name: "m",
		Params: []tracking.Param{{Key: "a", Value: "b"}}, Tags: []tracking.Tag{{Key: "a", Value: "b"}}})
	require.NoError(w, err)
	_, err = w.s.LogOutputs(ctx, r.RunID, []tracking.Output{{ModelID: m.ModelID}})
	require.NoError(w, err)
	w.log(tracking.Batch{RunID: r.RunID, Models: []tracking.ModelMetric{{ModelID: m.ModelID, Key: "acc", Value: 1}}})
	w.put(r.ArtifactLocation, "model/MLmodel")
	w.put(m.ArtifactLocation, "weights")
	return r, m
}

func (w *world) log(b tracking.Batch) {
	w.Helper()
	_, err := w.s.LogBatch(ctx, b)
	require.NoError(w, err)
}

func (w *world) exec(query string, args ...any) {
	w.Helper()
	require.NoError(w, w.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, query, args...)
		return err
	}))
}

// settle lets the service note the changes that it was going to note.
func (w *world) settle() {
	w.s.Close()
	w.s = tracking.New(w.db, live.NewHub())
	w.Cleanup(w.s.Close)
}

// dump gives all rows of all tables, but for counters, and the names of all files.
func (w *world) dump() map[string][]string {
	w.Helper()
	w.settle()
	tables := "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
	if w.db.Postgres() {
		tables = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
	}
	var names []string
	out := map[string][]string{}
	require.NoError(w, store.EachRow(ctx, w.db.Read(), tables, nil, func(rows *sql.Rows) error {
		var name string
		err := rows.Scan(&name)
		names = append(names, name)
		return err
	}))
	require.Contains(w, names, "metric_chunks")
	for _, name := range names {
		if name == "change_sequence" || name == "leases" {
			continue
		}
		if name == "changes" {
			name += " WHERE entity <> 'PURGED'" // the newest number that was removed, one row an experiment
		}
		require.NoError(w, store.EachRow(ctx, w.db.Read(), "SELECT * FROM "+name+" ORDER BY 1, 2", nil, func(rows *sql.Rows) error {
			columns, err := rows.Columns()
			if err != nil {
				return err
			}
			cells, into := make([]any, len(columns)), make([]any, len(columns))
			for i := range cells {
				into[i] = &cells[i]
			}
			err = rows.Scan(into...)
			out[name] = append(out[name], fmt.Sprintf("%x", fmt.Sprint(cells...)))
			return err
		}))
	}
	require.NoError(w, fs.WalkDir(os.DirFS(w.dir), ".", func(path string, d fs.DirEntry, err error) error {
		out["files"] = append(out["files"], path)
		return err
	}))
	return out
}

// all is what was deleted until now.
func all() gc.Options { return gc.Options{Before: time.Now().Add(time.Second)} }

func (w *world) collect(c *gc.Service) gc.Removed {
	w.Helper()
	removed, more, err := c.Collect(ctx, all())
	require.NoError(w, err)
	require.False(w, more)
	return removed
}

// doom makes runs, a model and an experiment, and deletes them.
func (w *world) doom(beside int) {
	w.Helper()
	for range 2 {
		r, m := w.record(beside)
		_, err := w.s.DeleteRun(ctx, r.RunID)
		require.NoError(w, err)
		_, err = w.s.DeleteLoggedModel(ctx, m.ModelID)
		require.NoError(w, err)
	}
	whole := w.experiment("whole", "")
	w.record(whole)
	w.record(whole)
	_, err := w.s.DeleteExperiment(ctx, whole)
	require.NoError(w, err)
	w.exec("INSERT INTO idempotency_keys (operation, key, request_hash, result_id, created_at) VALUES ('createRun', 'old', 'x', 'y', 1)")
}

// TestNothingElseIsTouched: what was deleted goes without a trace, and all else is to the bit as if it had never been, however
// often the collector is killed.
func TestNothingElseIsTouched(t *testing.T) {
	t.Parallel()
	errKilled := errors.New("killed")
	each(t, func(w *world) {
		beside := w.experiment("beside", "")
		w.record(beside)
		require.NoError(w, metric.CompactAll(ctx, w.db, slog.New(slog.DiscardHandler), nil))
		kept := w.dump()
		w.doom(beside)
		w.settle()
		survey, err := gc.New(w.db, w.files).Survey(ctx, time.Now().Add(time.Second))
		require.NoError(w, err)
		require.Positive(w, survey.Bytes)
		require.Equal(w, gc.Removed{Runs: 4, Models: 2, Experiments: 1, Series: 8, Points: 4 * 9001, Files: 4, FileBytes: 4 * 13, Keys: 1}, survey.Removed)
		require.Zero(w, survey.KeptRuns)

		var sum gc.Removed
		for kills := 0; ; kills++ {
			c := gc.New(w.db, w.files)
			writes := 0
			c.StopBefore(func() error {
				if writes++; writes > 1+kills%3 {
					return errKilled
				}
				return nil
			})
			removed, more, err := c.Collect(ctx, all())
			sum.Add(removed)
			if err == nil {
				require.False(w, more)
				require.Greater(w, kills, 10)
				break
			}
			require.ErrorIs(w, err, errKilled)
		}
		require.Equal(w, gc.Removed{Runs: 4, Models: 4, Experiments: 1, Series: 8, Points: 4 * 9001, Files: 4, FileBytes: 4 * 13, Keys: 1}, sum)
		require.Equal(w, kept, w.dump())
		require.Equal(w, gc.Removed{}, w.collect(gc.New(w.db, w.files)))
	})
}

func TestCollectCountsAndYields(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		w.doom(w.experiment("beside", ""))
		c := gc.New(w.db, w.files)
		calls := 0
		options := all()
		options.Yield, options.Progress, options.Within = true, func(gc.Removed) { calls++ }, time.Nanosecond
		removed, more, err := c.Collect(ctx, options)
		require.NoError(w, err)
		require.Zero(w, removed, "no time, nothing done")
		require.True(w, more)
		options.Within = time.Hour
		removed, more, err = c.Collect(ctx, options)
		require.NoError(w, err)
		require.False(w, more)
		require.Equal(w, gc.Removed{Runs: 4, Models: 4, Experiments: 1, Series: 8, Points: 4 * 9001, Files: 4, FileBytes: 4 * 13, Keys: 1}, removed)
		require.Equal(w, 4, calls)
	})
}

func TestWhatIsNotLongDeletedStays(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		w.doom(w.experiment("beside", ""))
		removed, _, err := gc.New(w.db, w.files).Collect(ctx, gc.Options{Before: time.Now().Add(-time.Hour)})
		require.NoError(w, err)
		require.Equal(w, gc.Removed{Keys: 1}, removed, "but for keys that are older")
	})
}

// TestRegisteredStays: what a registered version of a model came from may be in production.
func TestRegisteredStays(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		e := w.experiment("beside", "")
		w.exec("INSERT INTO registered_models (id, name, created_at, updated_at) VALUES (1, 'm', 1, 1)")
		version := func(n int, runID, modelID string) {
			w.exec("INSERT INTO model_versions (registered_model_id, version, source, artifact_location, run_id, model_id, created_at, updated_at) VALUES (1, ?, 's', 's', ?, ?, 1, 1)",
				n, runID, modelID)
		}
		r, m := w.record(e)
		version(1, r.RunID, "")
		version(2, "", m.ModelID)
		_, err := w.s.DeleteRun(ctx, r.RunID)
		require.NoError(w, err)
		_, err = w.s.DeleteLoggedModel(ctx, m.ModelID)
		require.NoError(w, err)
		other := w.experiment("other", "")
		r, _ = w.record(other)
		version(3, r.RunID, "")
		third := w.experiment("third", "")
		_, m = w.record(third)
		version(4, "", m.ModelID)
		for _, id := range []int{other, third} {
			_, err = w.s.DeleteExperiment(ctx, id)
			require.NoError(w, err)
		}
		survey, err := gc.New(w.db, w.files).Survey(ctx, time.Now().Add(time.Second))
		require.NoError(w, err)
		require.EqualValues(w, 2, survey.KeptRuns)
		removed := w.collect(gc.New(w.db, w.files))
		require.Equal(w, gc.Removed{Runs: 1, Series: 2, Points: 9001, Files: 1, FileBytes: 13}, removed, "the run of the third, whose model is registered")
		w.exec("DELETE FROM model_versions")
		removed = w.collect(gc.New(w.db, w.files))
		require.EqualValues(w, 2, removed.Runs)
		require.EqualValues(w, 2, removed.Experiments)
	})
}

// TestPurgedIsNotRestored: once a part of a run is gone, it is not brought back.
func TestPurgedIsNotRestored(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		e := w.experiment("beside", "")
		begun, _ := w.record(e)
		restored, _ := w.record(e)
		for _, r := range []*ent.Run{begun, restored} {
			_, err := w.s.DeleteRun(ctx, r.RunID)
			require.NoError(w, err)
		}
		c := gc.New(w.db, w.files)
		writes := 0
		c.StopBefore(func() error {
			if writes++; writes == 2 { // the first is marked
				return context.Canceled
			}
			return nil
		})
		_, _, err := c.Collect(ctx, all())
		require.ErrorIs(w, err, context.Canceled)
		marked, err := w.db.Ent().Run.Query().Where(run.Purging(true)).Only(ctx)
		require.NoError(w, err)
		_, err = w.s.RestoreRun(ctx, marked.RunID)
		require.Equal(w, errs.Conflict, errs.KindOf(err))
		other := begun
		if marked.RunID == begun.RunID {
			other = restored
		}
		_, err = w.s.RestoreRun(ctx, other.RunID)
		require.NoError(w, err)
		require.EqualValues(w, 1, w.collect(gc.New(w.db, w.files)).Runs)
		still, err := w.s.Run(ctx, other.RunID)
		require.NoError(w, err)
		require.Equal(w, run.LifecycleStageActive, still.LifecycleStage)

		// An experiment comes back without the runs that are gone.
		_, err = w.s.DeleteExperiment(ctx, e)
		require.NoError(w, err)
		w.exec("UPDATE runs SET purging = true WHERE id = ?", still.ID)
		_, err = w.s.RestoreExperiment(ctx, e)
		require.NoError(w, err)
		still, err = w.s.Run(ctx, other.RunID)
		require.NoError(w, err)
		require.Equal(w, run.LifecycleStageDeleted, still.LifecycleStage)
		_, err = w.s.DeleteExperiment(ctx, e)
		require.NoError(w, err)
		w.exec("UPDATE experiments SET purging = true WHERE id = ?", e)
		_, err = w.s.RestoreExperiment(ctx, e)
		require.Equal(w, errs.Conflict, errs.KindOf(err))
	})
}

// TestFilesOfOthersStay: an experiment may have been given a place among the artifacts of a run.
func TestFilesOfOthersStay(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		r, _ := w.record(w.experiment("outer", ""))
		inner, _ := w.record(w.experiment("inner", r.ArtifactLocation+"/nested"))
		require.NoError(w, os.WriteFile(filepath.Join(w.dir, "of nobody"), nil, 0o600))
		_, err := w.s.DeleteRun(ctx, r.RunID)
		require.NoError(w, err)
		require.EqualValues(w, 1, w.collect(gc.New(w.db, w.files)).Files)
		root := func(location string) string {
			below, err := artifact.Root(location)
			require.NoError(w, err)
			return filepath.Join(w.dir, filepath.FromSlash(below))
		}
		require.NoFileExists(w, filepath.Join(root(r.ArtifactLocation), "model", "MLmodel"))
		require.FileExists(w, filepath.Join(root(inner.ArtifactLocation), "model", "MLmodel"))
		require.FileExists(w, filepath.Join(w.dir, "of nobody"))
	})
}

func TestArtifactsMustBeThere(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		r, _ := w.record(w.experiment("beside", ""))
		_, err := w.s.DeleteRun(ctx, r.RunID)
		require.NoError(w, err)
		_, _, err = gc.New(w.db, nil).Collect(ctx, all())
		require.Equal(w, errs.Invalid, errs.KindOf(err))
		require.ErrorContains(w, err, "--artifacts")
		require.EqualValues(w, 1, w.collect(gc.New(w.db, w.files)).Runs)

		_, m := w.record(w.experiment("more", ""))
		_, err = w.s.DeleteLoggedModel(ctx, m.ModelID)
		require.NoError(w, err)
		_, _, err = gc.New(w.db, nil).Collect(ctx, all())
		require.Equal(w, errs.Invalid, errs.KindOf(err))
		require.ErrorContains(w, err, "logged model "+m.ModelID)
	})
}

// TestStepsFindWhatAFailedTransactionLeft: a step that was taken in vain is taken again.
func TestStepsFindWhatAFailedTransactionLeft(t *testing.T) {
	t.Parallel()
	errFailed := errors.New("failed")
	each(t, func(w *world) {
		r, _ := w.record(w.experiment("beside", ""))
		var columns []metric.Columns
		for i := range 300 {
			columns = append(columns, metric.Columns{Key: fmt.Sprint(i), Steps: []int64{1}, Times: []int64{1}, Values: []float64{1}})
		}
		w.log(tracking.Batch{RunID: r.RunID, Columns: columns})
		for _, step := range store.RunSteps(store.DoomedRun{PK: r.ID, RunID: r.RunID}) {
			again := func(fail bool) (n int64) {
				err := w.db.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
					if n, err = step(ctx, tx); err == nil && fail {
						err = errFailed
					}
					return err
				})
				if fail {
					require.ErrorIs(w, err, errFailed)
				} else {
					require.NoError(w, err)
				}
				return n
			}
			for again(true); again(false) > 0; {
			}
		}
		for _, table := range []string{"metric_series", "metric_rollups", "metric_chunks", "metric_tails", "metric_batches", "params"} {
			require.NoError(w, store.EachRow(ctx, w.db.Read(), "SELECT COUNT(*) FROM "+table, nil, func(rows *sql.Rows) error {
				var n int
				require.NoError(w, rows.Scan(&n))
				require.Zero(w, n, table)
				return nil
			}))
		}
	})
}
