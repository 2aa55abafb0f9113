package metric

import (
	"cmp"
	"context"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
)

// Axis is what the points of a chart are ordered and bounded by.
type Axis int

// The axes: the step (and the time among equal steps), the time (and the step), and the time since the run's start.
const (
	ByStep Axis = iota
	ByTime
	ByRelativeTime
)

// SeriesQuery asks for series of some runs.
type SeriesQuery struct {
	Runs []*ent.Run
	// Keys are the series wanted; nil for all.
	Keys []string
	Axis Axis
	// From and To bound the steps, both included; with ByTime and ByRelativeTime FromTime and ToTime bound the times, in Unix
	// milliseconds, or milliseconds since the run's start.
	From, To         *Step
	FromTime, ToTime *int64
	// MaxPoints bounds the buckets of each series, 1 to MaxBuckets.
	MaxPoints int
}

// Series is one series in buckets, in the order of its axis. A bucket has the first step and time of its points.
type Series struct {
	Run *ent.Run
	Key string
	// Exact: every bucket is one point.
	Exact bool
	// Incomplete: points are missing, since what holds them is damaged.
	Incomplete            bool
	Total                 int64
	StepScale             int8
	Steps, Times, Counts  []int64
	First, Min, Max, Last []float64
	// Means ignore NaN; they are NaN where all are.
	Means                []float64
	LastSteps, LastTimes []int64 // of the last point of each bucket
}

func (q *SeriesQuery) check() error {
	switch {
	case len(q.Runs) < 1 || len(q.Runs) > MaxSeriesRuns:
		return errs.Field("runs", "name 1 to %d runs, not %d", MaxSeriesRuns, len(q.Runs))
	case len(q.Keys) > MaxSeriesKeys:
		return errs.Field("keys", "name at most %d keys, not %d", MaxSeriesKeys, len(q.Keys))
	case len(q.Keys)*len(q.Runs) > MaxSeries:
		return errs.New(errs.Invalid, "%d runs times %d keys are more than %d series: name fewer", len(q.Runs), len(q.Keys), MaxSeries)
	case q.MaxPoints < 1 || q.MaxPoints > MaxBuckets:
		return errs.Field("maxPoints", "must be 1 to %d, not %d", MaxBuckets, q.MaxPoints)
	case q.From != nil && q.To != nil && compareSteps(*q.From, *q.To) > 0:
		return errs.Field("range", "begins at step %s, after its end at %s", q.From, q.To)
	case q.FromTime != nil && q.ToTime != nil && *q.FromTime > *q.ToTime:
		return errs.Field("range", "begins at %d, after its end at %d", *q.FromTime, *q.ToTime)
	}
	return nil
}

// bounded tells whether the query asks for a range.
func (q *SeriesQuery) bounded() bool {
	return q.From != nil || q.To != nil || q.FromTime != nil || q.ToTime != nil
}

// Series reads series and the cursor up to which they were read.
func (r *Reader) Series(ctx context.Context, q SeriesQuery) (out []Series, cursor Cursor, err error) {
	if err := q.check(); err != nil {
		return nil, nil, err
	}
	byPK := make(map[int]*ent.Run, len(q.Runs))
	pks := make([]int, 0, len(q.Runs))
	for _, run := range q.Runs {
		if byPK[run.ID] == nil {
			byPK[run.ID] = run
			pks = append(pks, run.ID)
		}
	}
	cursor = make(Cursor, len(pks))
	err = r.db.Read().Snapshot(ctx, func(tx store.Querier) error {
		series, err := readSeriesHeads(ctx, tx, pks, &q)
		if err != nil {
			return err
		}
		s, err := r.source(ctx, tx, pks)
		if err != nil {
			return err
		}
		defer s.tellFaults(ctx)
		heads, err := store.Heads(ctx, tx, pks)
		if err != nil {
			return err
		}
		for _, pk := range pks {
			cursor[byPK[pk].RunID] = heads[pk]
		}
		buckets, err := s.buckets(ctx, series, byPK, &q)
		if err != nil {
			return err
		}
		out = make([]Series, 0, len(series))
		for i, one := range series {
			shaped := buckets[i]
			shaped.Run, shaped.Key, shaped.Incomplete = byPK[one.RunPK], one.Key, one.damaged
			out = append(out, shaped)
		}
		return nil
	})
	return out, cursor, err
}

