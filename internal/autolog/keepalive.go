package autolog

import (
	"context"
	"time"

	"github.com/cairnml/cairn/internal/client"
)

func (u *uploader) setArriving(run string, arriving bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if arriving {
		u.arriving[run] = true
	} else {
		delete(u.arriving, run)
	}
}

// keepAlive gives a sign of life of the runs that are still being delivered, whatever ended here already: a large file takes
// longer than the lease. ours tells the runs that were opened with one; others have an owner of their own.
func (u *uploader) keepAlive(ctx context.Context, every time.Duration, ours func(run string) bool) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		u.mu.Lock()
		runs := sortedKeys(u.arriving)
		u.mu.Unlock()
		for _, run := range runs {
			if !ours(run) {
				continue
			}
			if err := u.deliverer.heartbeat(ctx, run); err != nil {
				u.log.Debug("heartbeat", "run", run, "error", err)
				if client.Retryable(err) { // else it is this run's: others have theirs
					break
				}
			}
		}
	}
}

// opened tells whether the agent opened a run.
func (a *agent) opened(run string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, ok := a.state.created[run]
	return ok
}

// concluded tells whether a run has ended here: what goes on is kept alive by heartbeat.
func (a *agent) concluded(run string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, created := a.state.created[run]
	_, open := a.state.open[run]
	return created && !open
}
