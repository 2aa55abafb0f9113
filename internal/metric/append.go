package metric

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
)

// MaxPoints bounds the points of one batch.
const MaxPoints = 100_000

const (
	// cachedRuns and cachedPoints bound what the appender remembers of series, about 48 bytes a point.
	cachedRuns   = 4096
	cachedPoints = 1 << 20
)

// Appender adds points to runs. It remembers the state of the series that it wrote to, but for the role. That is sound for as
// long as the run has no other batch than those that the appender knows, which the run's sequence tells, read under the run's
// lock. A role may come without points, and so without a batch: it is written when a client gives it, and never from memory.
type Appender struct {
	mu   sync.Mutex // PostgreSQL has several writers; what is remembered of one run only one of them touches at a time
	runs *simplelru.LRU[int, *runSeries]
	cost int
}

// runSeries is what is known of a run's series.
type runSeries struct {
	// sequence is that of the run's newest batch when the series were as they are here.
	sequence int64
	series   map[string]*remembered
	cost     int
}

// remembered is a series between transactions, and as the transaction of a group left it.
type remembered struct {
	committed *series
	pending   *series
	group     *Group
	cost      int
}

// NewAppender makes an appender for one database.
func NewAppender() *Appender {
	a := &Appender{}
	runs, err := simplelru.NewLRU(cachedRuns, func(_ int, r *runSeries) { a.cost -= r.cost })
	if err == nil { // its only error is a size that is not positive
		a.runs = runs
	}
	return a
}

// Run is a run that points are added to; the transaction holds its lock.
type Run struct {
	PK, ExperimentID int
	// Sequence is that of the run's newest batch.
	Sequence int64
}

// Group is what the requests of one transaction add. They are planned and added one after the other, and written together.
type Group struct {
	appender *Appender
	tx       *store.Tx
	runs     map[int]*runGroup
	touched  []*remembered
	batches  []store.Batch
}

// runGroup is a run in a group.
type runGroup struct {
	*runSeries
	// loaded are the series that were not known. They are remembered when the group has committed and they are stored: a key
	// that came without a point, or in a batch that was refused, costs no memory.
	loaded map[string]*remembered
	// sequence is that of the newest batch, those of the group too.
	sequence int64
	touched  []*remembered
}

// Begin starts a group.
func (a *Appender) Begin(tx *store.Tx) *Group {
	g := &Group{appender: a, tx: tx, runs: map[int]*runGroup{}}
	tx.OnCommit(g.committed)
	return g
}

// Pending is what Plan found out: the points that are new.
type Pending struct {
	columns []Columns
	points  int
	// replaced are keys whose stored points gave way to the user's own.
	replaced []string
	// altered: a series has another step scale without a new point.
	altered bool
}

// Alters tells whether more changed than that points were appended: points that were stored gave way to new ones, or a series
// has another step scale without a new point.
func (p *Pending) Alters() bool { return len(p.replaced) > 0 || p.altered }

// Points is the number of points that are new.
func (p *Pending) Points() int { return p.points }

// Merge checks the columns of one batch and joins those of the same key; beside the user's own, an adapter's are dropped.
func Merge(columns []Columns) ([]Columns, error) {
	total := 0
	for i := range columns {
		if err := validColumns(&columns[i]); err != nil {
			return nil, err
		}
		total += columns[i].Len()
	}
	if total > MaxPoints {
		return nil, errs.Field("metrics", "has %d points: at most %d go into one batch", total, MaxPoints)
	}
	if len(columns) == 1 {
		return columns, nil
	}
	at := make(map[string]int, len(columns))
	merged := make([]Columns, 0, len(columns))
	own := make([]bool, 0, len(columns)) // the columns are not the caller's, which are not to be written into
	for _, c := range columns {
		i, ok := at[c.Key]
		if !ok {
			at[c.Key] = len(merged)
			merged, own = append(merged, c), append(own, false)
			continue
		}
		m := &merged[i]
		if m.KeepExisting != c.KeepExisting {
			if c.Len() > 0 && (m.KeepExisting || m.Len() == 0) {
				*m, own[i] = c, false
			}
			continue
		}
		if !own[i] {
			m.Steps, m.Times, m.Values = slices.Clip(m.Steps), slices.Clip(m.Times), slices.Clip(m.Values)
			own[i] = true
		}
		m.Role = cmp.Or(c.Role, m.Role)
		if err := m.join(c); err != nil {
			return nil, err
		}
	}
	return merged, nil
}

