package graph

import (
	"context"
	"time"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/live"
)

// eventInterval is the least time between two events of a subscription that keeps up: what is committed in between
// comes together.
const eventInterval = 20 * time.Millisecond

// retryInterval is how long a subscription waits that finds the database gone.
const retryInterval = 500 * time.Millisecond

// follow runs a subscription. read gives the next event, whether there is one, and whether more is waiting; it keeps its
// own cursor. It is called at once, and after each wake-up. So however slow the reader is, the server holds one event for it
// and reads on only when that is taken. Who follows only what is appended to certain runs names them.
//
// The goroutine ends with the context, which ends with the request, or with the first error, which becomes the
// subscription's last response. While the database cannot be reached it waits, and goes on when that is back.
func follow[T any](
	ctx context.Context, r *Resolver, match func(live.Event) bool, runs []string, read func(ctx context.Context) (event *T, more bool, err error),
) <-chan *T {
	out := make(chan *T)
	// Before the first read, so that nothing falls between it and the first wake-up.
	wakeUps := r.Hub.Subscribe(match, runs...)
	go func() {
		defer close(out)
		defer wakeUps.Close()
		poll := time.NewTicker(r.options.PollInterval)
		defer poll.Stop()
		for {
			var event *T
			var more bool
			err := whenReachable(ctx, func() (err error) { event, more, err = read(ctx); return err })
			if err == nil && event != nil {
				// As late as possible: a credential that was revoked meanwhile gets nothing more.
				err = whenReachable(ctx, func() error { return r.stillAllowed(ctx) })
				if err == nil && !send(ctx, out, event) {
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
			if err := whenReachable(ctx, func() error { return r.stillAllowed(ctx) }); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err() //nolint:wrapcheck // shown to nobody
		}
	}
}

// whenReachable calls fn until it fails for another reason than that the database cannot be reached.
func whenReachable(ctx context.Context, fn func() error) error {
	for {
		err := fn()
		if !errs.Is(err, errs.Unavailable) || !pause(ctx, retryInterval) {
			return err
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
