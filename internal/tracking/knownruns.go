package tracking

import (
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/cairnml/cairn/internal/store"
)

// maxKnownRuns bounds the runs that are remembered, some 200 bytes each.
const maxKnownRuns = 4096

// knownRuns remembers rows of runs as they were when batches were last written to them. On SQLite, whose file nobody else
// writes, they hold until something else is written. On PostgreSQL they are what is expected, and the statement that builds on
// one looks whether it still holds.
type knownRuns struct {
	mu     sync.Mutex // PostgreSQL has several writers
	runs   *simplelru.LRU[string, knownRun]
	others int64
}

type knownRun struct {
	store.LockedRun
	// shared: another server wrote to the run since this one did, so it likely does again.
	shared bool
}

func newKnownRuns() *knownRuns {
	k := &knownRuns{}
	runs, err := simplelru.NewLRU[string, knownRun](maxKnownRuns, nil)
	if err == nil { // its only error is a size that is not positive
		k.runs = runs
	}
	return k
}

// get gives a run as it is, on SQLite.
func (k *knownRuns) get(tx *store.Tx, runID string) (store.LockedRun, bool) {
	if tx.DB().Postgres() {
		return store.LockedRun{}, false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.refresh(tx)
	r, ok := k.runs.Get(runID)
	return r.LockedRun, ok
}

// expected gives a run as it likely is, on PostgreSQL.
func (k *knownRuns) expected(runID string) (store.LockedRun, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	r, ok := k.runs.Get(runID)
	return r.LockedRun, ok && !r.shared
}

// found is told of a run that was locked, and learns whether others write to it.
func (k *knownRuns) found(r store.LockedRun) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if known, ok := k.runs.Peek(r.RunID); ok {
		k.runs.Add(r.RunID, knownRun{known.LockedRun, known.Sequence != r.Sequence})
	}
}

// put notes a run whose batches were committed.
func (k *knownRuns) put(tx *store.Tx, r store.LockedRun) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.refresh(tx)
	known, _ := k.runs.Peek(r.RunID)
	k.runs.Add(r.RunID, knownRun{r, known.shared})
}

// refresh forgets all on SQLite when something else than batches was written since.
func (k *knownRuns) refresh(tx *store.Tx) {
	if others := tx.Others(); !tx.DB().Postgres() && others != k.others {
		k.runs.Purge()
		k.others = others
	}
}
