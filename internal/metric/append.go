package metric

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
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

// Appender adds points to runs. On SQLite it remembers the state of the series it wrote to, which is sound because no one
// else writes the file (store takes a lock on it); on PostgreSQL, where others may, it reads them under the run's lock.
type Appender struct {
	mu    sync.Mutex // the one writer of SQLite is alone already: this is for PostgreSQL's lanes
	cache *simplelru.LRU[int, *runSeries]
	cost  int
}

// runSeries is what is known of a run's series.
type runSeries struct {
	series map[string]*series
	// costs has what each series was accounted with. It cannot be asked of the series again: copies share what they have seen.
	costs map[string]int
	cost  int
}

// NewAppender makes an appender for one database.
func NewAppender(db *store.DB) *Appender {
	a := &Appender{}
	if !db.Postgres() {
		cache, err := simplelru.NewLRU(cachedRuns, func(_ int, r *runSeries) { a.cost -= r.cost })
		if err == nil { // its only error is a size that is not positive
			a.cache = cache
		}
	}
	return a
}

// Target is the run that points are added to; the transaction holds its lock.
type Target struct {
	RunPK int
	// Sequence is what the new batch gets.
	Sequence int64
	// Now is Unix milliseconds.
	Now int64
}

// Pending is what Plan found out: the points that are new, and the series as they will be.
type Pending struct {
	columns []Columns
	touched []*series
	points  int
	// replaced are keys whose stored points give way to the user's own.
	replaced []string
}

// Points is the number of points that are new.
func (p *Pending) Points() int { return p.points }

// Replaces tells whether points that were stored give way to new ones.
func (p *Pending) Replaces() bool { return len(p.replaced) > 0 }

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
	for _, c := range columns {
		i, ok := at[c.Key]
		if !ok {
			at[c.Key] = len(merged)
			merged = append(merged, c)
			continue
		}
		m := &merged[i]
		if m.KeepExisting != c.KeepExisting {
			if c.Len() > 0 && (m.KeepExisting || m.Len() == 0) {
				*m = c
			}
			continue
		}
		// The caller's columns are not to be written into.
		m.Steps, m.Times, m.Values = slices.Clip(m.Steps), slices.Clip(m.Times), slices.Clip(m.Values)
		m.Role = cmp.Or(c.Role, m.Role)
		if err := m.join(c); err != nil {
			return nil, err
		}
	}
	return merged, nil
}

// Plan works out what columns (from Merge) change, without writing. The transaction holds the run's lock.
func (a *Appender) Plan(ctx context.Context, tx *store.Tx, runPK, experimentID int, columns []Columns) (*Pending, error) {
	states, err := a.load(ctx, tx, runPK, columns)
	if err != nil {
		return nil, err
	}
	p := &Pending{}
	for i := range columns {
		c := columns[i]
		s := states[c.Key]
		if s == nil && c.Len() == 0 || s != nil && c.KeepExisting && !s.row.Provisional {
			continue
		}
		replaces := s != nil && s.row.Provisional && !c.KeepExisting && c.Len() > 0
		if replaces {
			p.replaced = append(p.replaced, c.Key)
		}
		if s == nil || replaces {
			s = newSeries(runPK, experimentID, &c)
		} else {
			s = s.clone()
		}
		role := s.row.Role
		fresh, err := s.accept(c, func() (map[pointID]struct{}, error) {
			if replaces {
				return map[pointID]struct{}{}, nil
			}
			return storedPoints(ctx, tx, tx.DB().Logger(), runPK, c.Key, s.row.StepScale)
		})
		if err != nil {
			return nil, err
		}
		if fresh.Len() == 0 && s.row.Role == role {
			continue
		}
		p.touched = append(p.touched, s)
		if fresh.Len() > 0 {
			p.columns = append(p.columns, fresh)
			p.points += fresh.Len()
		}
	}
	return p, nil
}

// Write stores what Plan found.
func (a *Appender) Write(ctx context.Context, tx *store.Tx, to Target, p *Pending) error {
	if err := dropPoints(ctx, tx, to.RunPK, p.replaced); err != nil {
		return err
	}
	if p.points > 0 {
		payload := encodeBatch(nil, p.columns)
		if err := store.InsertBatch(ctx, tx, to.RunPK, to.Sequence, p.points, to.Now, payload); err != nil {
			return err
		}
	}
	slices.SortFunc(p.touched, func(a, b *series) int { return cmp.Compare(a.row.Key, b.row.Key) })
	rows := make([]store.SeriesRow, len(p.touched))
	for i, s := range p.touched {
		rows[i] = s.row
	}
	if err := store.UpsertSeries(ctx, tx, rows); err != nil {
		return err
	}
	overlay := a.overlay(tx)
	for _, s := range p.touched {
		overlay[seriesID{to.RunPK, s.row.Key}] = s
	}
	if a.cache != nil {
		tx.OnCommit(func() { a.remember(to.RunPK, p.touched) })
	}
	return nil
}

