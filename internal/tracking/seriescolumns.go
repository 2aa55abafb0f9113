package tracking

import (
	"context"
	"database/sql"
	"fmt"
	"math"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
)

// MaxSeriesColumns bounds the rows of SeriesColumns of one run, and maxColumnsTogether those of several runs.
const (
	MaxSeriesColumns   = 100_000
	maxColumnsTogether = 200_000
)

// SeriesColumns are the summaries of a run's metrics, a row for each, by the bytes of their keys.
type SeriesColumns struct {
	Keys []string
	// Steps are in units of 10 to the power of -StepScales.
	Counts, StepScales   []int64
	LastValues           []float64
	LastSteps, LastTimes []int64
	MinValues, MaxValues []float64 // NaN where all values are
	MinSteps, MaxSteps   []int64
	HasNext              bool
}

// SeriesColumnsOf gives what SeriesPageOf gives as columns: a row takes a tenth of the time.
func (s *Service) SeriesColumnsOf(ctx context.Context, runs []int, prefix, after string, first int) (map[int]*SeriesColumns, error) {
	if err := checkSeriesPage(prefix, 1); err != nil {
		return nil, err
	}
	if first < 1 || first > MaxSeriesColumns {
		return nil, errs.Field("limit", "is %d: it must be 1 to %d", first, MaxSeriesColumns)
	}
	if n := len(runs); n > 1 && n*first > maxColumnsTogether {
		return nil, errs.Field("limit", "is %d for each of %d runs: together it may be %d; ask for fewer runs, or lower it", first, n, maxColumnsTogether)
	}
	out := make(map[int]*SeriesColumns, len(runs))
	var (
		run                 int
		key                 string
		count, scale        int64
		last, least, most   sql.NullFloat64
		lastStep, lastTime  int64
		leastStep, mostStep int64
	)
	into := []any{&key, &count, &scale, &last, &lastStep, &lastTime, &least, &leastStep, &most, &mostStep, &run}
	const columns = "key, count, step_scale, last_value, last_step, last_time, min_value, min_step, max_value, max_step, run_id"
	err := store.EachSeriesPage(ctx, s.db, columns, runs, prefix, after, first+1, func(rows *sql.Rows) error {
		if err := rows.Scan(into...); err != nil {
			return fmt.Errorf("scan series: %w", err)
		}
		c := out[run]
		if c == nil {
			c = &SeriesColumns{}
			out[run] = c
		}
		if c.HasNext = len(c.Keys) == first; c.HasNext {
			return nil
		}
		c.Keys = append(c.Keys, key)
		c.Counts, c.StepScales = append(c.Counts, count), append(c.StepScales, scale)
		c.LastValues, c.LastSteps, c.LastTimes = append(c.LastValues, orNaN(last)), append(c.LastSteps, lastStep), append(c.LastTimes, lastTime)
		c.MinValues, c.MinSteps = append(c.MinValues, orNaN(least)), append(c.MinSteps, leastStep)
		c.MaxValues, c.MaxSteps = append(c.MaxValues, orNaN(most)), append(c.MaxSteps, mostStep)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the columns of metrics: %w", err)
	}
	return out, nil
}

// orNaN reads a value as the database has it, where NULL is NaN, which SQLite does not have.
func orNaN(v sql.NullFloat64) float64 {
	if !v.Valid {
		return math.NaN()
	}
	return v.Float64
}
