package store_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
)

// TestLeasesShareNoTransaction: who takes a lease, or gives it back, neither waits for the writes of others nor holds the lease's
// row while those are run.
func TestLeasesShareNoTransaction(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		const name = "fold"
		begun, end, done := make(chan struct{}), make(chan struct{}), make(chan error, 2)
		var once sync.Once
		let := sync.OnceFunc(func() { close(end) })
		defer let()
		for _, key := range []string{name, "lease:" + name} {
			go func() {
				done <- db.WriteFor(ctx, key, func(context.Context, *store.Tx) error {
					once.Do(func() { close(begun) })
					<-end
					return nil
				})
			}()
		}
		<-begun
		mine, held, err := db.Acquire(ctx, name, "me", time.Minute)
		require.NoError(t, err)
		require.True(t, held)
		_, held, err = db.Acquire(ctx, name, "another", time.Minute)
		require.NoError(t, err)
		require.Equal(t, !db.Postgres(), held, "one process has SQLite, and every lease")
		require.NoError(t, db.Release(ctx, mine))
		theirs, held, err := db.Acquire(ctx, name, "another", time.Minute)
		require.NoError(t, err)
		require.True(t, held)
		let()
		for range 2 {
			require.NoError(t, <-done)
		}
		if db.Postgres() {
			require.Greater(t, theirs.Token, mine.Token)
		}
		require.NoError(t, db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			held, err := tx.Holds(ctx, theirs)
			require.True(t, held)
			return err
		}))
	})
}
