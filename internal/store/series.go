package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// SeriesRow is a row of metric_series (ent/schema/metric.go says what the columns mean).
type SeriesRow struct {
	ID, RunID, ExperimentID int
	Key, Role               string
	StepScale               int8
	Count, NaNCount         int64
	FirstValue, LastValue   sql.NullFloat64 // not valid: NaN
	FirstStep, FirstTime    int64
	LastStep, LastTime      int64
	MinValue, MaxValue      sql.NullFloat64 // not valid: all points are NaN
	MinStep, MaxStep        int64
	Provisional             bool
}

const seriesColumns = "run_id, experiment_id, key, role, step_scale, count, nan_count, first_value, first_nan, first_step, " +
	"first_time, last_value, last_nan, last_step, last_time, min_value, min_step, max_value, max_step, provisional"

const seriesColumnCount = 20

const seriesConflict = " ON CONFLICT (run_id, key) DO UPDATE SET role = excluded.role, step_scale = excluded.step_scale, " +
	"count = excluded.count, nan_count = excluded.nan_count, first_value = excluded.first_value, first_nan = excluded.first_nan, " +
	"first_step = excluded.first_step, first_time = excluded.first_time, last_value = excluded.last_value, " +
	"last_nan = excluded.last_nan, last_step = excluded.last_step, last_time = excluded.last_time, " +
	"min_value = excluded.min_value, min_step = excluded.min_step, max_value = excluded.max_value, max_step = excluded.max_step, " +
	"provisional = excluded.provisional"

func (r *SeriesRow) args(args []any) []any {
	return append(args, r.RunID, r.ExperimentID, r.Key, r.Role, r.StepScale, r.Count, r.NaNCount,
		r.FirstValue, !r.FirstValue.Valid, r.FirstStep, r.FirstTime,
		r.LastValue, !r.LastValue.Valid, r.LastStep, r.LastTime,
		r.MinValue, r.MinStep, r.MaxValue, r.MaxStep, r.Provisional)
}

// LoadSeries reads the series rows of a run for some keys.
func LoadSeries(ctx context.Context, q Querier, runID int, keys []string) ([]SeriesRow, error) {
	var out []SeriesRow
	for _, part := range Parts(keys) {
		err := EachRow(ctx, q, "SELECT id, "+seriesColumns+" FROM metric_series WHERE run_id = ? AND key IN "+In(len(part)),
			Args([]any{runID}, part), func(rows *sql.Rows) error {
				r, err := scanSeries(rows)
				out = append(out, r)
				return err
			})
		if err != nil {
			return nil, fmt.Errorf("load series: %w", err)
		}
	}
	return out, nil
}

func scanSeries(rows *sql.Rows) (r SeriesRow, err error) {
	var firstNaN, lastNaN bool // NULL says so too
	err = rows.Scan(&r.ID, &r.RunID, &r.ExperimentID, &r.Key, &r.Role, &r.StepScale, &r.Count, &r.NaNCount,
		&r.FirstValue, &firstNaN, &r.FirstStep, &r.FirstTime,
		&r.LastValue, &lastNaN, &r.LastStep, &r.LastTime,
		&r.MinValue, &r.MinStep, &r.MaxValue, &r.MaxStep, &r.Provisional)
	if err != nil {
		return SeriesRow{}, fmt.Errorf("scan series: %w", err)
	}
	return r, nil
}

// seriesPerInsert keeps an insert below PostgreSQL's bound of 65,535 parameters.
const seriesPerInsert = 1000

// UpsertSeries writes series rows. The caller gives them in the order of their keys, so that transactions lock rows in one
// order. PostgreSQL gets as few round trips as it can; SQLite has none to save, and a statement that stays prepared.
func UpsertSeries(ctx context.Context, tx *Tx, rows []SeriesRow) error {
	per := 1
	if tx.db.Postgres() {
		per = seriesPerInsert
	}
	tuple := In(seriesColumnCount)
	args := make([]any, 0, seriesColumnCount*min(per, len(rows)))
	for len(rows) > 0 {
		n := min(per, len(rows))
		args = args[:0]
		for i := range rows[:n] {
			args = rows[i].args(args)
		}
		query := "INSERT INTO metric_series (" + seriesColumns + ") VALUES " +
			strings.Repeat(tuple+", ", n-1) + tuple + seriesConflict
		if _, err := tx.ExecContext(ctx, query, args...); err != nil {
			return fmt.Errorf("store series: %w", err)
		}
		rows = rows[n:]
	}
	return nil
}

// SeriesHead is what readers of points need of a series' row.
type SeriesHead struct {
	ID, RunPK int
	Key       string
	StepScale int8
	Count     int64
}

// EachSeriesHead calls fn for the series of some runs: those of the given keys, or all (nil), in the order of their ids
// within each run.
func EachSeriesHead(ctx context.Context, q Querier, runPKs []int, keys []string, fn func(SeriesHead) error) error {
	scan := func(rows *sql.Rows) error {
		var s SeriesHead
		if err := rows.Scan(&s.ID, &s.RunPK, &s.Key, &s.StepScale, &s.Count); err != nil {
			return fmt.Errorf("scan series: %w", err)
		}
		return fn(s)
	}
	keyParts := Parts(keys)
	if keys == nil {
		keyParts = [][]string{nil}
	}
	for _, runs := range Parts(runPKs) {
		for _, part := range keyParts {
			query, args := "SELECT id, run_id, key, step_scale, count FROM metric_series WHERE run_id IN "+In(len(runs)), Args(nil, runs)
			if part != nil {
				query, args = query+" AND key IN "+In(len(part)), Args(args, part)
			}
			if err := EachRow(ctx, q, query, args, scan); err != nil {
				return fmt.Errorf("read series: %w", err)
			}
		}
	}
	return nil
}