// Load reads the series that columns are about and that are not known yet, for the Plans to come.
func (g *Group) Load(ctx context.Context, run Run, columns []Columns) error {
	r := g.run(run)
	var missing []string
	for i := range columns {
		if key := columns[i].Key; r.one(key) == nil {
			missing = append(missing, key)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	rows, err := store.LoadSeries(ctx, g.tx, run.PK, missing)
	if err != nil {
		return err
	}
	for _, row := range rows {
		row.Role = ""
		r.loaded[row.Key] = &remembered{committed: knownSeries(row)}
	}
	for i := range columns {
		if c := &columns[i]; r.one(c.Key) == nil {
			r.loaded[c.Key] = &remembered{committed: newSeries(run.PK, run.ExperimentID, c)}
		}
	}
	return nil
}

// run gives what is known of a run.
func (g *Group) run(run Run) *runGroup {
	r := g.runs[run.PK]
	if r != nil {
		return r
	}
	a := g.appender
	a.mu.Lock()
	known, ok := a.runs.Get(run.PK)
	if ok && known.sequence != run.Sequence {
		a.runs.Remove(run.PK)
		ok = false
	}
	a.mu.Unlock()
	if !ok {
		known = &runSeries{sequence: run.Sequence, series: map[string]*remembered{}}
	}
	r = &runGroup{runSeries: known, sequence: run.Sequence, loaded: map[string]*remembered{}}
	g.runs[run.PK] = r
	return r
}

// one gives a series that is known, or was loaded; nil for another.
func (r *runGroup) one(key string) *remembered {
	if m := r.series[key]; m != nil {
		return m
	}
	return r.loaded[key]
}

// Check fails when columns (from Merge, of loaded series) cannot be added.
func (g *Group) Check(run Run, columns []Columns) error {
	r := g.run(run)
	for i := range columns {
		c := &columns[i]
		if s := r.one(c.Key).current(g); !s.yields(c) && !s.ignores(c) {
			if err := s.fits(c); err != nil {
				return err
			}
		}
	}
	return nil
}

// Plan works out what columns that Check found good change.
func (g *Group) Plan(ctx context.Context, run Run, columns []Columns) (Pending, error) {
	r := g.run(run)
	p := Pending{columns: make([]Columns, 0, len(columns))}
	slab := make([]series, 0, len(columns))
	for i := range columns {
		c := &columns[i]
		m := r.one(c.Key)
		if m.current(g).ignores(c) {
			continue
		}
		if m.group != g {
			slab = append(slab, m.committed.clone())
			m.pending, m.group = &slab[len(slab)-1], g
			g.touched = append(g.touched, m)
			r.touched = append(r.touched, m)
		}
		if m.pending.yields(c) {
			repeated, err := g.repeats(ctx, m.pending, *c)
			if err != nil {
				return Pending{}, fmt.Errorf("compare points: %w", err)
			}
			if repeated {
				m.pending.give(c.Role)
				continue
			}
			p.replaced = append(p.replaced, c.Key)
		}
		scale := m.pending.row.StepScale
		fresh, err := g.accept(ctx, m.pending, c)
		if err != nil {
			return Pending{}, fmt.Errorf("add points: %w", err)
		}
		if fresh.Len() > 0 {
			p.columns = append(p.columns, fresh)
			p.points += fresh.Len()
		} else if m.pending.row.StepScale != scale {
			p.altered = true
		}
	}
	return p, g.drop(ctx, run.PK, p.replaced)
}

// accept adds points to a series of the group and gives those that were new.
func (g *Group) accept(ctx context.Context, s *series, c *Columns) (Columns, error) {
	if s.yields(c) {
		id := s.row.ID
		*s = *newSeries(s.row.RunID, s.row.ExperimentID, c)
		s.row.ID = id
		s.changed(store.SeriesAll)
	}
	if s.row.Count == 0 {
		s.row.Provisional = c.KeepExisting
	}
	return s.accept(*c, g.stored(ctx, s))
}

// stored reads points of a series of the group.
func (g *Group) stored(ctx context.Context, s *series) readPoints {
	return func(from, to int64, fn func(pointID) error) error {
		if err := g.Write(ctx); err != nil { // what is to be read may not be there yet
			return err
		}
		return storedPoints(ctx, g.tx, g.tx.DB().Logger(), &s.row, from, to, fn)
	}
}

// repeats tells whether an adapter's series has all of these points of the user's own. They say nothing new then, and do not
// take its place: mlflow's log_model sends the newest points of its run, which it read, once more.
func (g *Group) repeats(ctx context.Context, s *series, c Columns) (bool, error) {
	steps := make([]int64, c.Len())
	for i := range steps {
		units, err := c.At(i).Step.Normal().Rescale(s.row.StepScale)
		if err != nil {
			return false, nil //nolint:nilerr // a step that the series cannot have is none of its own
		}
		steps[i] = units
	}
	c.Steps, c.StepScale = steps, s.row.StepScale
	there, err := s.look(&c, g.stored(ctx, s))
	if err != nil {
		return false, err
	}
	for i, v := range c.Values {
		if !there(pointID{c.Steps[i], c.Times[i], math.Float64bits(v)}) {
			return false, nil
		}
	}
	return true, nil
}

// drop removes the stored points of series that gave way to the user's own. Their new ones are not stored yet.
func (g *Group) drop(ctx context.Context, runPK int, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	if err := g.Write(ctx); err != nil {
		return err
	}
	return dropPoints(ctx, g.tx, runPK, keys)
}

// current is the series as it stands in a group.
func (m *remembered) current(g *Group) *series {
	if m.group == g {
		return m.pending
	}
	return m.committed
}

// Add takes over what Plan found, and gives the sequence of the run's newest batch. now is Unix milliseconds. What alters a
// series takes a sequence too, be it one that no batch has: other servers forget what they knew of the run's series.
func (g *Group) Add(run Run, now int64, p *Pending) int64 {
	r := g.run(run)
	if p.points > 0 || p.altered {
		r.sequence++
	}
	if p.points > 0 {
		g.batches = append(g.batches, store.Batch{
			RunPK: run.PK, Sequence: r.sequence, Points: p.points, Created: now, Payload: encodeBatch(nil, p.columns)})
	}
	return r.sequence
}

// Write writes what was added and is not written yet.
func (g *Group) Write(ctx context.Context) error {
	if len(g.batches) > 0 {
		if err := store.InsertBatches(ctx, g.tx, g.batches); err != nil {
			return err
		}
		g.batches = g.batches[:0]
	}
	made, changed := g.rows()
	if err := store.InsertSeries(ctx, g.tx, made); err != nil {
		return err
	}
	for change, rows := range changed {
		if err := store.UpdateSeries(ctx, g.tx, rows, store.SeriesChange(change)); err != nil {
			return err
		}
	}
	for _, m := range g.touched {
		m.pending.change = 0
	}
	return nil
}

// rows are those of the series that changed: the new ones, and by how much they changed the others.
func (g *Group) rows() (made []*store.SeriesRow, changed [store.SeriesAll + 1][]*store.SeriesRow) {
	slices.SortFunc(g.touched, func(a, b *remembered) int { return a.pending.compare(b.pending) })
	for _, m := range g.touched {
		switch s := m.pending; {
		case s.change == 0:
		case s.row.ID == 0:
			made = append(made, &s.row)
		default:
			changed[s.change] = append(changed[s.change], &s.row)
		}
	}
	return made, changed
}

// Planned gives what Write would write, when it is nothing but batches, and last points and extremes of series that are there.
func (g *Group) Planned() (batches []store.Batch, series []*store.SeriesRow, ok bool) {
	made, changed := g.rows()
	return g.batches, slices.Concat(changed[store.SeriesLast], changed[store.SeriesExtremes]), len(made)+len(changed[store.SeriesAll]) == 0
}

// committed keeps the states of the series as the group left them.
func (g *Group) committed() {
	a := g.appender
	a.mu.Lock()
	defer a.mu.Unlock()
	for pk, r := range g.runs {
		grown := 0
		for _, m := range r.touched {
			m.pending.settle()
			m.pending.row.Role = ""
			m.committed, m.pending, m.group = m.pending, nil, nil
			grown += m.committed.cost() - m.cost
			m.cost += m.committed.cost() - m.cost
		}
		for key, m := range r.loaded {
			if m.committed.row.ID == 0 {
				continue
			}
			if m.cost == 0 { // nothing was added to it
				m.cost = m.committed.cost()
				grown += m.cost
			}
			r.series[key] = m
		}
		r.runSeries.sequence = r.sequence
		if _, ok := a.runs.Peek(pk); ok {
			a.cost += grown
		} else {
			a.cost += r.cost + grown
		}
		r.cost += grown
		a.runs.Add(pk, r.runSeries)
	}
	for a.cost > cachedPoints && a.runs.Len() > 0 {
		a.runs.RemoveOldest()
	}
}
