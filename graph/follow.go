package graph

import (
	"context"
	"errors"
	"time"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/live"
)

// eventInterval is the least time between two events of a subscription that keeps up: what is committed in between
// comes together.
const eventInterval = 20 * time.Millisecond

// retryInterval is how long a subscription waits that finds the database gone.
const retryInterval = 500 * time.Millisecond

// slowestInterval bounds how rarely a client may ask to be told.
const slowestInterval = 100 * time.Second

// following is a subscription.
type following[T any] struct {
	// match tells which events may give it something to read. Who follows only what is appended to certain runs names them.
	match func(live.Event) bool
	runs  []string
	// interval is the least time between two events, idle that behind a read that gave none.
	interval, idle time.Duration
	// read gives the next event, whether there is one, and whether more is waiting; it keeps its own cursor. It is called at once, and
	// after each wake-up. errFollowed says that nothing will come any more.
	read func(ctx context.Context) (event *T, more bool, err error)
}

// errFollowed ends a subscription in order.
var errFollowed = errors.New("nothing will come any more")

// eventPace is the least time between two events of a client that asks for at most maxRate a second, and of one that does not ask.
func eventPace(maxRate *float64) (time.Duration, error) {
	if maxRate == nil {
		return eventInterval, nil
	}
	if least := 1 / slowestInterval.Seconds(); *maxRate < least {
		return 0, errs.Field("maxRate", "is %v; it is at least %v events a second", *maxRate, least)
	}
	return max(time.Duration(float64(time.Second) / *maxRate), eventInterval), nil
}

// follow runs a subscription. However slow the reader is, the server holds one event for it and reads on only when that is taken.
//
// The goroutine ends with the context, which ends with the request, with errFollowed, or with the first other error, which becomes
// the subscription's last response. While the database cannot be reached it waits, and goes on when that is back.
func follow[T any](ctx context.Context, r *Resolver, f following[T]) <-chan *T {
	out := make(chan *T)
	// Before the first read, so that nothing falls between it and the first wake-up.
	wakeUps := r.Hub.Subscribe(f.match, f.runs...)
	go func() {
		defer close(out)
		defer wakeUps.Close()
		if err := r.sendAll(ctx, f.reader(out), wakeUps.C()); err != nil && ctx.Err() == nil && !errors.Is(err, errFollowed) {
			endWith(ctx, err)
		}
	}()
	return out
}

// step reads once, and sends what was read. It gives how long to rest behind it, unless more is waiting.
type step func(ctx context.Context, r *Resolver) (rest time.Duration, more bool, err error)

func (f following[T]) reader(out chan<- *T) step {
	return func(ctx context.Context, r *Resolver) (rest time.Duration, more bool, err error) {
		var event *T
		err = whenReachable(ctx, func() (err error) { event, more, err = f.read(ctx); return err })
		rest = f.idle
		if err == nil && event != nil {
			// As late as possible: a credential that was revoked meanwhile gets nothing more.
			if err = whenReachable(ctx, func() error { return r.stillAllowed(ctx) }); err == nil {
				err = send(ctx, out, event)
			}
			rest = f.interval
		}
		return rest, more, err
	}
}

// sendAll goes on until the subscription has ended, and says why.
func (r *Resolver) sendAll(ctx context.Context, next step, wakeUps <-chan struct{}) error {
	poll := time.NewTicker(r.options.PollInterval)
	defer poll.Stop()
	rested := time.NewTimer(0)
	defer rested.Stop()
	for {
		rest, more, err := next(ctx, r)
		if err != nil {
			return err
		}
		if more {
			continue
		}
		rested.Reset(rest)
		if err := r.wait(ctx, rested.C, wakeUps, poll.C); err != nil {
			return err
		}
	}
}

// wait returns when it has rested and there may be something to read, and fails when the subscription has ended.
func (r *Resolver) wait(ctx context.Context, rested <-chan time.Time, wakeUps <-chan struct{}, poll <-chan time.Time) error {
	for rested != nil || wakeUps != nil {
		select {
		case <-rested:
			rested = nil
		case <-wakeUps:
			wakeUps = nil
		case <-poll:
			if err := whenReachable(ctx, func() error { return r.stillAllowed(ctx) }); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err() //nolint:wrapcheck // shown to nobody
		}
	}
	return nil
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

func send[T any](ctx context.Context, out chan<- *T, event *T) error {
	select {
	case out <- event:
		return nil
	case <-ctx.Done():
		return ctx.Err() //nolint:wrapcheck // shown to nobody
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
