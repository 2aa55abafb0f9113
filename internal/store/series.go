package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/lib/pq"
)

// SeriesRow is a row of metric_series (ent/schema/metric.go says what the columns mean).
type SeriesRow struct {
	ID, RunID, ExperimentID int
	Key                     string
	// Role is left as it is by UpdateSeries where it is empty.
	Role                  string
	StepScale             int8
	Count, NaNCount       int64
	FirstValue, LastValue sql.NullFloat64 // not valid: NaN
	FirstStep, FirstTime  int64
	LastStep, LastTime    int64
	MinValue, MaxValue    sql.NullFloat64 // not valid: all points are NaN
	MinStep, MaxStep      int64
	Provisional           bool
}

// SeriesChange says how much of a series' row changed.
type SeriesChange uint8

// Each has what is before it too.
const (
	// SeriesLast: the count and the last point.
	SeriesLast SeriesChange = iota + 1
	// SeriesExtremes: also the minimum, the maximum and the count of NaN.
	SeriesExtremes
	// SeriesAll: any column but the run, the experiment and the key.
	SeriesAll
)

const seriesColumns = "run_id, experiment_id, key, role, step_scale, count, nan_count, first_value, first_nan, first_step, " +
	"first_time, last_value, last_nan, last_step, last_time, min_value, min_step, max_value, max_step, provisional"

const seriesColumnCount = 20

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
	if err = rows.Scan(r.into(&firstNaN, &lastNaN)...); err != nil {
		return SeriesRow{}, fmt.Errorf("scan series: %w", err)
	}
	return r, nil
}

// into gives what "id, " and seriesColumns are scanned into.
func (r *SeriesRow) into(firstNaN, lastNaN any) []any {
	return []any{&r.ID, &r.RunID, &r.ExperimentID, &r.Key, &r.Role, &r.StepScale, &r.Count, &r.NaNCount,
		&r.FirstValue, firstNaN, &r.FirstStep, &r.FirstTime,
		&r.LastValue, lastNaN, &r.LastStep, &r.LastTime,
		&r.MinValue, &r.MinStep, &r.MaxValue, &r.MaxStep, &r.Provisional}
}

// seriesPerInsert are the numbers of rows that one statement inserts, below SQLite's bound of 32,766 parameters. They are
// few, so that SQLite's statements stay prepared.
var seriesPerInsert = [...]int{1000, 100, 10, 1}

// InsertSeries makes series rows that are not there, and notes their ids in them. The transaction holds the runs' locks.
func InsertSeries(ctx context.Context, tx *Tx, rows []*SeriesRow) error {
	type name struct {
		run int
		key string
	}
	made := make(map[name]*SeriesRow, len(rows))
	args := make([]any, 0, seriesColumnCount*min(seriesPerInsert[0], len(rows)))
	for len(rows) > 0 {
		n := seriesPerInsert[slices.IndexFunc(seriesPerInsert[:], func(n int) bool { return n <= len(rows) })]
		if tx.db.Postgres() {
			n = min(seriesPerInsert[0], len(rows))
		}
		args = args[:0]
		for _, r := range rows[:n] {
			args = r.args(args)
			made[name{r.RunID, r.Key}] = r
		}
		rows = rows[n:]
		tx.wrote = true
		err := EachRow(ctx, tx, "INSERT INTO metric_series ("+seriesColumns+") VALUES "+Tuples(n, seriesColumnCount)+
			" RETURNING id, run_id, key", args, func(found *sql.Rows) error {
			var id int
			var of name
			if err := found.Scan(&id, &of.run, &of.key); err != nil {
				return err //nolint:wrapcheck // wrapped below
			}
			if r := made[of]; r != nil {
				r.ID = id
			}
			return nil
		})
		if err != nil {
			tx.failed = true
			return fmt.Errorf("store series: %w", err)
		}
	}
	return nil
}

// UpdateSeries writes series rows that are there. Those of one call changed as much.
func UpdateSeries(ctx context.Context, tx *Tx, rows []*SeriesRow, change SeriesChange) error {
	if len(rows) == 0 {
		return nil
	}
	if tx.db.Postgres() {
		return updateSeriesPostgres(ctx, tx, rows, change)
	}
	query := "UPDATE metric_series SET count = ?, last_value = ?, last_nan = ?, last_step = ?, last_time = ?"
	if change >= SeriesExtremes {
		query += ", nan_count = ?, min_value = ?, min_step = ?, max_value = ?, max_step = ?"
	}
	if change >= SeriesAll {
		query += ", role = COALESCE(NULLIF(?, ''), role), step_scale = ?, first_value = ?, first_nan = ?, first_step = ?, first_time = ?, provisional = ?"
	}
	query += " WHERE id = ?"
	args := make([]any, 0, seriesColumnCount)
	for _, r := range rows {
		args = append(args[:0], r.Count, r.LastValue, !r.LastValue.Valid, r.LastStep, r.LastTime)
		if change >= SeriesExtremes {
			args = append(args, r.NaNCount, r.MinValue, r.MinStep, r.MaxValue, r.MaxStep)
		}
		if change >= SeriesAll {
			args = append(args, r.Role, r.StepScale, r.FirstValue, !r.FirstValue.Valid, r.FirstStep, r.FirstTime, r.Provisional)
		}
		if _, err := tx.ExecContext(ctx, query, append(args, r.ID)...); err != nil {
			return fmt.Errorf("store series: %w", err)
		}
	}
	return nil
}

