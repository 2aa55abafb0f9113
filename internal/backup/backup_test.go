package backup_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"entgo.io/ent/dialect"
	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/artifact"
	"github.com/cairnml/cairn/internal/backup"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/live"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/registry"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
)

var ctx = context.Background()

func quiet(backup.Progress) {}

// world is a database that a server has open, and where a backup of it can be restored to.
type world struct {
	*testing.T
	url   string
	other func() string
	db    *store.DB
	s     *tracking.Service
	runID string
	pk    int
}

func each(t *testing.T, fn func(w *world)) {
	for name, urls := range map[string]struct {
		url   func(*testing.T) string
		other func(*testing.T) string
	}{
		"sqlite":   {newFile, newFile},
		"postgres": {storetest.PostgresURL, storetest.EmptyPostgresURL},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &world{T: t, url: urls.url(t), other: func() string { return urls.other(t) }}
			w.db = storetest.Open(t, store.Config{URL: w.url})
			w.s = tracking.New(w.db, live.NewHub())
			t.Cleanup(w.s.Close)
			r, err := w.s.CreateRun(ctx, tracking.CreateRun{Name: "copied"})
			require.NoError(t, err)
			w.runID, w.pk = r.RunID, r.ID
			fn(w)
		})
	}
}

func newFile(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "cairn.db") }

// log logs a point of each of some steps.
func (w *world) log(from, to int64) error {
	column := metric.Columns{Key: "loss"}
	for i := from; i < to; i++ {
		column.Steps, column.Times, column.Values = append(column.Steps, i), append(column.Times, i), append(column.Values, 1/float64(i+1))
	}
	_, err := w.s.LogBatch(ctx, tracking.Batch{RunID: w.runID, Columns: []metric.Columns{column}})
	return err
}

func (w *world) backup() string {
	w.Helper()
	folder := filepath.Join(w.TempDir(), "backup")
	_, err := backup.Make(ctx, backup.Source{URL: w.url, Program: "test"}, folder, quiet)
	require.NoError(w, err)
	return folder
}

// What is restored is one moment of the database, which was being written: what had been acknowledged before the backup is in it,
// and of what came meanwhile a beginning.
func TestRestoredDatabaseIsAMomentOfTheCopiedOne(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		files, err := artifact.Open(w.TempDir())
		require.NoError(w, err)
		w.Cleanup(func() { require.NoError(w, files.Close()) })
		r, err := w.s.Run(ctx, w.runID)
		require.NoError(w, err)
		root, err := artifact.Root(r.ArtifactLocation)
		require.NoError(w, err)
		service := artifact.NewService(files, w.db)
		written, err := service.Put(ctx, root+"/notes.txt", strings.NewReader("remember"), 1000)
		require.NoError(w, err)
		models := registry.New(w.db, live.NewHub(), service)
		_, err = models.CreateModel(ctx, registry.CreateModel{Name: "forest"})
		require.NoError(w, err)
		require.NoError(w, w.log(0, 9000)) // of which chunks are made
		require.NoError(w, metric.CompactAll(ctx, w.db, w.db.Logger(), func(metric.Compaction) {}))

		var acknowledged atomic.Int64
		acknowledged.Store(9000)
		stop, ended := make(chan struct{}), make(chan error, 1)
		go func() {
			for at := int64(9000); ; at += 10 {
				select {
				case <-stop:
					ended <- nil
					return
				default:
				}
				if err := w.log(at, at+10); err != nil {
					ended <- err
					return
				}
				acknowledged.Store(at + 10)
			}
		}()
		before := acknowledged.Load()
		folder := w.backup()
		after := acknowledged.Load() + 10
		close(stop)
		require.NoError(w, <-ended)

		url := w.other()
		m, err := backup.Restore(ctx, folder, url, quiet)
		require.NoError(w, err)
		require.Equal(w, store.ArtifactTotals{Files: 1, Bytes: written.Size}, m.Artifacts)
		restored := storetest.Open(w.T, store.Config{URL: url})
		there := tracking.New(restored, live.NewHub())
		w.Cleanup(there.Close)
		series, err := there.SeriesOf(ctx, []int{w.pk}, nil)
		require.NoError(w, err)
		require.Len(w, series[w.pk], 1)
		loss := series[w.pk][0]
		require.GreaterOrEqual(w, loss.Count, before)
		require.LessOrEqual(w, loss.Count, after)
		require.Equal(w, loss.Count-1, loss.LastStep)

		found, err := metric.Check(ctx, restored.Inspection().Read(), func(metric.Checked) {})
		require.NoError(w, err)
		require.Zero(w, found.Count())
		require.Equal(w, loss.Count, found.Points)
		history, err := registry.Check(ctx, restored.Inspection().Read())
		require.NoError(w, err)
		require.Empty(w, history.Faults)
		require.Equal(w, 1, history.Models)
		_, err = there.CreateRun(ctx, tracking.CreateRun{Name: "goes on"})
		require.NoError(w, err)
	})
}