// readSeriesHeads gives the series asked for, run by run as the runs were named, and by key.
func readSeriesHeads(ctx context.Context, tx store.Querier, pks []int, q *SeriesQuery) ([]*storedSeries, error) {
	place := make(map[int]int, len(pks))
	for i, pk := range pks {
		place[pk] = i
	}
	var series []*storedSeries
	err := store.EachSeriesHead(ctx, tx, pks, q.Keys, func(h store.SeriesHead) error {
		if len(series) == MaxSeries {
			return errs.New(errs.Invalid, "more than %d series: name fewer runs or keys", MaxSeries)
		}
		series = append(series, &storedSeries{SeriesHead: h})
		return nil
	})
	slices.SortFunc(series, func(a, b *storedSeries) int {
		return cmp.Or(cmp.Compare(place[a.RunPK], place[b.RunPK]), cmp.Compare(a.Key, b.Key))
	})
	return series, err
}

// bucketSize gives the power of two that n points make at most limit buckets of.
func bucketSize(n int64, limit int) int64 {
	size := int64(1)
	for (n+size-1)/size > int64(limit) {
		size *= 2
	}
	return size
}

// buckets gives each series in at most q.MaxPoints buckets: from its roll-up where that is fine enough, else from its points.
func (s *source) buckets(ctx context.Context, series []*storedSeries, runs map[int]*ent.Run, q *SeriesQuery) ([]Series, error) {
	rolled, err := s.rollups(ctx, series, q)
	if err != nil {
		return nil, err
	}
	var rest []*storedSeries
	buckets := int64(0)
	for _, one := range series {
		if rolled[one.ID] == nil {
			rest = append(rest, one)
		}
		buckets += min(one.Count, int64(q.MaxPoints))
	}
	if err := checkRead(rest, buckets); err != nil {
		return nil, err
	}
	if err := s.addPending(ctx, series, rolled); err != nil {
		return nil, err
	}
	if again := q.outgrown(series, rolled); len(again) > 0 {
		rest = append(rest, again...)
		if err := checkRead(rest, buckets); err != nil {
			return nil, err
		}
		if err := s.addPending(ctx, again, nil); err != nil {
			return nil, err
		}
	}
	read, err := s.points(ctx, rest, stepRange{q.From, q.To})
	if err != nil {
		return nil, err
	}
	out := make([]Series, len(series))
	for i, one := range series {
		if r := rolled[one.ID]; r != nil {
			one.damaged = r.count < one.Count // it was computed anew of what could still be read
			out[i] = r.series()
			continue
		}
		c := read[one.ID]
		q.arrange(c, runs[one.RunPK])
		if size := bucketSize(int64(c.Len()), q.MaxPoints); size > 1 {
			out[i] = rollUpAll(c, size).series()
		} else {
			out[i] = exactSeries(c)
		}
	}
	return out, nil
}

// checkRead fails when the points of some series are too many to be held, or the buckets of all.
func checkRead(series []*storedSeries, buckets int64) error {
	points := int64(0)
	for _, one := range series {
		points += one.Count
	}
	if most := max(points, buckets); most > MaxReadPoints {
		return tooMany(most)
	}
	return nil
}

func tooMany(points int64) error {
	return errs.New(errs.Invalid,
		"these series have %d points to read: at most %d are read at once; name fewer runs or keys, or a smaller maxPoints", points, MaxReadPoints)
}

