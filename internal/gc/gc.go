// Package gc removes for good what was deleted long ago: runs, experiments and logged models with all that belongs to them,
// in the database and in the artifact store, and idempotency keys that nobody will send again.
package gc

import (
	"context"
	"fmt"
	"time"

	"github.com/cairnml/cairn/internal/artifact"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
)

const (
	// sliceTime is for how long a transaction goes on removing rows, and so about how long another writer waits.
	sliceTime = 10 * time.Millisecond
	// listed is how much is looked up at a time.
	listed = 100
	// MinKeyAge bounds how young idempotency keys may be to be removed: an agent delivers what it kept while its machine was
	// off, and must not do so twice.
	MinKeyAge = 90 * 24 * time.Hour
)

// Service removes what was deleted. It is safe for concurrent use, also by several processes.
type Service struct {
	db *store.DB
	// files is nil where there is no artifact store.
	files *artifact.Store
	// beforeWrite is called before each transaction; tests end the collection there.
	beforeWrite func() error
}

// New makes a service. The caller closes what it is given.
func New(db *store.DB, files *artifact.Store) *Service {
	return &Service{db: db, files: files, beforeWrite: func() error { return nil }}
}

// Options say what to collect, and how.
type Options struct {
	// Before is when it must have been deleted.
	Before time.Time
	// Within is for how long to work; 0: to the end.
	Within time.Duration
	// Yield makes it rest as long as it works, for a server that has others to serve.
	Yield bool
	// Progress, if any, is called after each run.
	Progress func(Removed)
}

// collection is one call of Collect.
type collection struct {
	*Service
	Options
	doomed  store.Doomed
	end     time.Time
	chosen  []string // where experiments have their artifacts, of those whose place somebody chose
	removed Removed
	hold    store.Hold
}

// Removed counts what was removed.
type Removed = store.Removed

// Doomed counts what Collect would remove.
type Doomed struct{ store.DoomedCounts }

// Collected is what a call of Collect removed. More tells that there may be more.
type Collected struct {
	Removed
	More bool
}

// doomedBefore says what was deleted before a time. No key is removed that is younger than MinKeyAge.
func doomedBefore(before time.Time) store.Doomed {
	keys := time.Now().Add(-MinKeyAge)
	if before.Before(keys) {
		keys = before
	}
	return store.Doomed{Before: before.UnixMilli(), KeysBefore: keys.UnixMilli()}
}

// Survey counts what Collect would remove.
func (s *Service) Survey(ctx context.Context, before time.Time) (Doomed, error) {
	counts, err := store.CountDoomed(ctx, s.db.Read(), doomedBefore(before))
	return Doomed{counts}, err //nolint:wrapcheck // wrapped by the store
}

// Collect removes what was deleted. more tells that there may be more: what is begun is gone on with by the next call, whoever
// makes it. What was restored meanwhile stays.
func (s *Service) Collect(ctx context.Context, o Options) (removed Removed, more bool, err error) {
	c := &collection{Service: s, Options: o, doomed: doomedBefore(o.Before)}
	if o.Within > 0 {
		c.end = time.Now().Add(o.Within)
	}
	if c.chosen, err = store.ArtifactLocations(ctx, s.db.Read()); err != nil {
		return Removed{}, false, fmt.Errorf("read where artifacts lie: %w", err)
	}
	for _, part := range []func(context.Context) (bool, error){c.runs, c.models, c.experiments, c.keys} {
		if more, err = part(ctx); err != nil || more {
			break
		}
	}
	s.db.Logger().Debug("collected what was deleted", "runs", c.removed.Runs, "more", more, "held_writer", c.hold.Longest())
	return c.removed, more, err
}

func (c *collection) over() bool { return !c.end.IsZero() && time.Now().After(c.end) }

// runs removes runs, and gives true when time is up.
func (c *collection) runs(ctx context.Context) (bool, error) {
	for {
		found, err := store.DoomedRuns(ctx, c.db.Read(), c.doomed, listed)
		if err != nil || len(found) == 0 {
			return false, err //nolint:wrapcheck // wrapped by the store
		}
		for _, run := range found {
			more, err := c.over(), error(nil)
			if !more {
				more, err = c.run(ctx, run)
			}
			if err != nil {
				return false, fmt.Errorf("remove run %s: %w", run.RunID, err)
			}
			if more {
				return true, nil
			}
		}
	}
}

func (c *collection) run(ctx context.Context, run store.DoomedRun) (more bool, err error) {
	has, err := store.ContentsOfRun(ctx, c.db.Read(), run.PK)
	if err != nil {
		return false, err //nolint:wrapcheck // wrapped by the store
	}
	doomed := false
	err = c.write(ctx, c.db.WriteFor, run.RunID, func(ctx context.Context, tx *store.Tx) error {
		var err error
		doomed, err = store.BeginPurge(ctx, tx, run, c.doomed)
		return err
	})
	if err != nil || !doomed {
		return false, err
	}
	if !run.Purging { // else they were counted before
		c.removed.Series += has.Series
		c.removed.Points += has.Points
		c.removed.Files += has.Files
		c.removed.FileBytes += has.FileBytes
	}
	// The files first: without the rows nobody knows of them.
	if err := c.removeRunFiles(ctx, run, has.Files > 0); err != nil {
		return false, err
	}
	if more, err = c.take(ctx, run.RunID, store.RunSteps(run)); err != nil || more {
		return more, err
	}
	dropped := false
	err = c.write(ctx, c.db.WriteFor, run.RunID, func(ctx context.Context, tx *store.Tx) (err error) {
		dropped, err = store.DropRun(ctx, tx, run)
		return err
	})
	if err != nil || !dropped {
		return false, err //nolint:wrapcheck // wrapped by the store
	}
	c.removed.Runs++
	if c.Progress != nil {
		c.Progress(c.removed)
	}
	return false, nil
}

