package metric

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Bounds of what is kept of what was read for followers.
const (
	// sharedFor is for how long: those whom one commit woke ask within moments of each other.
	sharedFor = time.Second
	// sharedPoints and sharedReads are how much.
	sharedPoints = 200_000
	sharedReads  = 1024
)

// readAhead says what was read: what came to a run behind a sequence, as it was when the run's newest batch had another.
type readAhead struct {
	run         int
	after, head int64
	limit       int
	keys        string
}

// gathered is what was read of a run. It is not changed any more: many get it.
type gathered struct {
	series []Appended
	upTo   int64
	rest   bool
	// lost is the least sequence of which points may be missing; 0: none.
	lost int64
}

// sharedNews lets those who ask for the same get it from one read. Who asks while it is read waits for it.
type sharedNews struct {
	mu     sync.Mutex
	reads  map[readAhead]*sharedRead
	order  []*sharedRead // as they began
	points int
}

type sharedRead struct {
	what   readAhead
	began  time.Time
	done   chan struct{}
	found  gathered
	err    error
	points int
}

// keysText makes one text of keys; others give another.
func keysText(keys []string) string {
	if keys == nil {
		return ""
	}
	return fmt.Sprintf("%q", keys)
}

// get gives what was read, or reads it. What fails is not kept: everybody's error is their own.
func (s *sharedNews) get(ctx context.Context, what readAhead, read func() (gathered, error)) (gathered, error) {
	s.mu.Lock()
	s.forget()
	if r := s.reads[what]; r != nil {
		s.mu.Unlock()
		select {
		case <-r.done:
			if r.err == nil {
				return r.found, nil
			}
		case <-ctx.Done():
		}
		return read()
	}
	r := &sharedRead{what: what, began: time.Now(), done: make(chan struct{})}
	if s.reads == nil {
		s.reads = map[readAhead]*sharedRead{}
	}
	s.reads[what] = r
	s.order = append(s.order, r)
	s.mu.Unlock()
	r.err = errEnough // for who waits, should it panic
	defer s.keep(r)
	r.found, r.err = read()
	return r.found, r.err
}

// keep gives what was read to those who wait for it, and to those who come.
func (s *sharedNews) keep(r *sharedRead) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(r.done)
	if s.reads[r.what] != r {
		return
	}
	for i := range r.found.series {
		r.points += r.found.series[i].Len()
	}
	s.points += r.points
	if r.err != nil || s.points > sharedPoints {
		s.drop(r)
	}
}

// forget drops what is too old, and the oldest of too many. The caller holds the lock.
func (s *sharedNews) forget() {
	for len(s.order) > 0 && (len(s.order) >= sharedReads || time.Since(s.order[0].began) > sharedFor) {
		s.drop(s.order[0])
		s.order = s.order[1:]
	}
}

// drop keeps a read no more. The caller holds the lock.
func (s *sharedNews) drop(r *sharedRead) {
	if s.reads[r.what] == r {
		delete(s.reads, r.what)
		s.points -= r.points
	}
}
