package metric_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
)

// TestFoldEndsQuietlyWhenItsRunIsRemoved: whichever query of a fold meets the removal of its run, and however far that is, the
// fold ends without an error, and nothing of the run is left in the end.
func TestFoldEndsQuietlyWhenItsRunIsRemoved(t *testing.T) {
	t.Parallel()
	eachURL(t, func(t *testing.T, url string, _ *store.DB) {
		if strings.HasPrefix(url, "sqlite:") {
			url = "sqlite:" + filepath.Join(t.TempDir(), "cairn.db")
		}
		asked := func() {}
		db := storetest.Open(t, store.Config{URL: url, OnQuery: func(string, []any) { asked() }})
		s := newService(t, db)
		for far := 0; far <= 4; far++ {
			for meets, met := 0, true; met; meets++ {
				run := newRun(t, s)
				for i := range 4 { // folded in part, and in slices
					logSteps(t, s, run.RunID, "loss", 40*i, 40)
					logSteps(t, s, run.RunID, fmt.Sprint(i), 0, 40)
					if i == 1 {
						require.NoError(t, metric.CompactUntil(ctx, db, func() error { return nil }))
					}
				}
				_, err := s.DeleteRun(ctx, run.RunID)
				require.NoError(t, err)
				doomed := store.DoomedRun{PK: run.ID, RunID: run.RunID}
				steps := store.RunSteps(doomed)
				remove := func(steps []store.Step) {
					require.NoError(t, db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
						begun, err := store.BeginPurge(ctx, tx, doomed, store.Doomed{Before: 1 << 60})
						require.True(t, begun)
						for _, step := range steps {
							for n := int64(1); n > 0 && err == nil; {
								n, err = step(ctx, tx)
							}
						}
						return err
					}))
				}
				queries := 0
				met = false
				asked = func() {
					if queries++; queries == meets+1 {
						met = true
						remove(steps[:far])
					}
				}
				require.NoError(t, metric.CompactUntil(ctx, db, func() error { return nil }))
				asked = func() {}
				remove(steps)
				require.NoError(t, db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
					dropped, err := store.DropRun(ctx, tx, doomed)
					require.True(t, dropped)
					return err
				}))
				require.True(t, met || meets > 10)
			}
		}
		for _, table := range []string{"metric_batches", "metric_chunks", "metric_tails", "metric_rollups", "metric_series", "runs"} {
			require.NoError(t, store.EachRow(ctx, db.Read(), "SELECT COUNT(*) FROM "+table, nil, func(rows *sql.Rows) error {
				var n int
				require.NoError(t, rows.Scan(&n))
				require.Zero(t, n, table)
				return nil
			}))
		}
	})
}

// TestRunThatIsRemovedIsNotChecked: what is gone already is no fault.
func TestRunThatIsRemovedIsNotChecked(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		run, id := longRun(t, db)
		corrupt(t, db, fmt.Sprintf("DELETE FROM metric_chunks WHERE id = %d", store.ChunkID(id, 0)))
		corrupt(t, db, fmt.Sprintf("UPDATE runs SET purging = true WHERE id = %d", run.ID))
		report, err := metric.Check(ctx, db.Read(), nil)
		require.NoError(t, err)
		require.Zero(t, report.Count())
		require.Zero(t, report.Runs)
	})
}
