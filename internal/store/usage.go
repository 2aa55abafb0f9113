package store

import (
	"context"
	"database/sql"
	"fmt"
	"os"
)

// Size is how much disk a database takes, in bytes.
type Size struct {
	// Total is the whole database, with its indexes and with what is free in it.
	Total int64 `json:"total"`
	// Free is what a SQLite file has for rows to come. PostgreSQL does not tell.
	Free int64 `json:"free"`
	// Log is SQLite's write-ahead log beside the file.
	Log int64 `json:"log"`
}

// Size asks the database's catalog for its size.
func (i *Inspection) Size(ctx context.Context) (s Size, err error) {
	path := i.path
	if path == "" && !i.db.Postgres() { // of a database that was open already
		if err := i.row(ctx, "SELECT file FROM pragma_database_list WHERE name = 'main'", nil, &path); err != nil {
			return Size{}, fmt.Errorf("find the database's file: %w", err)
		}
	}
	query := "SELECT page_count * page_size, freelist_count * page_size FROM pragma_page_count, pragma_page_size, pragma_freelist_count"
	if i.db.Postgres() {
		query = "SELECT pg_database_size(current_database()), 0"
	} else if log, missing := os.Stat(path + "-wal"); missing == nil {
		s.Log = log.Size()
	}
	if err := i.row(ctx, query, nil, &s.Total, &s.Free); err != nil {
		return Size{}, fmt.Errorf("read the database's size: %w", err)
	}
	return s, nil
}

// TableSizes gives the bytes that some tables take, each with its indexes. PostgreSQL knows them; of SQLite the pages of all
// tables are gone through, which ctx may end.
func (i *Inspection) TableSizes(ctx context.Context, tables []string) (map[string]int64, error) {
	query := "SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE oid IN (SELECT to_regclass(n) FROM unnest(?::text[]) n)"
	args := []any{postgresArray(tables)}
	if !i.db.Postgres() {
		query = "SELECT s.tbl_name, SUM(d.pgsize) FROM sqlite_schema s JOIN dbstat d ON d.name = s.name WHERE d.aggregate = TRUE AND s.tbl_name IN " +
			In(len(tables)) + " GROUP BY s.tbl_name"
		args = Args(nil, tables)
	}
	sizes := make(map[string]int64, len(tables))
	err := EachRow(ctx, i.Read(), query, args, func(rows *sql.Rows) error {
		var table string
		var size int64
		err := rows.Scan(&table, &size)
		sizes[table] = size
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the tables' sizes: %w", err)
	}
	return sizes, nil
}

// RunCounts says how many runs there are, and how many of them are deleted.
type RunCounts struct{ All, Deleted int64 }

// CountRuns counts runs.
func CountRuns(ctx context.Context, q Querier) (RunCounts, error) {
	var c RunCounts
	err := EachRow(ctx, q, "SELECT lifecycle_stage, COUNT(*) FROM runs GROUP BY lifecycle_stage", nil, func(rows *sql.Rows) error {
		var stage string
		var n int64
		err := rows.Scan(&stage, &n)
		c.All += n
		if stage == "deleted" {
			c.Deleted = n
		}
		return err
	})
	if err != nil {
		return RunCounts{}, fmt.Errorf("count runs: %w", err)
	}
	return c, nil
}

// PointCounts says how many series there are, and how many points they have.
type PointCounts struct{ Series, Points int64 }

// CountPoints counts series and points by the series' rows, all of which it goes through: ctx may end it.
func CountPoints(ctx context.Context, q Querier) (c PointCounts, err error) {
	err = EachRow(ctx, q, "SELECT COUNT(*), CAST(COALESCE(SUM(count), 0) AS bigint) FROM metric_series", nil, func(rows *sql.Rows) error {
		return rows.Scan(&c.Series, &c.Points)
	})
	if err != nil {
		return PointCounts{}, fmt.Errorf("count points: %w", err)
	}
	return c, nil
}

// sampledRanges and sampledRows are how many ranges of ids, of at most how many ids, tell how dense a table is.
const (
	sampledRanges = 256
	sampledRows   = 256
)

// EstimateSeries tells about how many series there are: as PostgreSQL believes, or as ranges of SQLite's row ids show.
func (i *Inspection) EstimateSeries(ctx context.Context) (int64, error) {
	var n int64
	if i.db.Postgres() {
		err := i.row(ctx, "SELECT GREATEST(reltuples, 0)::bigint FROM pg_class WHERE oid = 'metric_series'::regclass", nil, &n)
		return n, err
	}
	var first, last int64
	if err := i.row(ctx, "SELECT COALESCE(MIN(id), 0), COALESCE((SELECT MAX(id) FROM metric_series), -1) FROM metric_series", nil, &first, &last); err != nil {
		return 0, err
	}
	all := last - first + 1
	stride := max(all/sampledRanges, sampledRows)
	seen := int64(0)
	for at := first; at <= last; at += stride {
		if err := i.row(ctx, "SELECT COUNT(*) FROM metric_series WHERE id BETWEEN ? AND ?", []any{at, min(at+sampledRows-1, last)}, &n); err != nil {
			return 0, err
		}
		seen += n
	}
	return seen * stride / sampledRows, nil
}

// Backlog are the batches that are not folded into chunks yet.
type Backlog struct {
	Batches, Points int64
	// Oldest is when the oldest of them was stored, in Unix milliseconds; nil when there is none.
	Oldest *int64
}

// CountBacklog counts batches, without a look at their payloads.
func CountBacklog(ctx context.Context, q Querier) (b Backlog, err error) {
	err = EachRow(ctx, q, "SELECT COUNT(*), CAST(COALESCE(SUM(points), 0) AS bigint), MIN(created_at) FROM metric_batches", nil, func(rows *sql.Rows) error {
		return rows.Scan(&b.Batches, &b.Points, &b.Oldest)
	})
	if err != nil {
		return Backlog{}, fmt.Errorf("count batches: %w", err)
	}
	return b, nil
}

// CountFolded counts full chunks, and the points in tails.
func CountFolded(ctx context.Context, q Querier) (chunks, tailPoints int64, err error) {
	err = EachRow(ctx, q, "SELECT (SELECT COUNT(*) FROM metric_chunks), CAST(COALESCE(SUM(points), 0) AS bigint) FROM metric_tails", nil,
		func(rows *sql.Rows) error { return rows.Scan(&chunks, &tailPoints) })
	if err != nil {
		return 0, 0, fmt.Errorf("count chunks and tails: %w", err)
	}
	return chunks, tailPoints, nil
}

// HeldLease is a lease and until when its owner has it, in Unix milliseconds.
type HeldLease struct {
	Name, Owner string
	Expires     int64
}

// HeldLeases gives the leases whose names begin with a prefix and that are held now. On SQLite there are none, since only one
// process works there.
func HeldLeases(ctx context.Context, q Querier, prefix string, now int64) ([]HeldLease, error) {
	var out []HeldLease
	err := EachRow(ctx, q, "SELECT name, owner, expires_at FROM leases WHERE name >= ? AND name < ? AND expires_at > ? ORDER BY name",
		[]any{prefix, prefix + lastText, now}, func(rows *sql.Rows) error {
			var l HeldLease
			err := rows.Scan(&l.Name, &l.Owner, &l.Expires)
			out = append(out, l)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("list leases: %w", err)
	}
	return out, nil
}
