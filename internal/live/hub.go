// Package live tells subscribers that something was committed, by this server or, through a Relay, by another on the same
// database. What it tells is a hint: a subscriber then reads from the database by its own cursor, so a hint that is lost or
// doubled changes nothing, and a slow subscriber holds no more memory than the one hint that waits for it.
package live

import (
	"sync"
	"sync/atomic"

	"github.com/cairnml/cairn/internal/store"
)

// Event says what a commit touched. Two that are equal but for Sequence say the same.
type Event struct {
	RunID        string `json:"run,omitempty"`
	ExperimentID int    `json:"experiment,omitempty"`
	// Metrics: points were appended. Log: console output was. Changed: the run itself, its params or its tags; without a run, what
	// finds or orders the runs of the experiment.
	Metrics bool `json:"metrics,omitempty"`
	Log     bool `json:"log,omitempty"`
	Changed bool `json:"changed,omitempty"`
	// RegisteredModelID is the internal id of a registered model that changed, or one of its versions; 0 when none did.
	RegisteredModelID int `json:"model,omitempty"`
	// Sequence is, with Metrics, that of the run's newest batch, and, with Log, that of its newest piece; 0 where it is not known.
	Sequence int64 `json:"sequence,omitempty"`
}

// Hub passes events to subscriptions. The zero value is not usable; call NewHub.
type Hub struct {
	mu   sync.RWMutex
	subs map[*Subscription]struct{} // that may be told of anything
	runs map[string]*followedRun    // by id: of those that are only told of certain runs
	n    int
	// out takes what was committed here to other servers; nil without a Relay.
	out atomic.Pointer[outbox]
}

type followedRun struct {
	subs map[*Subscription]struct{}
	// metrics and log are the greatest sequences that the subscriptions were told of.
	metrics, log atomic.Int64
}

// seen notes a sequence that the subscriptions were told of.
func (f *followedRun) seen(e Event) {
	of := &f.metrics
	switch {
	case e.Log:
		of = &f.log
	case !e.Metrics:
		return
	}
	for seen := of.Load(); e.Sequence > seen && !of.CompareAndSwap(seen, e.Sequence); seen = of.Load() {
	}
}

// NewHub makes a hub without subscriptions.
func NewHub() *Hub {
	return &Hub{subs: map[*Subscription]struct{}{}, runs: map[string]*followedRun{}}
}

// Subscription wakes its owner when an event matches.
type Subscription struct {
	hub   *Hub
	match func(Event) bool
	runs  []string
	wake  chan struct{}
	once  sync.Once
}

// Subscribe starts a subscription. match is called by the publisher: it must be quick. Who follows what is appended to certain
// runs names them, and is told of nothing else; with a Relay, what is appended to them is then found even when no hint of it
// comes. The caller closes it.
func (h *Hub) Subscribe(match func(Event) bool, runs ...string) *Subscription {
	s := &Subscription{hub: h, match: match, runs: runs, wake: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.n++
	if len(runs) == 0 {
		h.subs[s] = struct{}{}
	}
	for _, id := range runs {
		f := h.runs[id]
		if f == nil {
			f = &followedRun{subs: map[*Subscription]struct{}{}}
			h.runs[id] = f
		}
		f.subs[s] = struct{}{}
	}
	return s
}

// C receives one signal for any number of events since the last.
func (s *Subscription) C() <-chan struct{} { return s.wake }

// Close ends the subscription. It may be called more than once.
func (s *Subscription) Close() {
	s.once.Do(func() {
		s.hub.mu.Lock()
		defer s.hub.mu.Unlock()
		s.hub.n--
		delete(s.hub.subs, s)
		for _, id := range s.runs {
			if f := s.hub.runs[id]; f != nil {
				delete(f.subs, s)
				if len(f.subs) == 0 {
					delete(s.hub.runs, id)
				}
			}
		}
	})
}

// Publish tells of what was committed here. It never blocks.
func (h *Hub) Publish(e Event) {
	h.deliver(e)
	if out := h.out.Load(); out != nil {
		out.add(e)
	}
}

// deliver wakes the subscriptions that match.
func (h *Hub) deliver(e Event) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	wake := func(subs map[*Subscription]struct{}) {
		for s := range subs {
			if s.match(e) {
				signal(s.wake)
			}
		}
	}
	wake(h.subs)
	if f := h.runs[e.RunID]; f != nil {
		wake(f.subs)
		f.seen(e)
	}
}

// wakeAll is for when nobody knows what was missed.
func (h *Hub) wakeAll() {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for s := range h.subs {
		signal(s.wake)
	}
	for _, f := range h.runs {
		for s := range f.subs {
			signal(s.wake)
		}
	}
}

// followed gives the runs that subscriptions name, with the sequences that they were told of.
func (h *Hub) followed() map[string]store.RunHead {
	h.mu.RLock()
	defer h.mu.RUnlock()
	out := make(map[string]store.RunHead, len(h.runs))
	for id, f := range h.runs {
		out[id] = store.RunHead{Metrics: f.metrics.Load(), Log: f.log.Load()}
	}
	return out
}

// Len is the number of subscriptions.
func (h *Hub) Len() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.n
}