type seriesID struct {
	runPK int
	key   string
}

// overlay has the series as requests of this transaction left them: later requests of the same group must see them, the
// cache must not before the commit.
func (a *Appender) overlay(tx *store.Tx) map[seriesID]*series {
	return tx.Value(a, func() any { return map[seriesID]*series{} }).(map[seriesID]*series)
}

func (a *Appender) load(ctx context.Context, tx *store.Tx, runPK int, columns []Columns) (map[string]*series, error) {
	overlay := a.overlay(tx)
	found := make(map[string]*series, len(columns))
	var missing []string
	a.mu.Lock()
	var cached *runSeries
	if a.cache != nil {
		cached, _ = a.cache.Get(runPK)
	}
	for i := range columns {
		key := columns[i].Key
		if s, ok := overlay[seriesID{runPK, key}]; ok {
			found[key] = s
		} else if s, ok := cached.get(key); ok {
			found[key] = s
		} else {
			missing = append(missing, key)
		}
	}
	a.mu.Unlock()
	if len(missing) == 0 {
		return found, nil
	}
	rows, err := store.LoadSeries(ctx, tx, runPK, missing)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		s := &series{row: row, tail: []uint64{math.Float64bits(row.LastValue.Float64)}}
		if !row.LastValue.Valid {
			s.tail = nil // a NaN, of unknown bits
		}
		found[row.Key] = s
	}
	return found, nil
}

func (r *runSeries) get(key string) (*series, bool) {
	if r == nil {
		return nil, false
	}
	s, ok := r.series[key]
	return s, ok
}

// remember keeps committed states. It runs in SQLite's writer, after the commit.
func (a *Appender) remember(runPK int, touched []*series) {
	a.mu.Lock()
	defer a.mu.Unlock()
	run, ok := a.cache.Get(runPK)
	if !ok {
		run = &runSeries{series: map[string]*series{}, costs: map[string]int{}}
		a.cache.Add(runPK, run)
	}
	for _, s := range touched {
		s.settle()
		grown := s.cost() - run.costs[s.row.Key]
		run.series[s.row.Key] = s
		run.costs[s.row.Key] += grown
		run.cost += grown
		a.cost += grown
	}
	for a.cost > cachedPoints && a.cache.Len() > 0 {
		a.cache.RemoveOldest()
	}
}

// storedPoints reads all points of a series, their steps at the given scale.
func storedPoints(ctx context.Context, q store.Querier, log *slog.Logger, runPK int, key string, scale int8) (map[pointID]struct{}, error) {
	seen := map[pointID]struct{}{}
	err := eachStored(ctx, q, log, runPK, key, stepRange{}, func(c *Columns) error {
		if err := c.rescale(max(scale, c.StepScale)); err != nil {
			return err
		}
		for i, v := range c.Values {
			seen[pointID{c.Steps[i], c.Times[i], math.Float64bits(v)}] = struct{}{}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the points of a series: %w", err)
	}
	return seen, nil
}

// eachStored calls fn with the points of one series, without those of chunks that have none in the range. q is a transaction
// that holds the run's lock, or nobody else writes.
func eachStored(ctx context.Context, q store.Querier, log *slog.Logger, runPK int, key string, within stepRange, fn func(*Columns) error) error {
	s, err := newSource(ctx, q, log, []int{runPK})
	if err != nil {
		return err
	}
	one, err := oneSeries(ctx, q, runPK, key)
	if err != nil {
		return err
	}
	if one == nil { // a load writes the row last: all points are in batches
		one = &storedSeries{SeriesHead: store.SeriesHead{RunPK: runPK, Key: key}}
	}
	if err := s.addPending(ctx, []int{runPK}, map[seriesID]*storedSeries{{runPK, key}: one}, wanted([]string{key})); err != nil {
		return err
	}
	points, err := s.points(ctx, []*storedSeries{one}, within)
	if err != nil {
		return err
	}
	return fn(points[one.ID])
}
