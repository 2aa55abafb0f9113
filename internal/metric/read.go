package metric

import (
	"context"
	"log/slog"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
)

// Bounds of one read.
const (
	MaxSeriesRuns = 1000
	MaxSeriesKeys = 1000
	MaxSeries     = 10_000
	MaxBuckets    = 100_000
	// MaxReadPoints bounds the points of one read, and its buckets, which are held in memory at once.
	MaxReadPoints = 16_000_000
)

// Reader reads points and series.
type Reader struct {
	db  *store.DB
	log *slog.Logger
	// atOnce and held are those of a source; tests make the one small and look at the other.
	atOnce int
	held   func(points int)
	shared sharedNews
}

// NewReader makes a reader.
func NewReader(db *store.DB) *Reader {
	return &Reader{db: db, log: db.Logger(), atOnce: looseAtOnce, held: func(int) {}}
}

// source begins to read points of some runs in a snapshot. Its tellFaults is for the end.
func (r *Reader) source(ctx context.Context, q store.Querier, runPKs []int) (*source, error) {
	s, err := newSource(ctx, q, r.log, runPKs)
	if err != nil {
		return nil, err
	}
	s.atOnce, s.held = r.atOnce, r.held
	return s, nil
}

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

// History is a page of the points of one series, in the order in which they came.
type History struct {
	Columns
	// Next is the number of the point to go on from; -1 at the end.
	Next int
	// Incomplete: points are missing, since what holds them is damaged.
	Incomplete bool
}

// History gives up to limit exact points of one series, from the point number from on.
func (r *Reader) History(ctx context.Context, runPK int, key string, from, limit int) (page History, err error) {
	if from < 0 || limit < 1 {
		return History{}, errs.Field("max_results", "must be at least 1")
	}
	page.Next = -1
	err = r.db.Read().Snapshot(ctx, func(q store.Querier) error {
		one, err := oneSeries(ctx, q, runPK, key)
		if err != nil || one == nil || int64(from) >= one.Count {
			return err
		}
		s, err := r.source(ctx, q, []int{runPK})
		if err != nil {
			return err
		}
		defer s.tellFaults(ctx)
		if one.Count > int64(from)+int64(limit) {
			page.Next = from + limit
		}
		page.Columns = Columns{Key: key, StepScale: one.StepScale}
		err = s.eachStretch(ctx, []stretch{{storedSeries: one, from: int64(from), to: int64(from) + int64(limit)}}, stepRange{},
			func(_ int, c Columns) error { return page.join(c) })
		page.Incomplete = one.damaged
		return err
	})
	return page, err
}

// slice gives the points from i up to j. What is appended to them does not change c.
func (c *Columns) slice(i, j int) Columns {
	return Columns{Key: c.Key, Role: c.Role, StepScale: c.StepScale, Steps: c.Steps[i:j:j], Times: c.Times[i:j:j], Values: c.Values[i:j:j]}
}
