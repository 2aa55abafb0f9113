package graph

import (
	"context"
	"time"

	"github.com/cairnml/cairn/internal/live"
)

// eventInterval is the least time between two events of a subscription that keeps up: what is committed in between
// comes together.
const eventInterval = 20 * time.Millisecond

// follow runs a subscription. read gives the next event, whether there is one, and whether more is waiting; it keeps its
// own cursor. It is called at once, after each wake-up, and where there are other replicas, which wake nobody here, from
// time to time. So however slow the reader is, the server holds one event for it and reads on only when that is taken.
//
// The goroutine ends with the context, which ends with the request, or with the first error, which becomes the
// subscription's last response.
func follow[T any](
	ctx context.Context, r *Resolver, match func(live.Event) bool, read func(ctx context.Context) (event *T, more bool, err error),
) <-chan *T {
	out := make(chan *T)
	// Before the first read, so that nothing falls between it and the first wake-up.
	wakeUps := r.Hub.Subscribe(match)
	go func() {
		defer close(out)
		defer wakeUps.Close()
		poll := time.NewTicker(r.options.PollInterval)
		defer poll.Stop()
		for {
			event, more, err := read(ctx)
			if err == nil && event != nil {
				// As late as possible: a credential that was revoked meanwhile gets nothing more.
				if err = r.stillAllowed(ctx); err == nil && !send(ctx, out, event) {
					return
				}
			}
			if err != nil {
				if ctx.Err() == nil {
					endWith(ctx, err)
				}
				return
			}
			if more {
				continue
			}
			if event != nil && !pause(ctx, eventInterval) {
				return
			}
			if err := r.wait(ctx, wakeUps.C(), poll.C); err != nil {
				if ctx.Err() == nil {
					endWith(ctx, err)
				}
				return
			}
		}
	}()
	return out
}

// wait returns when there may be something to read, and fails when the subscription has ended.
func (r *Resolver) wait(ctx context.Context, wakeUp <-chan struct{}, poll <-chan time.Time) error {
	for {
		select {
		case <-wakeUp:
			return nil
		case <-poll:
			if err := r.stillAllowed(ctx); err != nil {
				return err
			}
			if r.options.Replicas {
				return nil
			}
		case <-ctx.Done():
			return ctx.Err() //nolint:wrapcheck // shown to nobody
		}
	}
}

func send[T any](ctx context.Context, out chan<- *T, event *T) bool {
	select {
	case out <- event:
		return true
	case <-ctx.Done():
		return false
	}
}

// pause waits, and tells whether the context lives.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
