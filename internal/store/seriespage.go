package store

import (
	"context"
	"database/sql"
	"fmt"
	"unicode/utf8"
)

// lastText is the greatest text by bytes among those that begin with the same.
const lastText = "\U0010FFFF"

// seriesBelow selects from the series of runs those whose key begins with a prefix. Keys are compared by their bytes: the
// column is so collated on PostgreSQL.
func seriesBelow(db *DB, runs []int, prefix string) (condition string, args []any) {
	condition, arg := AnyOf(db, "run_id", runs)
	args = []any{arg}
	if prefix != "" {
		condition += " AND key >= ? AND key < ?"
		args = append(args, prefix, prefix+lastText)
	}
	return condition, args
}

// EachSeriesPage calls scan for the first limit series of each run by key, whose key begins with prefix and comes after a
// key. columns end with run_id.
func EachSeriesPage(ctx context.Context, db *DB, columns string, runs []int, prefix, after string, limit int, scan func(*sql.Rows) error) error {
	condition, args := seriesBelow(db, runs, prefix)
	if after != "" {
		condition, args = condition+" AND key > ?", append(args, after)
	}
	if len(runs) == 1 {
		return EachRow(ctx, db.Read(), "SELECT "+columns+" FROM metric_series WHERE "+condition+" ORDER BY key LIMIT ?", append(args, limit), scan)
	}
	return EachRow(ctx, db.Read(), "SELECT "+columns+" FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY run_id ORDER BY key) AS place "+
		"FROM metric_series WHERE "+condition+") numbered WHERE place <= ? ORDER BY run_id, key", append(args, limit), scan)
}

// CountSeries counts the series of each run whose key begins with prefix.
func CountSeries(ctx context.Context, db *DB, runs []int, prefix string) (map[int]int, error) {
	condition, args := seriesBelow(db, runs, prefix)
	out := make(map[int]int, len(runs))
	err := EachRow(ctx, db.Read(), "SELECT run_id, COUNT(*) FROM metric_series WHERE "+condition+" GROUP BY run_id", args, func(rows *sql.Rows) error {
		var run, n int
		err := rows.Scan(&run, &n)
		out[run] = n
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("count series: %w", err)
	}
	return out, nil
}

// EachSeriesGroup calls fn for what lies directly below a prefix in each run: series, and folders, which end with the first
// slash behind the prefix, with the number of series in them.
func EachSeriesGroup(ctx context.Context, db *DB, runs []int, prefix string, fn func(run int, name string, series int, folder bool) error) error {
	position := "instr"
	if db.Postgres() {
		position = "strpos"
	}
	condition, args := seriesBelow(db, runs, prefix)
	begin := utf8.RuneCountInString(prefix)
	query := "SELECT run_id, CASE WHEN slash > 0 THEN substr(key, 1, ? + slash) ELSE key END AS name, COUNT(*), MAX(slash) FROM (" +
		"SELECT run_id, key, " + position + "(substr(key, ?), '/') AS slash FROM metric_series WHERE " + condition + ") keys " +
		"GROUP BY run_id, name ORDER BY run_id, name"
	return EachRow(ctx, db.Read(), query, append([]any{begin, begin + 1}, args...), func(rows *sql.Rows) error {
		var run, series, slash int
		var name string
		if err := rows.Scan(&run, &name, &series, &slash); err != nil {
			return fmt.Errorf("scan group: %w", err)
		}
		return fn(run, name, series, slash > 0)
	})
}
