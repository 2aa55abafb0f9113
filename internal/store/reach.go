package store

import (
	"context"
	"errors"
	"fmt"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/cairnml/cairn/internal/errs"
)

// Ping asks PostgreSQL for an answer, on a connection of its own, which no slow query keeps busy. Unavailable says that there was
// none. A SQLite file is always there.
func (db *DB) Ping(ctx context.Context) error {
	if !db.Postgres() {
		return nil
	}
	var one int
	if err := db.ping.QueryRowContext(ctx, "SELECT 1").Scan(&one); err != nil {
		return &errs.Error{Kind: errs.Unavailable, Message: "the database does not answer", Cause: err}
	}
	return nil
}

// describeRead hides a lost database from the user and says what to do. What failed because ctx ended stays as it is.
func describeRead(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil || !unreachable(err) {
		return err
	}
	var designed *errs.Error
	if errors.As(err, &designed) {
		return err
	}
	return errs.Wrap(errs.Unavailable, err, "the database cannot be reached; try again")
}

// Query is what Ent reads with. It describes also what fails when the query was answered already, and its rows are read.
func (d *connDriver) Query(ctx context.Context, query string, args, v any) error {
	if err := d.Conn.Query(ctx, query, args, v); err != nil {
		return describeRead(ctx, fmt.Errorf("query: %w", err))
	}
	if rows, ok := v.(*entsql.Rows); ok {
		rows.ColumnScanner = described{rows.ColumnScanner, ctx}
	}
	return nil
}

type described struct {
	entsql.ColumnScanner
	ctx context.Context //nolint:containedctx // of the query, as long as its rows
}

func (d described) Err() error { return describeRead(d.ctx, d.ColumnScanner.Err()) }
