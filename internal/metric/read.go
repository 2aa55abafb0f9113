package metric

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
)

// Bounds of one read.
const (
	MaxSeriesRuns = 1000
	MaxSeriesKeys = 1000
	MaxSeries     = 10_000
	MaxBuckets    = 10_000
	// MaxReadPoints bounds the points of one read, which are held in memory at once, 24 bytes each.
	MaxReadPoints = 16_000_000
)

// Reader reads points and series.
type Reader struct{ db *store.DB }

// NewReader makes a reader.
func NewReader(db *store.DB) *Reader { return &Reader{db: db} }

// wanted turns a list of keys into a test; nil wants all.
func wanted(keys []string) func(string) bool {
	if keys == nil {
		return nil
	}
	set := make(map[string]struct{}, len(keys))
	for _, k := range keys {
		set[k] = struct{}{}
	}
	return func(key string) bool { _, ok := set[key]; return ok }
}

// History gives up to limit exact points of one series in the order in which they came, from the point number from on, and
// the number to go on from; it is -1 at the end.
func (r *Reader) History(ctx context.Context, runPK int, key string, from, limit int) (points []Point, next int, err error) {
	if from < 0 || limit < 1 {
		return nil, 0, errs.Field("max_results", "must be at least 1")
	}
	at := 0
	next = -1
	err = store.EachBatch(ctx, r.db.Read(), []int{runPK}, 0, func(b store.Batch) error {
		return decodeBatch(b.Payload, func(k string) bool { return k == key }, func(c Columns) error {
			for i := range c.Values {
				switch {
				case at < from:
				case len(points) < limit:
					points = append(points, c.At(i))
				default:
					next = from + limit
				}
				at++
			}
			return nil
		})
	})
	return points, next, err
}

// SeriesQuery asks for series of some runs.
type SeriesQuery struct {
	Runs []*ent.Run
	// Keys are the series wanted; nil for all.
	Keys []string
	// From and To bound the steps, both included.
	From, To *Step
	// MaxPoints bounds the buckets of each series, 1 to MaxBuckets.
	MaxPoints int
}

// Series is one series in buckets, ordered by step and time. A bucket has the first step and time of its points.
type Series struct {
	Run *ent.Run
	Key string
	// Exact: every bucket is one point.
	Exact                 bool
	Total                 int64
	StepScale             int8
	Steps, Times, Counts  []int64
	First, Min, Max, Last []float64
	LastSteps, LastTimes  []int64 // of the last point of each bucket
}

// Series reads series and the cursor up to which they were read.
func (r *Reader) Series(ctx context.Context, q SeriesQuery) ([]Series, Cursor, error) {
	if err := q.check(); err != nil {
		return nil, nil, err
	}
	byPK := make(map[int]*ent.Run, len(q.Runs))
	pks := make([]int, 0, len(q.Runs))
	cursor := make(Cursor, len(q.Runs))
	for _, run := range q.Runs {
		if byPK[run.ID] == nil {
			byPK[run.ID] = run
			pks = append(pks, run.ID)
			cursor[run.RunID] = 0
		}
	}
	if err := checkPoints(ctx, r.db.Read(), pks, q.Keys); err != nil {
		return nil, nil, err
	}
	gathered := map[int]map[string]*Columns{}
	count := 0
	err := store.EachBatch(ctx, r.db.Read(), pks, 0, func(b store.Batch) error {
		cursor[byPK[b.RunPK].RunID] = b.Sequence
		return decodeBatch(b.Payload, wanted(q.Keys), func(c Columns) error {
			run := gathered[b.RunPK]
			if run == nil {
				run = map[string]*Columns{}
				gathered[b.RunPK] = run
			}
			if have := run[c.Key]; have != nil {
				return have.join(c)
			}
			if count++; count > MaxSeries {
				return errs.New(errs.Invalid, "more than %d series: name fewer runs or keys", MaxSeries)
			}
			run[c.Key] = &c
			return nil
		})
	})
	if err != nil {
		return nil, nil, err
	}
	out := make([]Series, 0, count)
	for _, pk := range pks {
		keys := make([]string, 0, len(gathered[pk]))
		for key := range gathered[pk] {
			keys = append(keys, key)
		}
		sort.Strings(keys)
		for _, key := range keys {
			c := gathered[pk][key]
			q.cut(c)
			s := bucket(c, q.MaxPoints)
			s.Run, s.Key = byPK[pk], key
			out = append(out, s)
		}
	}
	return out, cursor, nil
}