// rollups gives the roll-ups that answer the query, without the pending points: those that are fine enough, and in the order of
// the axis.
func (s *source) rollups(ctx context.Context, series []*storedSeries, q *SeriesQuery) (map[int]*rollup, error) {
	if q.bounded() {
		return nil, nil //nolint:nilnil // none, which is no fault
	}
	var ids []int
	byID := make(map[int]*storedSeries, len(series))
	for _, one := range series {
		if one.Count >= int64(rollupFrom) && bucketSize(one.Count, q.MaxPoints) >= rollupSize {
			ids = append(ids, one.ID)
			byID[one.ID] = one
		}
	}
	var stored []store.Rollup
	err := store.EachRollup(ctx, s.q, ids, func(r store.Rollup) error {
		r.Payload = slices.Clone(r.Payload)
		stored = append(stored, r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	decoded, failures := make([]*rollup, len(stored)), make([]error, len(stored))
	inParallel(len(stored), func(i int) {
		decoded[i], failures[i] = q.rollup(byID[stored[i].SeriesID], stored[i].Payload)
	})
	out := make(map[int]*rollup, len(ids))
	for i, r := range stored {
		one := byID[r.SeriesID]
		if err := failures[i]; err != nil { // derived: the points tell the same
			if err := s.tolerate(err, one.RunPK, "roll-up of %q", one.Key); err != nil {
				return nil, err
			}
		} else if decoded[i] != nil {
			out[one.ID] = decoded[i]
		}
	}
	return out, nil
}

// rollup gives a series' buckets from its roll-up, no more than are wanted; nil when it is too coarse, or in another order.
func (q *SeriesQuery) rollup(one *storedSeries, payload []byte) (*rollup, error) {
	r, err := decodeRollup(payload)
	if err != nil {
		return nil, err
	}
	if r.size > bucketSize(one.Count, q.MaxPoints) || !q.orders(r) {
		return nil, nil //nolint:nilnil // the points are read instead
	}
	r.atMost(q.MaxPoints)
	return r, nil
}

// orders tells whether a roll-up is in the order of the axis.
func (q *SeriesQuery) orders(r *rollup) bool { return q.Axis == ByStep || r.inOrder && r.byTime }

// outgrown takes out the roll-ups that the pending points have made unfit, and gives their series. The others have no more
// buckets then than are wanted.
func (q *SeriesQuery) outgrown(series []*storedSeries, rolled map[int]*rollup) (unfit []*storedSeries) {
	for _, one := range series {
		r := rolled[one.ID]
		if r == nil {
			continue
		}
		// Of fewer buckets than a roll-up has the size is as it must be.
		coarse := q.MaxPoints >= rollupBuckets && r.size > bucketSize(one.Count, q.MaxPoints)
		if coarse || !q.orders(r) {
			delete(rolled, one.ID)
			unfit = append(unfit, one)
			continue
		}
		r.atMost(q.MaxPoints)
	}
	return unfit
}

// inParallel runs fn for 0 to n-1 on all processors.
func inParallel(n int, fn func(i int)) {
	workers := min(runtime.GOMAXPROCS(0), n/16)
	if workers < 2 {
		for i := range n {
			fn(i)
		}
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				fn(i)
			}
		})
	}
	wg.Wait()
}

// arrange drops the points outside the range and orders the others by the axis; equal ones keep their order.
func (q *SeriesQuery) arrange(c *Columns, run *ent.Run) {
	from, to := q.times(run)
	order := make([]int, 0, c.Len())
	sorted := true
	less := func(a, b int) int {
		byStep, byTime := cmp.Compare(c.Steps[a], c.Steps[b]), cmp.Compare(c.Times[a], c.Times[b])
		if q.Axis == ByStep {
			return cmp.Or(byStep, byTime)
		}
		return cmp.Or(byTime, byStep)
	}
	for i := range c.Values {
		if q.From != nil || q.To != nil {
			step := Step{Units: c.Steps[i], Scale: c.StepScale}
			if q.From != nil && compareSteps(step, *q.From) < 0 || q.To != nil && compareSteps(step, *q.To) > 0 {
				continue
			}
		}
		if c.Times[i] < from || c.Times[i] > to {
			continue
		}
		if n := len(order); n > 0 && less(order[n-1], i) > 0 {
			sorted = false
		}
		order = append(order, i)
	}
	if sorted && len(order) == c.Len() {
		return
	}
	if !sorted {
		slices.SortStableFunc(order, less)
	}
	*c = c.pick(order)
}

