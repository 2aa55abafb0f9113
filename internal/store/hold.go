package store

import (
	"sync/atomic"
	"time"
)

// Hold measures for how long transactions of background work have their writer: from the begin to the end of the commit, and
// with them those that share it. On SQLite every other write waits so long. What was rolled back is run again, and not counted.
// It is safe for concurrent use.
type Hold struct{ longest atomic.Int64 }

// Watch counts a transaction once it is committed.
func (h *Hold) Watch(tx *Tx) {
	tx.OnCommit(func() {
		held := int64(time.Since(tx.began))
		for longest := h.longest.Load(); held > longest; longest = h.longest.Load() {
			if h.longest.CompareAndSwap(longest, held) {
				return
			}
		}
	})
}

// Longest gives the longest since it was asked for last.
func (h *Hold) Longest() time.Duration { return time.Duration(h.longest.Swap(0)) }
