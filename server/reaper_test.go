package server

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent/run"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/tracking"
)

func TestRunWithoutHeartbeatIsKilled(t *testing.T) {
	t.Parallel()
	s, err := New(t.Context(), Config{Listen: "127.0.0.1:0", DataDir: t.TempDir()})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	left, err := s.tracking.CreateRun(t.Context(), tracking.CreateRun{Name: "left alone", LeaseSeconds: 10})
	require.NoError(t, err)
	alive, err := s.tracking.CreateRun(t.Context(), tracking.CreateRun{Name: "alive", LeaseSeconds: 600})
	require.NoError(t, err)
	require.NoError(t, s.db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return tx.Ent().Run.UpdateOneID(left.ID).SetLeaseExpiresAt(1).Exec(ctx)
	}))

	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		s.reap(ctx, time.Millisecond)
		close(ended)
	}()
	status := func(id string) run.Status {
		found, err := s.tracking.Run(t.Context(), id)
		require.NoError(t, err)
		return found.Status
	}
	require.Eventually(t, func() bool { return status(left.RunID) == run.StatusKILLED }, 10*time.Second, 5*time.Millisecond)
	stop()
	<-ended
	require.Equal(t, run.StatusRUNNING, status(alive.RunID))
}
