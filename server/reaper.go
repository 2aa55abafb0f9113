package server

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/cairnml/cairn/internal/store"
)

const (
	// reapLease is that of the server which reaps; of several, one does.
	reapLease = "runs without a heartbeat"
	// reapLeaseTime is how long a server that is gone keeps others from reaping.
	reapLeaseTime = 20 * time.Second
	// reapGrace is for how long the database must have been reached before runs are killed: heartbeats that could not be stored
	// while it, or this server, was gone have come by then. Agents send one every 10 s.
	reapGrace = 30 * time.Second
)

// reaper marks runs as killed whose heartbeat stayed away.
type reaper struct {
	*Server
	owner string
	grace time.Duration
	now   func() time.Time
	// reached is since when the database has been reached in every round.
	reached time.Time
	lease   store.Lease
	held    bool
}

func newReaper(s *Server) *reaper {
	return &reaper{Server: s, owner: uuid.NewString(), grace: reapGrace, now: time.Now}
}

// run reaps until ctx ends, once in an interval.
func (r *reaper) run(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	defer r.release(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			n, err := r.round(ctx)
			if err != nil && ctx.Err() == nil {
				r.log.WarnContext(ctx, "cannot look for runs without a heartbeat", "error", err)
			}
			if n > 0 {
				r.log.InfoContext(ctx, "runs without a heartbeat were marked as killed", "runs", n)
			}
		}
	}
}

// round kills runs whose lease ran out, if it is this server that does so, and says how many there were.
func (r *reaper) round(ctx context.Context) (n int, err error) {
	defer func() {
		if err != nil {
			r.reached = time.Time{}
		}
	}()
	if r.lease, r.held, err = r.db.Acquire(ctx, reapLease, r.owner, reapLeaseTime); err != nil {
		return 0, err //nolint:wrapcheck // wrapped by the store
	}
	if r.reached.IsZero() {
		r.reached = r.now()
	}
	if !r.held || r.now().Sub(r.reached) < r.grace {
		return 0, nil
	}
	return r.tracking.ReapExpiredRuns(ctx, r.lease) //nolint:wrapcheck // wrapped by the core
}

// release lets another server reap at once.
func (r *reaper) release(ctx context.Context) {
	if !r.held {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	if err := r.db.Release(ctx, r.lease); err != nil {
		r.log.DebugContext(ctx, "cannot give back the lease of runs without a heartbeat", "error", err)
	}
}