func TestNothingIsOverwritten(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		folder := w.backup()
		_, err := backup.Make(ctx, backup.Source{URL: w.url}, folder, quiet)
		require.ErrorContains(w, err, "is not empty: name a new one")
		require.True(w, errs.Is(err, errs.Exists))
		url := w.other()
		_, err = backup.Restore(ctx, folder, url, quiet)
		require.NoError(w, err)
		_, err = backup.Restore(ctx, folder, url, quiet)
		require.ErrorContains(w, err, "already")
		require.True(w, errs.Is(err, errs.Exists))
	})
}

// A backup that cannot be what it says makes no database.
func TestRefusedBackups(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		folder := w.backup()
		m, err := backup.Read(folder)
		require.NoError(w, err)
		manifest, copied := filepath.Join(folder, backup.ManifestFile), filepath.Join(folder, m.File)
		change := func(file string, change func(string) string) {
			data, err := os.ReadFile(file)
			require.NoError(w, err)
			require.NoError(w, os.WriteFile(file, []byte(change(string(data))), 0o600))
		}
		replace := func(file, old, other string) (undo func()) {
			change(file, func(s string) string {
				require.Contains(w, s, old)
				return strings.Replace(s, old, other, 1)
			})
			return func() { change(file, func(s string) string { return strings.Replace(s, other, old, 1) }) }
		}
		refused := func(kind errs.Kind, url, part string) {
			w.Helper()
			_, err := backup.Restore(ctx, folder, url, quiet)
			require.ErrorContains(w, err, part)
			require.Equal(w, kind, errs.KindOf(err))
		}
		target := w.other()

		wrong := "sqlite:" + filepath.Join(w.TempDir(), "new.db")
		if m.Dialect == dialect.SQLite {
			wrong = "postgres://127.0.0.1:1/none?sslmode=disable"
		}
		refused(errs.Invalid, wrong, "the backup is of a ")
		undo := replace(manifest, `"schema": `, `"schema": 90`)
		refused(errs.Invalid, target, "use the program that made it (test), or a newer one")
		undo()
		undo = replace(manifest, `"format": 1`, `"format": 2`)
		refused(errs.Invalid, target, "is of form 2; this program reads form 1")
		undo()
		undo = replace(manifest, `"file": "`, `"file": "../`)
		refused(errs.Invalid, target, "is not what `cairn db backup` writes")
		undo()
		change(copied, func(s string) string { return s[:len(s)-1] + string(rune(s[len(s)-1]^1)) })
		refused(errs.Damaged, target, "is not as it was made")
		require.NoError(w, os.Remove(manifest))
		refused(errs.NotFound, target, "it is no backup, or one that did not end")
		if path, onFile := strings.CutPrefix(target, "sqlite:"); onFile {
			require.NoFileExists(w, path)
		}
	})
}

func TestStoppedBackupLeavesNothing(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		stopped, stop := context.WithCancel(ctx)
		folder := filepath.Join(w.TempDir(), "backup")
		_, err := backup.Make(stopped, backup.Source{URL: w.url}, folder, func(p backup.Progress) {
			if p.Doing == "checking" {
				stop()
			}
		})
		require.ErrorIs(w, err, context.Canceled)
		require.NoDirExists(w, folder)
	})
}

func TestBackupOfNoDatabase(t *testing.T) {
	t.Parallel()
	_, err := backup.Make(ctx, backup.Source{URL: newFile(t)}, filepath.Join(t.TempDir(), "backup"), quiet)
	require.True(t, errs.Is(err, errs.NotFound))
}
