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
}

// NewReader makes a reader.
func NewReader(db *store.DB) *Reader { return &Reader{db: db, log: db.Logger()} }

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
func (r *Reader) History(ctx context.Context, runPK int, key string, from, limit int) (points Columns, next int, err error) {
	if from < 0 || limit < 1 {
		return Columns{}, 0, errs.Field("max_results", "must be at least 1")
	}
	next = -1
	err = r.db.Read().Snapshot(ctx, func(q store.Querier) error {
		one, err := oneSeries(ctx, q, runPK, key)
		if err != nil || one == nil || int64(from) >= one.Count {
			return err
		}
		if one.Count > int64(from)+int64(limit) {
			next = from + limit
		}
		points, err = r.history(ctx, q, one, from, limit)
		return err
	})
	return points, next, err
}

// history reads the chunks that the page lies in, and what is behind them as far as the page goes.
func (r *Reader) history(ctx context.Context, q store.Querier, one *storedSeries, from, limit int) (Columns, error) {
	s, err := newSource(ctx, q, r.log, []int{one.RunPK})
	if err != nil {
		return Columns{}, err
	}
	only := map[seriesID]*storedSeries{{one.RunPK, one.Key}: one}
	if err := s.addPending(ctx, []int{one.RunPK}, only, wanted([]string{one.Key})); err != nil {
		return Columns{}, err
	}
	first := min(from/chunkPoints, one.chunks())
	columns, err := s.pointsFrom(ctx, one, first, (from+limit+chunkPoints-1)/chunkPoints)
	if err != nil {
		return Columns{}, err
	}
	from -= first * chunkPoints
	return columns.slice(min(from, columns.Len()), min(from+limit, columns.Len())), nil
}

// slice gives the points from i up to j.
func (c *Columns) slice(i, j int) Columns {
	return Columns{Key: c.Key, Role: c.Role, StepScale: c.StepScale, Steps: c.Steps[i:j], Times: c.Times[i:j], Values: c.Values[i:j]}
}
