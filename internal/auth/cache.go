package auth

import (
	"sync"
	"time"

	"github.com/cairnml/cairn/ent"
)

const (
	// staleness is how long another replica's revocation may go unnoticed.
	staleness = time.Second
	// maxCached bounds the tokens that are remembered.
	maxCached = 4096
)

// cache remembers tokens by the hash of their secret, so that not every request asks the database. Only tokens that exist
// are remembered: guesses cannot fill it.
type cache struct {
	mu      sync.Mutex
	entries map[digest]cached
	// generation grows with every change made here. What was read before a change is not remembered after it.
	generation uint64
}

type cached struct {
	token *ent.Token
	read  time.Time
}

// get gives a token that was read less than staleness ago; otherwise the generation to put it with.
func (c *cache) get(d digest, now time.Time) (t *ent.Token, generation uint64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[d]
	if ok && now.Sub(e.read) < staleness && !now.Before(e.read) {
		return e.token, c.generation, true
	}
	return nil, c.generation, false
}

// put remembers a token whose reading began at a time and at a generation.
func (c *cache) put(d digest, t *ent.Token, read time.Time, generation uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if generation != c.generation {
		return
	}
	if c.entries == nil {
		c.entries = map[digest]cached{}
	}
	if len(c.entries) >= maxCached {
		for key, e := range c.entries {
			if read.Sub(e.read) >= staleness {
				delete(c.entries, key)
			}
		}
	}
	for key := range c.entries {
		if len(c.entries) < maxCached {
			break
		}
		delete(c.entries, key)
	}
	c.entries[d] = cached{token: t, read: read}
}

// clear forgets everything.
func (c *cache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.generation++
	clear(c.entries)
}