// writing is a method of store.DB that writes.
type writing func(ctx context.Context, key string, fn store.WriteFunc) error

// take takes steps until nothing is left, a slice of time in each transaction, and gives true when time was up before. What a
// crash undoes of it is taken again: its owner, marked durably, goes last.
func (c *collection) take(ctx context.Context, key string, steps []store.Step) (more bool, err error) {
	for at := 0; at < len(steps); {
		if c.over() {
			return true, nil
		}
		began := time.Now()
		next := at
		err := c.write(ctx, c.db.WriteRelaxed, key, func(ctx context.Context, tx *store.Tx) error {
			next = at // it may run again
			for start := time.Now(); next < len(steps) && time.Since(start) < sliceTime; {
				n, err := steps[next](ctx, tx)
				if err != nil {
					return err
				}
				if n == 0 {
					next++
				}
			}
			return nil
		})
		if err != nil {
			return false, err
		}
		at = next
		if err := c.rest(ctx, time.Since(began)); err != nil {
			return false, err
		}
	}
	return false, nil
}

// write writes with one of the database's methods.
func (c *collection) write(ctx context.Context, how writing, key string, fn store.WriteFunc) error {
	if err := c.beforeWrite(); err != nil {
		return err
	}
	return how(ctx, key, func(ctx context.Context, tx *store.Tx) error { //nolint:wrapcheck // wrapped by the package that gives it
		c.hold.Watch(tx)
		return fn(ctx, tx)
	})
}

// rest leaves the writer to others for as long as they left it to this.
func (c *collection) rest(ctx context.Context, worked time.Duration) error {
	if !c.Yield {
		return nil
	}
	timer := time.NewTimer(worked)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("remove what was deleted: %w", ctx.Err())
	}
}

// models removes logged models that were deleted by themselves.
func (c *collection) models(ctx context.Context) (bool, error) {
	return c.eachModel(ctx, func() ([]store.DoomedModel, error) { return store.DoomedModels(ctx, c.db.Read(), c.doomed, listed) })
}

// eachModel removes the models that list gives, until it gives none.
func (c *collection) eachModel(ctx context.Context, list func() ([]store.DoomedModel, error)) (bool, error) {
	for {
		found, err := list()
		if err != nil || len(found) == 0 {
			return false, err
		}
		for _, m := range found {
			root, err := c.removeModelFiles(ctx, m)
			more := false
			if err == nil {
				more, err = c.take(ctx, m.ModelID, countLast(store.ModelSteps(m, root), &c.removed.Models))
			}
			if err != nil {
				return false, fmt.Errorf("remove logged model %s: %w", m.ModelID, err)
			}
			if more {
				return true, nil
			}
		}
	}
}

// experiments removes experiments whose runs are gone, with their models.
func (c *collection) experiments(ctx context.Context) (bool, error) {
	for after := 0; ; {
		found, err := store.DoomedExperiments(ctx, c.db.Read(), c.doomed, after, listed)
		if err != nil || len(found) == 0 {
			return false, err //nolint:wrapcheck // wrapped by the store
		}
		for _, e := range found {
			after = e.ID
			if more, err := c.experiment(ctx, e); err != nil || more {
				return more, err
			}
		}
	}
}

func (c *collection) experiment(ctx context.Context, e store.DoomedExperiment) (bool, error) {
	id := e.ID
	key := fmt.Sprintf("experiment:%d", id) // as tracking names it
	doomed := false
	err := c.write(ctx, c.db.WriteFor, key, func(ctx context.Context, tx *store.Tx) (err error) {
		doomed, err = store.BeginExperimentPurge(ctx, tx, id, c.doomed)
		return err
	})
	if err != nil || !doomed {
		return false, err //nolint:wrapcheck // wrapped by the store
	}
	more, err := c.eachModel(ctx, func() ([]store.DoomedModel, error) { return store.ModelsOf(ctx, c.db.Read(), id, listed) })
	if err != nil || more {
		return more, err
	}
	err = c.removeExperimentFolders(e.Location)
	if err == nil {
		more, err = c.take(ctx, key, countLast(store.ExperimentSteps(id), &c.removed.Experiments))
	}
	if err != nil {
		return false, fmt.Errorf("remove experiment %d: %w", id, err)
	}
	return more, nil
}

func (c *collection) keys(ctx context.Context) (bool, error) {
	return c.take(ctx, "", countLast([]store.Step{store.OldKeys(c.doomed.KeysBefore)}, &c.removed.Keys))
}

// countLast makes the last step, which removes the thing itself, count what it removed once that is committed: what ends the
// collection afterwards does not uncount it.
func countLast(steps []store.Step, sum *int64) []store.Step {
	last := steps[len(steps)-1]
	steps[len(steps)-1] = func(ctx context.Context, tx *store.Tx) (int64, error) {
		n, err := last(ctx, tx)
		tx.OnCommit(func() { *sum += n })
		return n, err
	}
	return steps
}

func errNoStore(what string) error {
	return errs.Field("--artifacts", "%s has artifacts, and the folder of artifacts is not there: name it, as the server has it", what)
}
