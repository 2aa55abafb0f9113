package server

import (
	"context"
	"time"
)

// reap marks runs as killed whose heartbeat stayed away, until ctx ends, once in an interval. Several replicas may do so at once: the second
// finds nothing.
func (s *Server) reap(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			n, err := s.tracking.ReapExpiredRuns(ctx)
			if err != nil && ctx.Err() == nil {
				s.log.ErrorContext(ctx, "cannot look for runs without a heartbeat", "error", err)
			}
			if n > 0 {
				s.log.InfoContext(ctx, "runs without a heartbeat were marked as killed", "runs", n)
			}
		}
	}
}
