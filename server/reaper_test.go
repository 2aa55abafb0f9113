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

	reaper := newReaper(s)
	reaper.grace = 0
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		reaper.run(ctx, time.Millisecond)
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

// TestOutageKillsNoRun: while the database or the server was gone no heartbeat could be stored. What sends them does so again before
// anything is concluded from their absence.
func TestOutageKillsNoRun(t *testing.T) {
	t.Parallel()
	s, err := New(t.Context(), Config{Listen: "127.0.0.1:0", DataDir: t.TempDir()})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	created, err := s.tracking.CreateRun(t.Context(), tracking.CreateRun{LeaseSeconds: 10})
	require.NoError(t, err)
	require.NoError(t, s.db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return tx.Ent().Run.UpdateOneID(created.ID).SetLeaseExpiresAt(1).Exec(ctx)
	}))
	clock := time.Now()
	r := newReaper(s)
	r.now = func() time.Time { return clock }
	killed := func(ctx context.Context) int {
		n, err := r.round(ctx)
		if ctx.Err() == nil {
			require.NoError(t, err)
		}
		return n
	}
	require.Zero(t, killed(t.Context()), "the server has just been started")
	clock = clock.Add(reapGrace - time.Second)
	require.Zero(t, killed(t.Context()))
	r.reached = time.Time{} // as a round that fails leaves it
	clock = clock.Add(2 * time.Second)
	require.Zero(t, killed(t.Context()), "the database was gone meanwhile")
	clock = clock.Add(reapGrace)
	require.Equal(t, 1, killed(t.Context()))
	back, err := s.tracking.Heartbeat(t.Context(), created.RunID, 60)
	require.NoError(t, err, "its process was only cut off")
	require.Equal(t, run.StatusRUNNING, back.Status)
	require.Empty(t, back.StatusReason)
}
