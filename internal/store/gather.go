package store

import "time"

// maxPatience bounds how long a writer waits for requests that are likely to come.
const maxPatience = time.Millisecond

// gathering is what a writer knows of how requests that run together come. Clients that send one after the other all come
// again when they were answered together. Whoever is first would then be run alone, and the others wait for that commit
// before theirs: so the writer waits for them, if not for long, and commits half as often. Who is alone never waits.
type gathering struct {
	// expected is how many are likely to come: those of the last group, and those that came while it was run.
	expected int
	// cost is what a group takes, of late.
	cost time.Duration
	// patience is maxPatience, but in tests.
	patience time.Duration
	timer    *time.Timer
}

// await waits until as many as are expected have come, or for half of what running them costs.
func (w *writer) await() {
	w.mu.Lock()
	if w.stopped || w.alike == 0 || w.alike >= w.expected {
		w.mu.Unlock()
		return
	}
	w.wanted = w.expected
	patience := min(w.cost/2, w.patience)
	w.mu.Unlock()
	if w.timer == nil {
		w.timer = time.NewTimer(patience)
	} else {
		w.timer.Reset(patience)
	}
	select {
	case <-w.gathered:
		w.timer.Stop()
		return
	case <-w.timer.C:
	case <-w.stopping:
		w.timer.Stop()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.wanted == 0 { // just now
		<-w.gathered
	}
	w.wanted = 0
}

// learn notes that a group of n was run, and what that took.
func (w *writer) learn(n int, took time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.expected = min(n+w.alike, maxGroup)
	w.cost += (took - w.cost) / 4
}
