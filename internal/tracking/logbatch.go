package tracking

import (
	"context"
	"errors"

	"github.com/cairnml/cairn/internal/auth"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/live"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/store"
)

// LogBatch stores points, params and tags of a run and returns when they are durable. It is the one way by which they get
// into the database. Conflict when the run is deleted, or a param has another value already.
func (s *Service) LogBatch(ctx context.Context, b Batch) (BatchResult, error) {
	if err := b.check(); err != nil {
		return BatchResult{}, err
	}
	call := &batchCall{Batch: b, by: auth.Name(ctx)}
	if err := s.db.WriteTogether(ctx, b.RunID, s.batches, call); err != nil {
		return BatchResult{}, err //nolint:wrapcheck // described by the store
	}
	if call.result.Stored {
		s.logged.batches.Add(1)
		s.logged.points.Add(int64(call.points))
	}
	return call.result, nil
}

// batchCall is one call of LogBatch.
type batchCall struct {
	Batch
	by     string
	result BatchResult
	points int // of them that are new
}

// batchWriter runs the calls of LogBatch that wait at the same time, in one transaction and with shared statements.
type batchWriter struct {
	hub      *live.Hub
	metered  *changeMeter
	appender *metric.Appender
	known    *knownRuns
}

func newBatchWriter(hub *live.Hub, metered *changeMeter) *batchWriter {
	return &batchWriter{hub: hub, metered: metered, appender: metric.NewAppender(), known: newKnownRuns()}
}

// batchGroup is what the calls of one transaction share.
type batchGroup struct {
	*batchWriter
	tx      *store.Tx
	now     int64
	runs    map[string]*batchRun
	clients map[clientOfRun]*store.ClientSequence
	metrics *metric.Group
}

// batchRun is a run in a group.
type batchRun struct {
	store.LockedRun
	// written: something was stored; changed: also what are no points, or points took the place of others.
	written, changed bool
	by               string
}

type clientOfRun struct {
	runPK  int
	client string
}

// RunTogether stores batches. It is the store's to call.
func (w *batchWriter) RunTogether(ctx context.Context, tx *store.Tx, requests []any) ([]error, error) {
	calls := make([]*batchCall, len(requests))
	for i, r := range requests {
		calls[i] = r.(*batchCall) // nothing else is given to WriteTogether
	}
	g := &batchGroup{batchWriter: w, tx: tx, now: now(), metrics: w.appender.Begin(tx)}
	if err := g.lock(ctx, calls); err != nil {
		return nil, err
	}
	if err := g.loadClients(ctx, calls); err != nil {
		return nil, err
	}
	refused := make([]error, len(calls))
	for i, c := range calls {
		if err := g.add(ctx, c); err != nil {
			var r *refusal
			if !errors.As(err, &r) {
				return nil, err
			}
			refused[i] = r.error
		}
	}
	return refused, g.write(ctx)
}

// PlanAppend plans calls for one run that only log points. It is the store's to call.
func (w *batchWriter) PlanAppend(ctx context.Context, tx *store.Tx, requests []any) (store.RunAppend, bool) {
	runID := requests[0].(*batchCall).RunID
	known, ok := w.known.expected(runID)
	if !ok {
		return store.RunAppend{}, false
	}
	r := &batchRun{LockedRun: known}
	g := &batchGroup{batchWriter: w, tx: tx, now: now(), metrics: w.appender.Begin(tx), runs: map[string]*batchRun{runID: r}}
	for _, request := range requests {
		c := request.(*batchCall)
		if c.Client != "" || len(c.Params)+len(c.Tags)+len(c.Models) > 0 {
			return store.RunAppend{}, false
		}
		if g.add(ctx, c) != nil { // the database is to be asked, or the call is refused, which what is remembered does not decide
			return store.RunAppend{}, false
		}
	}
	batches, series, ok := g.metrics.Planned()
	g.remember()
	return store.RunAppend{RunWrite: r.note(g.now), Expected: known.Sequence, Batches: batches, Series: series}, ok
}

