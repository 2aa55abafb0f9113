package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
)

// TestHold: a hold is as long as the transaction, its commit included, and of several the longest counts, until it is told.
func TestHold(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		var hold store.Hold
		require.Zero(t, hold.Longest())
		var least time.Duration
		began := time.Now()
		for i, statements := range []int{1, 50, 1} {
			require.NoError(t, db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
				hold.Watch(tx)
				inside := time.Now()
				for range statements {
					if err := lease(ctx, tx, string(rune('a'+i))); err != nil {
						return err
					}
					if _, err := tx.ExecContext(ctx, "DELETE FROM leases"); err != nil {
						return err
					}
				}
				least = max(least, time.Since(inside))
				return nil
			}))
		}
		most, longest := time.Since(began), hold.Longest()
		require.GreaterOrEqual(t, longest, least)
		require.Less(t, longest, most)
		require.Zero(t, hold.Longest(), "it was told")

		errRefused := errors.New("refused")
		require.ErrorIs(t, db.Write(ctx, func(_ context.Context, tx *store.Tx) error { hold.Watch(tx); return errRefused }), errRefused)
		require.Zero(t, hold.Longest(), "nothing was committed")
	})
}
