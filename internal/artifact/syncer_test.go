package artifact

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whoever asks for a sync gets one that began later; those who wait at the same time share it, with its error.
func TestSyncer(t *testing.T) {
	t.Parallel()
	var s syncer
	var renamed, synced, syncs atomic.Int64
	var group sync.WaitGroup
	for range 64 {
		group.Go(func() {
			for range 50 {
				at := renamed.Add(1)
				err := s.do("a", func() error {
					syncs.Add(1)
					upTo := renamed.Load()
					for {
						if old := synced.Load(); old >= upTo || synced.CompareAndSwap(old, upTo) {
							return nil
						}
					}
				})
				if err != nil || synced.Load() < at {
					t.Error("a rename was not synced", err)
				}
			}
		})
	}
	group.Wait()
	require.LessOrEqual(t, syncs.Load(), int64(64*50))
	require.Empty(t, s.next)
	require.Empty(t, s.now)

	full := errors.New("full")
	begun, end := make(chan struct{}), make(chan struct{})
	group.Go(func() {
		if err := s.do("b", func() error { close(begun); <-end; return nil }); err != nil {
			t.Error(err)
		}
	})
	<-begun
	var failed atomic.Int64
	for range 8 {
		group.Go(func() {
			if errors.Is(s.do("b", func() error { return full }), full) {
				failed.Add(1)
			}
		})
	}
	require.NoError(t, s.do("c", func() error { return nil }), "other folders do not wait")
	close(end)
	group.Wait()
	require.Equal(t, int64(8), failed.Load())
}