// lock reads the runs of all calls and locks them.
func (g *batchGroup) lock(ctx context.Context, calls []*batchCall) error {
	g.runs = make(map[string]*batchRun, len(calls))
	var unknown []string
	for _, c := range calls { // in the order of their runs
		if g.runs[c.RunID] != nil || len(unknown) > 0 && unknown[len(unknown)-1] == c.RunID {
			continue
		}
		if r, ok := g.known.get(g.tx, c.RunID); ok {
			g.runs[c.RunID] = &batchRun{LockedRun: r}
		} else {
			unknown = append(unknown, c.RunID)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	locked, err := store.LockRuns(ctx, g.tx, unknown)
	if err != nil {
		return err //nolint:wrapcheck // wrapped by the package that gives it
	}
	for _, r := range locked {
		g.known.found(r)
		g.runs[r.RunID] = &batchRun{LockedRun: r}
	}
	return nil
}

// loadClients reads how far the clients of all calls got.
func (g *batchGroup) loadClients(ctx context.Context, calls []*batchCall) error {
	var load []*store.ClientSequence
	for _, c := range calls {
		r := g.runs[c.RunID]
		if c.Client == "" || r == nil {
			continue
		}
		if g.clients == nil {
			g.clients = map[clientOfRun]*store.ClientSequence{}
		}
		of := clientOfRun{r.PK, c.Client}
		if g.clients[of] == nil {
			g.clients[of] = &store.ClientSequence{RunPK: r.PK, Client: c.Client}
			load = append(load, g.clients[of])
		}
	}
	return store.LoadClients(ctx, g.tx, load) //nolint:wrapcheck // wrapped by the package that gives it
}

// refusal is an error about a call of which nothing was written.
type refusal struct{ error }

func (r *refusal) Unwrap() error { return r.error }

// refuse makes a refusal of an error for users; any other is a failure.
func refuse(err error) error {
	var designed *errs.Error
	if errors.As(err, &designed) {
		return &refusal{err}
	}
	return err
}

// add first finds out all that can be wrong with a call, and only then writes, or leaves to write: a refused batch costs the
// others that share its transaction nothing.
func (g *batchGroup) add(ctx context.Context, c *batchCall) error {
	c.result = BatchResult{} // of an earlier try
	r := g.runs[c.RunID]
	switch {
	case r == nil:
		return refuse(errs.New(errs.NotFound, "Run with id=%s not found", c.RunID))
	case r.Stage != "active":
		return refuse(errs.New(errs.Conflict, "The run %s must be in the 'active' state. Current state is %s: restore it first", c.RunID, r.Stage))
	}
	client := g.clients[clientOfRun{r.PK, c.Client}]
	if client != nil && c.Sequence <= client.Last {
		c.result.Sequence = r.Sequence
		return nil
	}
	params, err := newParams(ctx, g.tx, r.PK, c.RunID, c.Params)
	if err != nil {
		return refuse(err)
	}
	if err := checkModels(ctx, g.tx, c.Models); err != nil {
		return refuse(err)
	}
	target := metric.Run{PK: r.PK, ExperimentID: r.ExperimentID, Sequence: r.Sequence}
	var points metric.Pending
	if len(c.Columns) > 0 {
		if err := g.metrics.Load(ctx, target, c.Columns); err != nil {
			return err //nolint:wrapcheck // wrapped by the package that gives it
		}
		if err := g.metrics.Check(target, c.Columns); err != nil {
			return refuse(err)
		}
		if points, err = g.metrics.Plan(ctx, target, c.Columns); err != nil {
			return err //nolint:wrapcheck // wrapped by the package that gives it
		}
		r.Sequence = g.metrics.Add(target, g.now, &points)
	}
	if err := writeParams(ctx, g.tx, r.LockedRun, params); err != nil {
		return err
	}
	if err := setTags(ctx, g.tx, r.LockedRun, c.Tags); err != nil {
		return err
	}
	if err := insertModelMetrics(ctx, g.tx, c.RunID, c.Models); err != nil {
		return err
	}
	if client != nil {
		client.Last = c.Sequence
	}
	changed := len(params) > 0 || len(c.Tags) > 0 || points.Alters()
	r.written, r.by, r.changed = true, c.by, r.changed || changed
	c.result, c.points = BatchResult{Stored: true, Sequence: r.Sequence}, points.Points()
	g.announce(c, r.LockedRun, points.Points() > 0, changed)
	return nil
}

// announce tells those who follow the run. What only appends points is noted as a change of the run a little later and
// together with others like it, so that a change need not be written with every point.
func (g *batchGroup) announce(c *batchCall, r store.LockedRun, metrics, changed bool) {
	e := live.Event{RunID: c.RunID, ExperimentID: r.ExperimentID, Metrics: metrics, Changed: changed, Sequence: r.Sequence}
	if changed {
		g.tx.RunChanged(c.RunID, r.ExperimentID)
	}
	g.tx.OnCommit(func() {
		g.hub.Publish(e)
		if metrics && !changed {
			g.metered.note(e, store.RunTouch{RunID: c.RunID, Now: g.now, By: c.by})
		}
	})
}

// write writes what was left to the end.
func (g *batchGroup) write(ctx context.Context) error {
	if err := g.metrics.Write(ctx); err != nil {
		return err //nolint:wrapcheck // wrapped by the package that gives it
	}
	var writes []store.RunWrite
	for _, r := range g.runs {
		if r.written {
			writes = append(writes, r.note(g.now))
		}
	}
	if err := store.NoteRunWrites(ctx, g.tx, writes); err != nil {
		return err //nolint:wrapcheck // wrapped by the package that gives it
	}
	clients := make([]*store.ClientSequence, 0, len(g.clients))
	for _, c := range g.clients {
		clients = append(clients, c)
	}
	if err := store.StoreClients(ctx, g.tx, clients); err != nil {
		return err //nolint:wrapcheck // wrapped by the package that gives it
	}
	g.remember()
	return nil
}

func (r *batchRun) note(now int64) store.RunWrite {
	return store.RunWrite{PK: r.PK, Sequence: r.Sequence, Now: now, By: r.by, Changed: r.changed}
}

// remember keeps the runs when what the group wrote is committed.
func (g *batchGroup) remember() {
	g.tx.OnCommit(func() {
		for _, r := range g.runs {
			g.known.put(g.tx, r.LockedRun)
		}
	})
}
