// Package tracking is the core of experiment tracking: experiments, runs, params, tags, inputs and logged models. Both
// shells, GraphQL and MLflow's REST, are thin layers over it.
package tracking

import (
	"sync/atomic"
	"time"

	"github.com/cairnml/cairn/internal/live"
	"github.com/cairnml/cairn/internal/store"
)

// Service records and reads what trainings do. All methods are safe for concurrent use and return *errs.Error for what is
// the caller's fault.
type Service struct {
	db      *store.DB
	hub     *live.Hub
	metered *changeMeter
	batches *batchWriter
	logged  struct{ batches, points atomic.Int64 }
}

// Logged tells how many batches and points were stored since the service began; what was stored before does not count again.
func (s *Service) Logged() (batches, points int64) {
	return s.logged.batches.Load(), s.logged.points.Load()
}

// New makes the service. The caller closes it before the database.
func New(db *store.DB, hub *live.Hub) *Service {
	s := &Service{db: db, hub: hub}
	s.metered = startChangeMeter(s.noteChanges)
	s.batches = newBatchWriter(hub, s.metered)
	return s
}

// Close stores the changes that are noted and not yet stored.
func (s *Service) Close() { s.metered.stop() }

// Tag is a key and a value; the last write wins.
type Tag struct {
	Key, Value string
	// KeepExisting, of a run's tag: a value that was set without it stays. It is how autolog adapters write.
	KeepExisting bool
}

// Param is an input of a run, written once.
type Param struct {
	Key, Value string
	// KeepExisting: a value that the param has already stays, and this one gives way to any that comes later without
	// KeepExisting. It is how autolog adapters write. Else another value is a Conflict.
	KeepExisting bool
}

func now() int64 { return time.Now().UnixMilli() }
