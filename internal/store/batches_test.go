package store_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
)

// newRuns makes runs with the given ids and gives their keys.
func newRuns(t *testing.T, db *store.DB, ids ...string) []int {
	t.Helper()
	pks := make([]int, len(ids))
	require.NoError(t, db.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		experiment, err := tx.Ent().Experiment.Query().Only(ctx)
		if err != nil {
			return err
		}
		for i, id := range ids {
			var r *ent.Run
			if r, err = tx.Ent().Run.Create().SetRunID(id).SetExperimentID(experiment.ID).SetName(id).SetStartTime(1).
				SetArtifactLocation("").SetCreatedAt(1).SetUpdatedAt(1).Save(ctx); err != nil {
				return err
			}
			pks[i] = r.ID
		}
		return nil
	}))
	return pks
}

func TestBatches(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		pks := newRuns(t, db, "a", "b", "c")
		a, b, c := pks[0], pks[1], pks[2]
		require.NoError(t, db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			for _, batch := range []struct {
				run      int
				sequence int64
				payload  string
			}{{b, 1, "b1"}, {a, 1, "a1"}, {a, 2, "a2"}, {a, 3, "a3"}} {
				if err := store.InsertBatch(ctx, tx, batch.run, batch.sequence, 10, 100*batch.sequence, []byte(batch.payload)); err != nil {
					return err
				}
			}
			return nil
		}))
		stored := func(after int64, runs ...int) (payloads []string) {
			require.NoError(t, store.EachBatch(ctx, db.Read(), runs, after, func(batch store.Batch) error {
				require.Equal(t, 10, batch.Points)
				payloads = append(payloads, string(batch.Payload))
				return nil
			}))
			return payloads
		}
		require.Equal(t, []string{"a1", "a2", "a3", "b1"}, stored(0, b, c, a))
		require.Equal(t, []string{"a2", "a3"}, stored(1, a, b))

		pending, err := store.PendingRuns(ctx, db.Read(), 0, 10)
		require.NoError(t, err)
		require.Equal(t, []store.PendingRun{{RunPK: a, Batches: 3, Points: 30, Oldest: 100}, {RunPK: b, Batches: 1, Points: 10, Oldest: 100}}, pending)
		pending, err = store.PendingRuns(ctx, db.Read(), a, 1)
		require.NoError(t, err)
		require.Equal(t, []store.PendingRun{{RunPK: b, Batches: 1, Points: 10, Oldest: 100}}, pending)

		require.NoError(t, db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			n, err := store.DeleteBatches(ctx, tx, a, 2)
			require.EqualValues(t, 2, n)
			return err
		}))
		require.Equal(t, []string{"a3", "b1"}, stored(0, a, b))
	})
}
