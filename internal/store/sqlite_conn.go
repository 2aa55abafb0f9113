package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// maxStatements bounds the prepared statements that the writer keeps. Queries whose text follows the number of their
// arguments would otherwise fill memory.
const maxStatements = 256

// sqliteConn is SQLite's one writing connection. It keeps statements prepared: preparing costs more than a small insert.
type sqliteConn struct {
	*sql.Conn
	statements map[string]*sql.Stmt
}

func newSQLiteConn(ctx context.Context, db *DB) (writeConn, error) {
	conn, err := db.write.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errConn, err)
	}
	return &sqliteConn{Conn: conn, statements: map[string]*sql.Stmt{}}, nil
}

// IMMEDIATE takes the write lock at once: a deferred transaction that reads first could fail to upgrade.
func (c *sqliteConn) begin(ctx context.Context) error    { return c.run(ctx, "BEGIN IMMEDIATE") }
func (c *sqliteConn) rollback(ctx context.Context) error { return c.run(ctx, "ROLLBACK") }

// A relaxed commit is a durable one: SQLite's setting belongs to the connection and cannot change within a transaction.
func (c *sqliteConn) commit(ctx context.Context, _ bool) error { return c.run(ctx, "COMMIT") }

func (c *sqliteConn) run(ctx context.Context, statement string) error {
	if _, err := c.ExecContext(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

func (c *sqliteConn) prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	if s, ok := c.statements[query]; ok {
		return s, nil
	}
	if len(c.statements) >= maxStatements {
		for q, s := range c.statements {
			delete(c.statements, q)
			if err := s.Close(); err != nil {
				return nil, fmt.Errorf("close statement: %w", err)
			}
		}
	}
	s, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err //nolint:wrapcheck // as database/sql's own methods give it
	}
	c.statements[query] = s
	return s, nil
}

func (c *sqliteConn) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	s, err := c.prepared(ctx, query) //nolint:sqlclosecheck // kept prepared until Close
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args...) //nolint:wrapcheck // as database/sql's own methods give it
}

func (c *sqliteConn) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := c.prepared(ctx, query) //nolint:sqlclosecheck // kept prepared until Close
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...) //nolint:wrapcheck // as database/sql's own methods give it
}

func (c *sqliteConn) Close() error {
	var err error
	for _, s := range c.statements {
		err = errors.Join(err, s.Close())
	}
	return errors.Join(err, discard(c.Conn))
}

func sqliteUnique(err error) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	return e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
}
