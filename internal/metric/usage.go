package metric

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cairnml/cairn/internal/store"
)

// metricTables are the tables of the metric engine.
var metricTables = []string{"metric_series", "metric_batches", "metric_chunks", "metric_tails", "metric_rollups"}

// Usage is what a database holds, and what room it takes.
type Usage struct {
	Runs store.RunCounts
	store.PointCounts
	// Estimated: to count the series would have taken too long. Points are then those of chunks, tails and batches, of which a
	// few may stand in two places while a run is folded.
	Estimated bool
	Size      store.Size
	// Tables are the bytes of the metric tables, each with its indexes; nil when to measure them would have taken too long.
	Tables  map[string]int64
	Backlog store.Backlog
	// Leases are those of compaction that are held.
	Leases []store.HeldLease
}

// Metrics is the bytes of all metric tables.
func (u *Usage) Metrics() int64 {
	sum := int64(0)
	for _, bytes := range u.Tables {
		sum += bytes
	}
	return sum
}

// ReadUsage looks at a database that others may be writing to. It counts the points, and measures the tables, for so long each
// before it makes do with an estimate; 0 is without end.
func ReadUsage(ctx context.Context, look *store.Inspection, within time.Duration) (*Usage, error) {
	u := &Usage{}
	q := look.Read()
	var err error
	if u.Runs, err = store.CountRuns(ctx, q); err != nil {
		return nil, err
	}
	if u.Size, err = look.Size(ctx); err != nil {
		return nil, err
	}
	if u.Backlog, err = store.CountBacklog(ctx, q); err != nil {
		return nil, err
	}
	if u.Leases, err = store.HeldLeases(ctx, q, leasePrefix, time.Now().UnixMilli()); err != nil {
		return nil, err
	}
	u.Estimated, err = cutShort(ctx, within, func(ctx context.Context) error {
		u.PointCounts, err = store.CountPoints(ctx, q)
		return err
	})
	if err == nil && u.Estimated {
		err = u.estimate(ctx, look)
	}
	if err != nil {
		return nil, err
	}
	_, err = cutShort(ctx, within, func(ctx context.Context) error {
		u.Tables, err = look.TableSizes(ctx, metricTables)
		return err
	})
	return u, err
}

// Usage is ReadUsage of the reader's database.
func (r *Reader) Usage(ctx context.Context, within time.Duration) (*Usage, store.SchemaStatus, error) {
	look := r.db.Inspection()
	status, err := look.Schema(ctx)
	if err != nil {
		return nil, status, err
	}
	usage, err := ReadUsage(ctx, look, within)
	return usage, status, err
}

// Postgres tells whether the reader's database is PostgreSQL; else it is SQLite.
func (r *Reader) Postgres() bool { return r.db.Postgres() }

// cutShort runs fn for so long at most; cut tells that it did not come to its end.
func cutShort(ctx context.Context, within time.Duration, fn func(context.Context) error) (cut bool, err error) {
	if within == 0 {
		return false, fn(ctx)
	}
	bounded, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	err = fn(bounded)
	if err != nil && ctx.Err() == nil && errors.Is(bounded.Err(), context.DeadlineExceeded) {
		return true, nil // the drivers say in their own words that they were interrupted
	}
	return false, err
}

func (u *Usage) estimate(ctx context.Context, look *store.Inspection) error {
	chunks, tails, err := store.CountFolded(ctx, look.Read())
	if err != nil {
		return err
	}
	u.Points = chunks*int64(chunkPoints) + tails + u.Backlog.Points
	if u.Series, err = look.EstimateSeries(ctx); err != nil {
		return fmt.Errorf("estimate the number of series: %w", err)
	}
	return nil
}
