// Package live tells the subscribers in this process that something was committed. What it tells is a hint: a subscriber
// then reads from the database by its own cursor, so a hint that is lost or doubled changes nothing, and a slow subscriber
// holds no more memory than the one hint that waits for it.
package live

import "sync"

// Event says what a commit touched.
type Event struct {
	RunID        string
	ExperimentID int
	// Metrics: points were appended. Changed: the run itself, its params or its tags.
	Metrics, Changed bool
	// RegisteredModelID is the internal id of a registered model that changed, or one of its versions; 0 when none did.
	RegisteredModelID int
}

// Hub passes events to subscriptions. The zero value is not usable; call NewHub.
type Hub struct {
	mu   sync.RWMutex
	subs map[*Subscription]struct{}
}

// NewHub makes a hub without subscriptions.
func NewHub() *Hub { return &Hub{subs: map[*Subscription]struct{}{}} }

// Subscription wakes its owner when an event matches.
type Subscription struct {
	hub   *Hub
	match func(Event) bool
	wake  chan struct{}
}

// Subscribe starts a subscription. match is called by the publisher: it must be quick. The caller closes it.
func (h *Hub) Subscribe(match func(Event) bool) *Subscription {
	s := &Subscription{hub: h, match: match, wake: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.subs[s] = struct{}{}
	return s
}

// C receives one signal for any number of events since the last.
func (s *Subscription) C() <-chan struct{} { return s.wake }

// Close ends the subscription. It may be called more than once.
func (s *Subscription) Close() {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	delete(s.hub.subs, s)
}

// Publish wakes the subscriptions that match. It never blocks.
func (h *Hub) Publish(e Event) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for s := range h.subs {
		if !s.match(e) {
			continue
		}
		select {
		case s.wake <- struct{}{}:
		default: // a signal waits already
		}
	}
}

// Len is the number of subscriptions.
func (h *Hub) Len() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return len(h.subs)
}
