package autolog

import (
	"context"
	"time"

	"github.com/cairnml/cairn/internal/client"
)

// keepJournal is how much of a delivered journal is kept for replaying sessions to an adapter that died.
const keepJournal = 256 << 20

// trim removes what was delivered and answered from the front of the journal once there is much of it.
func (a *agent) trim() error {
	if a.journal.bytes() <= keepJournal {
		return nil
	}
	state, _ := a.uploader.status()
	below := state.at.Position
	a.mu.Lock()
	for _, known := range a.state.sessions {
		for _, p := range known.adapters {
			if !p.closed && p.answered < len(p.positions) {
				below = min(below, p.positions[p.answered])
			}
		}
	}
	a.mu.Unlock()
	return a.journal.trim(below, keepJournal)
}

// heartbeat keeps the leases of the agent's open runs and the journal short, until the context ends.
func (a *agent) heartbeat(ctx context.Context) {
	tick := time.NewTicker(heartbeatEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := a.trim(); err != nil {
			a.log.Warn("trim", "error", err)
		}
		if state, _ := a.uploader.status(); state.failure != nil {
			continue
		}
		a.mu.Lock()
		open := make([]string, 0, len(a.state.open))
		for run := range a.state.open {
			open = append(open, run)
		}
		a.mu.Unlock()
		for _, run := range open {
			if err := a.uploader.deliverer.heartbeat(ctx, run); err != nil {
				a.log.Debug("heartbeat", "run", run, "error", err)
				if client.Retryable(err) { // else it is this run's: others have theirs
					break
				}
			}
		}
	}
}
