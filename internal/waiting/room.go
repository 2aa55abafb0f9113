// Package waiting bounds those who have come and not said yet what they want: who waited longest makes place for who comes.
// Whoever is sincere says so within moments, so that a crowd that never does keeps nobody out.
package waiting

import (
	"container/list"
	"sync"
)

// Room holds who waits. It is made by NewRoom.
type Room struct {
	most int
	mu   sync.Mutex
	line *list.List // of func(), who came first in front
}

// NewRoom makes a room for so many.
func NewRoom(most int) *Room { return &Room{most: most, line: list.New()} }

// Enter lets somebody in, and sends out who waited longest when the room is full. evict is called for who is sent out, by who comes
// next: it must be quick. leave is called by who waits no more; a second call, or one behind evict, does nothing.
func (r *Room) Enter(evict func()) (leave func()) {
	r.mu.Lock()
	place := r.line.PushBack(evict)
	var out func()
	if r.line.Len() > r.most {
		out, _ = r.line.Remove(r.line.Front()).(func())
	}
	r.mu.Unlock()
	if out != nil {
		out()
	}
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.line.Remove(place)
	}
}

// Len is how many wait.
func (r *Room) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.line.Len()
}
