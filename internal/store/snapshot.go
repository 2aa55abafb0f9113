package store

import (
	"context"
	"database/sql"
	"fmt"
)

// Snapshot runs fn with a view of the database as it stands at fn's first query: whatever is committed meanwhile, several
// queries agree with each other.
func (r *Reader) Snapshot(ctx context.Context, fn func(Querier) error) error {
	options := &sql.TxOptions{ReadOnly: true}
	if r.db.Postgres() {
		options.Isolation = sql.LevelRepeatableRead
	}
	tx, err := r.db.read.BeginTx(ctx, options)
	if err != nil {
		return describeRead(ctx, fmt.Errorf("begin to read: %w", err))
	}
	err = describeRead(ctx, fn(snapshot{r, tx}))
	// Nothing was written, so there is nothing that a failed end could lose; the pool drops a broken connection.
	if end := tx.Rollback(); end != nil && err == nil && ctx.Err() == nil {
		r.db.log.Debug("end of a snapshot", "error", end)
	}
	return err
}

// Thoroughly runs fn with what is for queries that look at many rows: PostgreSQL does not compile them first, which it would
// do at a cost that it estimates, and which mostly takes longer than the query.
func (r *Reader) Thoroughly(ctx context.Context, fn func(Querier) error) error {
	if !r.db.Postgres() {
		return fn(r)
	}
	return r.Snapshot(ctx, func(q Querier) error {
		if err := EachRow(ctx, q, "SELECT set_config('jit', 'off', true)", nil, func(*sql.Rows) error { return nil }); err != nil {
			return err
		}
		return fn(q)
	})
}

type snapshot struct {
	r  *Reader
	tx *sql.Tx
}

func (s snapshot) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if s.r.onQuery != nil {
		s.r.onQuery(query, args)
	}
	return s.tx.QueryContext(ctx, s.r.db.Rebind(query), args...) //nolint:wrapcheck // as database/sql's own methods give it
}
