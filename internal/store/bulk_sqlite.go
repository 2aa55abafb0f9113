package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
)

// deferredIndexes is the table in which a load into an empty SQLite database keeps the indexes that it dropped. It is made
// with them gone and is dropped when they are back, so that Open can build them where a load was cut short.
const deferredIndexes = "deferred_indexes"

// deferSQLite drops the indexes that take rows in no order: to build one of 30 million rows at the end takes a minute, to
// keep it meanwhile takes hours. Unique ones stay: their rows come in order, and a load that is cut short stays right.
func deferSQLite(ctx context.Context, tx *Tx) error {
	var names []string
	for _, t := range bulkTables {
		if t.name != BulkRuns.name { // few rows
			names = append(names, t.name)
		}
	}
	type index struct{ name, statement string }
	var found []index
	err := EachRow(ctx, tx, "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql LIKE 'CREATE INDEX%' AND tbl_name IN "+
		In(len(names)), Args(nil, names), func(rows *sql.Rows) error {
		var i index
		err := rows.Scan(&i.name, &i.statement)
		found = append(found, i)
		return err
	})
	if err != nil {
		return fmt.Errorf("list indexes: %w", err)
	}
	if _, err := tx.ExecContext(ctx, "CREATE TABLE "+deferredIndexes+" (statement text NOT NULL)"); err != nil {
		return fmt.Errorf("note indexes: %w", err)
	}
	for _, i := range found {
		if _, err := tx.ExecContext(ctx, "INSERT INTO "+deferredIndexes+" (statement) VALUES (?)", i.statement); err != nil {
			return fmt.Errorf("note indexes: %w", err)
		}
		if _, err := tx.ExecContext(ctx, "DROP INDEX `"+i.name+"`"); err != nil {
			return fmt.Errorf("drop index: %w", err)
		}
	}
	return nil
}

// restoreIndexes builds the indexes that a load dropped and did not come to build.
func restoreIndexes(ctx context.Context, db *DB, path string) (err error) {
	var noted bool
	if err := db.write.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = '"+deferredIndexes+"')").
		Scan(&noted); err != nil || !noted {
		return err //nolint:wrapcheck // described by the caller
	}
	db.log.Info("building the indexes that a load left for the end")
	pool, err := sql.Open("sqlite", sqliteDSN(path, loading))
	if err != nil {
		return fmt.Errorf("open sqlite: %w", err)
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	conn, err := newSQLiteConn(ctx, &DB{write: pool})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	return buildIndexes(ctx, conn)
}

// buildIndexes builds what a load dropped, each index in a transaction, so that it may be cut short too.
func buildIndexes(ctx context.Context, conn writeConn) error {
	statements, err := scanColumn[string](ctx, conn, "SELECT statement FROM "+deferredIndexes)
	if err != nil {
		return err
	}
	for _, create := range statements {
		if err := inTransaction(ctx, conn, create, "DELETE FROM "+deferredIndexes+" WHERE statement = ?", create); err != nil {
			return err
		}
	}
	return inTransaction(ctx, conn, "DROP TABLE "+deferredIndexes, "SELECT 1")
}

// inTransaction runs a statement, and another with its arguments.
func inTransaction(ctx context.Context, conn writeConn, first, second string, args ...any) error {
	if err := conn.begin(ctx); err != nil {
		return err
	}
	_, err := conn.ExecContext(ctx, first)
	if err == nil {
		_, err = conn.ExecContext(ctx, second, args...)
	}
	if err == nil {
		err = conn.commit(ctx, false)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("build the indexes that a load left for the end: %w", err), conn.rollback(context.WithoutCancel(ctx)))
	}
	return nil
}

// valuesPerInsert is how many values one statement takes: beyond it, nothing is gained.
const valuesPerInsert = 2000

func insertRows(ctx context.Context, tx *Tx, table Table, rows [][]any) error {
	insert := func(rows [][]any) error {
		query := "INSERT INTO " + table.name + " (" + table.columns + ") VALUES " + Tuples(len(rows), table.width)
		if _, err := tx.ExecContext(ctx, query, slices.Concat(rows...)...); err != nil {
			return fmt.Errorf("insert: %w", err)
		}
		return nil
	}
	per := valuesPerInsert / table.width
	for len(rows) >= per {
		if err := insert(rows[:per]); err != nil {
			return err
		}
		rows = rows[per:]
	}
	for i := range rows { // one by one, so that the statements stay few
		if err := insert(rows[i : i+1]); err != nil {
			return err
		}
	}
	return nil
}