// times gives the bounds of the times of a run's points, both included.
func (q *SeriesQuery) times(run *ent.Run) (from, to int64) {
	from, to = math.MinInt64, math.MaxInt64
	start := int64(0)
	if q.Axis == ByRelativeTime {
		start = run.StartTime // never negative
	}
	if q.FromTime != nil {
		from = *q.FromTime + min(start, math.MaxInt64-max(*q.FromTime, 0))
	}
	if q.ToTime != nil {
		to = *q.ToTime + min(start, math.MaxInt64-max(*q.ToTime, 0))
	}
	return from, to
}

// compareSteps orders steps of any scales.
func compareSteps(a, b Step) int {
	if a.Scale == b.Scale {
		return cmp.Compare(a.Units, b.Units)
	}
	// Whole and fractional part have the same sign, so they order one after the other.
	fraction := func(s Step) int64 { return s.Units % pow10[s.Scale] * pow10[MaxStepScale-s.Scale] }
	return cmp.Or(cmp.Compare(a.Int(), b.Int()), cmp.Compare(fraction(a), fraction(b)))
}

// rollUpAll makes buckets of size points each, of points that are in the wanted order already, whatever it is.
func rollUpAll(c *Columns, size int64) *rollup {
	r := newRollup(size)
	r.scale, r.count = c.StepScale, int64(c.Len())
	r.buckets = make([]bucket, 0, (r.count+size-1)/size)
	for i, v := range c.Values {
		one := pointBucket(c.Steps[i], c.Times[i], v)
		if int64(i)%size == 0 {
			r.buckets = append(r.buckets, one)
			continue
		}
		r.buckets[len(r.buckets)-1].follow(one)
	}
	return r
}

// exactSeries gives points that are in the wanted order as buckets of one point each.
func exactSeries(c *Columns) Series {
	return Series{
		Exact: true, Total: int64(c.Len()), StepScale: c.StepScale,
		Steps: c.Steps, Times: c.Times, Counts: slices.Repeat([]int64{1}, c.Len()), LastSteps: c.Steps, LastTimes: c.Times,
		First: c.Values, Min: c.Values, Max: c.Values, Last: c.Values, Means: c.Values,
	}
}

// series gives the buckets in columns.
func (r *rollup) series() Series {
	n := len(r.buckets)
	integers, floats := make([]int64, 5*n), make([]float64, 5*n)
	column := func(i int) []int64 { return integers[i*n : (i+1)*n : (i+1)*n] }
	values := func(i int) []float64 { return floats[i*n : (i+1)*n : (i+1)*n] }
	s := Series{
		Exact: int64(n) == r.count, Total: r.count, StepScale: r.scale,
		Steps: column(0), Times: column(1), Counts: column(2), LastSteps: column(3), LastTimes: column(4),
		First: values(0), Min: values(1), Max: values(2), Last: values(3), Means: values(4),
	}
	for i := range r.buckets {
		b := &r.buckets[i]
		s.Steps[i], s.Times[i], s.Counts[i], s.LastSteps[i], s.LastTimes[i] = b.firstStep, b.firstTime, b.count, b.lastStep, b.lastTime
		s.First[i], s.Min[i], s.Max[i], s.Last[i], s.Means[i] = b.first, b.min, b.max, b.last, b.mean()
	}
	return s
}
