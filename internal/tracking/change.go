package tracking

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/change"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/live"
	"github.com/cairnml/cairn/internal/store"
)

// changeInterval is how long appended points may wait until they count as a change of their run.
const changeInterval = 200 * time.Millisecond

// changeMeter gathers the runs that only got points, and notes each as changed once an interval.
type changeMeter struct {
	store func(context.Context, map[string]meteredRun) error
	mu    sync.Mutex
	runs  map[string]meteredRun // by id
	wake  chan struct{}
	quit  chan struct{}
	done  chan struct{}
	once  sync.Once
}

// meteredRun is a run that got points.
type meteredRun struct {
	experiment int
	touch      store.RunTouch
}

func startChangeMeter(store func(context.Context, map[string]meteredRun) error) *changeMeter {
	m := &changeMeter{store: store, runs: map[string]meteredRun{},
		wake: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{})}
	go m.loop()
	return m
}

func (m *changeMeter) note(e live.Event, touch store.RunTouch) {
	m.mu.Lock()
	m.runs[e.RunID] = meteredRun{e.ExperimentID, touch}
	m.mu.Unlock()
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

func (m *changeMeter) stop() {
	m.once.Do(func() { close(m.quit) })
	<-m.done
}

func (m *changeMeter) loop() {
	defer close(m.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-m.wake:
		case <-m.quit:
			m.flush()
			return
		}
		timer.Reset(changeInterval)
		select {
		case <-timer.C:
		case <-m.quit:
		}
		m.flush()
	}
}

// flush notes what was gathered. What cannot be stored is tried again with the next.
func (m *changeMeter) flush() {
	m.mu.Lock()
	runs := m.runs
	m.runs = make(map[string]meteredRun, len(runs))
	m.mu.Unlock()
	if len(runs) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := m.store(ctx, runs); err != nil {
		m.mu.Lock()
		defer m.mu.Unlock()
		for id, run := range runs {
			if _, again := m.runs[id]; !again {
				m.runs[id] = run
			}
		}
	}
}

func (s *Service) noteChanges(ctx context.Context, runs map[string]meteredRun) error {
	touches := make([]store.RunTouch, 0, len(runs))
	for _, r := range runs {
		touches = append(touches, r.touch)
	}
	err := s.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		for id, r := range runs {
			tx.RunChanged(id, r.experiment)
		}
		return store.TouchRuns(ctx, tx, touches)
	})
	if err != nil {
		return fmt.Errorf("note changed runs: %w", err)
	}
	for id, r := range runs {
		s.hub.Publish(live.Event{RunID: id, ExperimentID: r.experiment, Changed: true})
	}
	return nil
}

// ChangeHead is the number of the newest change.
func (s *Service) ChangeHead(ctx context.Context) (int64, error) {
	return store.ChangeHead(ctx, s.db.Read()) //nolint:wrapcheck // wrapped by the store
}

// CheckChangesFrom refuses to read on from a number that no change has had yet, or behind which a change of these experiments' runs was
// removed with its run, so that nobody could tell of it any more. experiments nil means all.
func (s *Service) CheckChangesFrom(ctx context.Context, experiments []int, after int64) error {
	head, err := s.ChangeHead(ctx)
	if err != nil {
		return err
	}
	if after > head {
		// A replica for queries may be behind: where changes are numbered is asked before anybody is refused.
		err := s.db.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			head, err = store.ChangeHead(ctx, tx)
			return err //nolint:wrapcheck // wrapped by the store
		})
		if err != nil {
			return err //nolint:wrapcheck // wrapped by the store
		}
	}
	if after > head {
		return errs.Field("after", "lies behind the newest change, as after a restore from a backup: start again without it, and read anew what you show")
	}
	purged, err := store.ChangesPurged(ctx, s.db, experiments)
	if err != nil {
		return err //nolint:wrapcheck // wrapped by the store
	}
	if after < purged {
		return errs.Field("after", "is too old: runs that changed since were removed for good. Start again without it, and read anew what you show")
	}
	return nil
}

// Changes are what changed behind a number.
type Changes struct {
	// Runs are the ids of runs, in the order of their newest changes. A run that changed several times stands there once.
	Runs []string
	// Experiments: something of an experiment changed that finds or orders its runs otherwise, such as the goal of a metric.
	Experiments bool
	// Next is the number to go on from; More: there is more behind it.
	Next int64
	More bool
}

// ChangesSince gives up to limit changes of runs behind a number. experiments nil means all.
func (s *Service) ChangesSince(ctx context.Context, experiments []int, after int64, limit int) (Changes, error) {
	query := s.db.Ent().Change.Query().
		Where(change.EntityIn(change.EntityRUN, change.EntityEXPERIMENT), change.SequenceGT(after))
	if experiments != nil {
		query.Where(change.ScopeIn(experiments...))
	}
	found, err := query.Order(ent.Asc(change.FieldSequence)).Limit(limit).All(ctx)
	if err != nil {
		return Changes{Next: after}, fmt.Errorf("read changes: %w", err)
	}
	out := Changes{Next: after, More: len(found) == limit}
	for _, c := range found {
		if out.Next = c.Sequence; c.Entity == change.EntityRUN {
			out.Runs = append(out.Runs, c.EntityID)
		} else {
			out.Experiments = true
		}
	}
	return out, nil
}