// updateSeriesPostgres writes all rows in one statement: a column is an array.
func updateSeriesPostgres(ctx context.Context, tx *Tx, rows []*SeriesRow, change SeriesChange) error {
	var from, set []byte
	var args []any
	array := func(typ string, values any) {
		if len(args) > 0 {
			from = append(from, ", "...)
		}
		from = append(from, "?::"+typ+"[]"...)
		args = append(args, values)
	}
	column := func(name, typ string, values any) {
		array(typ, values)
		set = append(set, name+" = v."+name+", "...)
	}
	names := "id, count, last_value, last_step, last_time"
	array("bigint", integers(rows, func(r *SeriesRow) int64 { return int64(r.ID) }))
	column("count", "bigint", integers(rows, func(r *SeriesRow) int64 { return r.Count }))
	column("last_value", "double precision", doubles(rows, func(r *SeriesRow) sql.NullFloat64 { return r.LastValue }))
	column("last_step", "bigint", integers(rows, func(r *SeriesRow) int64 { return r.LastStep }))
	column("last_time", "bigint", integers(rows, func(r *SeriesRow) int64 { return r.LastTime }))
	if change >= SeriesExtremes {
		names += ", nan_count, min_value, min_step, max_value, max_step"
		column("nan_count", "bigint", integers(rows, func(r *SeriesRow) int64 { return r.NaNCount }))
		column("min_value", "double precision", doubles(rows, func(r *SeriesRow) sql.NullFloat64 { return r.MinValue }))
		column("min_step", "bigint", integers(rows, func(r *SeriesRow) int64 { return r.MinStep }))
		column("max_value", "double precision", doubles(rows, func(r *SeriesRow) sql.NullFloat64 { return r.MaxValue }))
		column("max_step", "bigint", integers(rows, func(r *SeriesRow) int64 { return r.MaxStep }))
	}
	if change >= SeriesAll {
		names += ", role, step_scale, first_value, first_step, first_time, provisional"
		roles, provisional := make(pq.StringArray, len(rows)), make(pq.BoolArray, len(rows))
		for i, r := range rows {
			roles[i], provisional[i] = r.Role, r.Provisional
		}
		array("text", roles)
		column("step_scale", "smallint", integers(rows, func(r *SeriesRow) int64 { return int64(r.StepScale) }))
		column("first_value", "double precision", doubles(rows, func(r *SeriesRow) sql.NullFloat64 { return r.FirstValue }))
		column("first_step", "bigint", integers(rows, func(r *SeriesRow) int64 { return r.FirstStep }))
		column("first_time", "bigint", integers(rows, func(r *SeriesRow) int64 { return r.FirstTime }))
		column("provisional", "boolean", provisional)
		set = append(set, "first_nan = v.first_value IS NULL, role = COALESCE(NULLIF(v.role, ''), s.role), "...)
	}
	if _, err := tx.ExecContext(ctx, "UPDATE metric_series s SET "+string(set)+"last_nan = v.last_value IS NULL FROM unnest("+
		string(from)+") AS v ("+names+") WHERE s.id = v.id", args...); err != nil {
		return fmt.Errorf("store series: %w", err)
	}
	return nil
}

// SeriesHead is what readers of points need of a series' row.
type SeriesHead struct {
	ID, RunPK int
	Key       string
	StepScale int8
	Count     int64
	// Provisional: it has an adapter's points, which give way to the user's own as soon as there are some.
	Provisional bool
}

// EachSeriesHead calls fn for the series of some runs: those of the given keys, or all (nil), in the order of their ids
// within each run.
func EachSeriesHead(ctx context.Context, q Querier, runPKs []int, keys []string, fn func(SeriesHead) error) error {
	scan := func(rows *sql.Rows) error {
		var s SeriesHead
		if err := rows.Scan(&s.ID, &s.RunPK, &s.Key, &s.StepScale, &s.Count, &s.Provisional); err != nil {
			return fmt.Errorf("scan series: %w", err)
		}
		return fn(s)
	}
	keys = known(keys)
	if len(keys) > maxIn { // what is named twice may come to stand in two parts
		keys = slices.Compact(slices.Sorted(slices.Values(keys)))
	}
	keyParts := Parts(keys)
	if keys == nil {
		keyParts = [][]string{nil}
	}
	for _, runs := range Parts(runPKs) {
		for _, part := range keyParts {
			query, args := "SELECT id, run_id, key, step_scale, count, provisional FROM metric_series WHERE run_id IN "+In(len(runs)), Args(nil, runs)
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