// checkPoints refuses a read of more points than may be held at once.
func checkPoints(ctx context.Context, q store.Querier, pks []int, keys []string) error {
	total := int64(0)
	for _, part := range store.Parts(pks) {
		query, args := "SELECT COALESCE(SUM(count), 0) FROM metric_series WHERE run_id IN "+store.In(len(part)), store.Args(nil, part)
		if keys != nil {
			query, args = query+" AND key IN "+store.In(len(keys)), store.Args(args, keys)
		}
		var n int64
		if err := store.EachRow(ctx, q, query, args, func(rows *sql.Rows) error { return rows.Scan(&n) }); err != nil {
			return fmt.Errorf("count points: %w", err)
		}
		total += n
	}
	if total > MaxReadPoints {
		return errs.New(errs.Invalid, "these series have %d points: at most %d are read at once; name fewer runs or keys", total, MaxReadPoints)
	}
	return nil
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
	}
	return nil
}

// cut drops the points outside the range and orders the others by step and time; equal ones keep their order.
func (q *SeriesQuery) cut(c *Columns) {
	order := make([]int, 0, c.Len())
	for i := range c.Values {
		step := Step{Units: c.Steps[i], Scale: c.StepScale}
		if q.From != nil && compareSteps(step, *q.From) < 0 || q.To != nil && compareSteps(step, *q.To) > 0 {
			continue
		}
		order = append(order, i)
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(c.Steps[a], c.Steps[b]), cmp.Compare(c.Times[a], c.Times[b]))
	})
	sorted := Columns{Steps: make([]int64, len(order)), Times: make([]int64, len(order)), Values: make([]float64, len(order))}
	for to, from := range order {
		sorted.Steps[to], sorted.Times[to], sorted.Values[to] = c.Steps[from], c.Times[from], c.Values[from]
	}
	c.Steps, c.Times, c.Values = sorted.Steps, sorted.Times, sorted.Values
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

// bucket folds points, ordered already, into at most limit buckets of a power of two points each, so that a bucket's bounds
// stay where they are while points are appended.
func bucket(c *Columns, limit int) Series {
	n, size := c.Len(), 1
	for (n+size-1)/size > limit {
		size *= 2
	}
	s := Series{Exact: size == 1, Total: int64(n), StepScale: c.StepScale}
	if size == 1 {
		s.Steps, s.Times, s.First, s.Min, s.Max, s.Last = c.Steps, c.Times, c.Values, c.Values, c.Values, c.Values
		s.LastSteps, s.LastTimes = c.Steps, c.Times
		s.Counts = slices.Repeat([]int64{1}, n)
		return s
	}
	for from := 0; from < n; from += size {
		to := min(from+size, n)
		least, greatest := math.NaN(), math.NaN()
		for _, v := range c.Values[from:to] {
			if v < least || math.IsNaN(least) {
				least = v
			}
			if v > greatest || math.IsNaN(greatest) {
				greatest = v
			}
		}
		s.Steps = append(s.Steps, c.Steps[from])
		s.Times = append(s.Times, c.Times[from])
		s.LastSteps = append(s.LastSteps, c.Steps[to-1])
		s.LastTimes = append(s.LastTimes, c.Times[to-1])
		s.Counts = append(s.Counts, int64(to-from))
		s.First = append(s.First, c.Values[from])
		s.Min = append(s.Min, least)
		s.Max = append(s.Max, greatest)
		s.Last = append(s.Last, c.Values[to-1])
	}
	return s
}

// Appended is what one or more batches of a run added to a series, in the order in which it came.
type Appended struct {
	RunID string
	Columns
}

// Since gives what was appended to some runs behind a cursor, the cursor behind it, and whether there is more. It reads
// whole batches until it has maxPoints points. Runs without news cost one row of one statement for all of them.
func (r *Reader) Since(ctx context.Context, runs []*ent.Run, keys []string, after Cursor, maxPoints int) (
	appended []Appended, next Cursor, more bool, err error,
) {
	next = make(Cursor, len(runs))
	pks := make([]int, 0, len(runs))
	for _, run := range runs {
		if _, twice := next[run.RunID]; !twice {
			pks = append(pks, run.ID)
			next[run.RunID] = after[run.RunID]
		}
	}
	heads, err := store.Heads(ctx, r.db.Read(), pks)
	if err != nil {
		return nil, nil, false, err
	}
	points := 0
	for _, run := range runs {
		if heads[run.ID] <= next[run.RunID] {
			continue
		}
		if points >= maxPoints {
			return appended, next, true, nil
		}
		at := map[string]int{} // key → place in appended
		err := store.EachBatch(ctx, r.db.Read(), []int{run.ID}, next[run.RunID], func(b store.Batch) error {
			if points >= maxPoints {
				more = true
				return errEnough
			}
			err := decodeBatch(b.Payload, wanted(keys), func(c Columns) error {
				points += c.Len()
				if i, ok := at[c.Key]; ok {
					return appended[i].join(c)
				}
				at[c.Key] = len(appended)
				appended = append(appended, Appended{RunID: run.RunID, Columns: c})
				return nil
			})
			next[run.RunID] = b.Sequence
			return err
		})
		if more {
			return appended, next, true, nil
		}
		if err != nil {
			return nil, nil, false, err
		}
	}
	return appended, next, false, nil
}

var errEnough = errors.New("enough was read")
