package store

import (
	"context"
	"database/sql"
	"fmt"
	"unicode/utf8"
)

// lastText is the greatest text by bytes among those that begin with the same.
const lastText = "\U0010FFFF"

// RunIn is AnyOf of runs. One run is compared as such: only then does PostgreSQL read an index of runs and keys in its order.
func RunIn(db *DB, runs []int) (condition string, arg any) {
	if len(runs) == 1 {
		return "run_id = ?", runs[0]
	}
	return AnyOf(db, "run_id", runs)
}

// seriesBelow selects from the series of runs those whose key begins with a prefix. Keys are compared by their bytes: the
// column is so collated on PostgreSQL.
func seriesBelow(db *DB, runs []int, prefix string) (condition string, args []any) {
	condition, arg := RunIn(db, runs)
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

// EachSeriesGroup calls fn for the first limit of what lies directly below a prefix in each run: series, and folders, which end
// with the first slash behind the prefix, with the number of series in them.
func EachSeriesGroup(ctx context.Context, db *DB, runs []int, prefix string, limit int, fn func(run int, name string, series int, folder bool) error) error {
	query, args := groupsOfMany(db, runs, prefix, limit)
	if len(runs) == 1 {
		query, args = groupsOfOne(db, runs[0], prefix, limit)
	}
	return EachRow(ctx, db.Read(), query, args, func(rows *sql.Rows) error {
		var run, series, slash int
		var name string
		if err := rows.Scan(&run, &name, &series, &slash); err != nil {
			return fmt.Errorf("scan group: %w", err)
		}
		return fn(run, name, series, slash > 0)
	})
}

// slashBehind gives the expressions of the place of the first slash in a key behind so many characters, 0 where there is none, and
// of the group's name.
func slashBehind(db *DB, key string, begin int) (slash, name string) {
	position := "instr"
	if db.Postgres() {
		position = "strpos"
	}
	slash = fmt.Sprintf("%s(substr(%s, %d), '/')", position, key, begin+1)
	return slash, fmt.Sprintf("CASE WHEN %s > 0 THEN substr(%s, 1, %d + %[1]s) ELSE %[2]s END", slash, key, begin)
}

// groupsOfMany reads all keys of some runs.
func groupsOfMany(db *DB, runs []int, prefix string, limit int) (query string, args []any) {
	condition, args := seriesBelow(db, runs, prefix)
	slash, name := slashBehind(db, "key", utf8.RuneCountInString(prefix))
	return "SELECT run_id, name, series, slash FROM (SELECT run_id, name, COUNT(*) AS series, MAX(slash) AS slash, " +
		"ROW_NUMBER() OVER (PARTITION BY run_id ORDER BY name) AS place FROM (SELECT run_id, " + name + " AS name, " + slash + " AS slash " +
		"FROM metric_series WHERE " + condition + ") keys GROUP BY run_id, name) numbered WHERE place <= ? ORDER BY run_id, name", append(args, limit)
}

// groupsOfOne goes from group to group through the index of a run's keys: of a folder it reads the first key, and counts the rest,
// which takes no look at the rows; and it ends with the last group that is asked for. Behind the folder "a/" comes what is not
// before "a0", and behind the key "a" what is not before "a\x01".
func groupsOfOne(db *DB, run int, prefix string, limit int) (query string, args []any) {
	char := "char(1)"
	if db.Postgres() {
		char = "chr(1)"
	}
	begin := utf8.RuneCountInString(prefix)
	slash, _ := slashBehind(db, "g.key", begin)
	folder := fmt.Sprintf("substr(g.key, 1, %d + %s", begin, slash) // one bracket is open
	next := "CASE WHEN " + slash + " > 0 THEN " + folder + " - 1) || '0' ELSE g.key || " + char + " END"
	end := ""
	if prefix != "" {
		end = " AND s.key < ?"
	}
	key := func(from string) string {
		return "SELECT s.key FROM metric_series s WHERE s.run_id = ? AND s.key >= " + from + end + " ORDER BY s.key LIMIT 1"
	}
	query = "WITH RECURSIVE g(key) AS (SELECT key FROM (" + key("?") + ") first UNION ALL SELECT (" + key(next) + ") FROM g WHERE g.key IS NOT NULL) " +
		"SELECT CAST(? AS bigint), CASE WHEN " + slash + " > 0 THEN " + folder + ") ELSE g.key END, " +
		"CASE WHEN " + slash + " > 0 THEN (SELECT COUNT(*) FROM metric_series s WHERE s.run_id = ? AND s.key >= " + folder + ") AND s.key < " + next +
		") ELSE 1 END, " + slash + " FROM g WHERE g.key IS NOT NULL LIMIT ?"
	args = []any{run, prefix}
	if prefix != "" {
		args = append(args, prefix+lastText)
	}
	args = append(args, run)
	if prefix != "" {
		args = append(args, prefix+lastText)
	}
	return query, append(args, run, run, limit)
}
