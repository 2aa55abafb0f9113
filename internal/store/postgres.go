package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/lib/pq"

	"github.com/cairnml/cairn/internal/errs"
)

const (
	// postgresLanes is the number of transactions that write at once. Requests for one run share a lane, so that they
	// share commits instead of waiting for each other's row lock.
	postgresLanes   = 4
	postgresReaders = 16
)

func (db *DB) openPostgres(ctx context.Context, loc location, cfg Config, purpose access) error {
	var err error
	if db.write, err = openPool(ctx, loc.dsn, postgresLanes+2); err != nil {
		return err
	}
	migrations := db.write
	db.direct = loc.dsn
	if cfg.DirectURL != "" {
		direct, err := parseURL("database-direct", cfg.DirectURL)
		if err != nil {
			return err
		}
		db.direct = direct.dsn
		if migrations, err = openPool(ctx, direct.dsn, 1); err != nil {
			return err
		}
		defer migrations.Close()
	}
	if err := migrateSchema(ctx, db, migrations, !cfg.NoMigrate); err != nil {
		return err
	}
	if purpose == loading {
		return nil
	}
	readDSN := loc.dsn
	if cfg.ReadURL != "" {
		read, err := parseURL("database-read", cfg.ReadURL)
		if err != nil {
			return err
		}
		readDSN = read.dsn
	}
	if db.read, err = openPool(ctx, readDSN, postgresReaders); err != nil {
		return err
	}
	if db.ping, err = openPool(ctx, loc.dsn, 1); err != nil {
		return err
	}
	for range postgresLanes {
		db.writers = append(db.writers, newWriter(db, newPostgresConn))
	}
	db.leases = newWriter(db, newPostgresConn)
	return nil
}

func openPool(ctx context.Context, dsn string, conns int) (*sql.DB, error) {
	connector, err := pq.NewConnector(dsn)
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, err, "database: the postgres:// URL is not understood")
	}
	pool := sql.OpenDB(connector)
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	if err := pool.PingContext(ctx); err != nil {
		return nil, errors.Join(describePostgres(err), pool.Close())
	}
	return pool, nil
}

// describePostgres says in a user's words why PostgreSQL cannot be used.
func describePostgres(err error) error {
	var e *pq.Error
	if errors.As(err, &e) {
		switch e.Code.Class() {
		case "28":
			return errs.Wrap(errs.Invalid, err, "database: PostgreSQL refuses the user or its password")
		case "3D":
			return errs.Wrap(errs.Invalid, err, "database: PostgreSQL has no database of that name; make it with createdb")
		}
	}
	if errors.Is(err, pq.ErrSSLNotSupported) {
		return errs.Wrap(errs.Invalid, err, "database: PostgreSQL answers, but does not speak TLS, as sslmode asks: turn TLS on there (ssl = on), or use sslmode=disable, only on a trusted network")
	}
	return &errs.Error{Kind: errs.Unavailable, Field: "database", Message: "PostgreSQL does not answer at the given address", Cause: err}
}

// retryable tells whether the database gave up a transaction that may succeed when run again.
func retryable(err error) bool {
	var e *pq.Error
	if errors.As(err, &e) {
		switch e.Code {
		case "40001", "40P01", "55P03": // serialization failure, deadlock, lock not available
			return true
		case "23505": // unique violation: another transaction made it meanwhile; run again, the request finds it
			return true
		case "23503": // foreign key violation: another transaction removed what it refers to; run again, the request finds that
			return true
		}
	}
	return false
}

// unreachable tells whether the database was lost, so that nothing can be said about the transaction.
func unreachable(err error) bool {
	var e *pq.Error
	if errors.As(err, &e) {
		switch e.Code.Class() {
		case "08", "57": // connection exception, operator intervention
			return true
		}
		return false
	}
	var n net.Error
	return errors.Is(err, errConn) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.As(err, &n)
}

var errConn = errors.New("database connection")

// uniqueViolation tells whether a statement failed because a row with the same key is there.
func uniqueViolation(err error) bool {
	var p *pq.Error
	if errors.As(err, &p) {
		return p.Code == "23505"
	}
	return sqliteUnique(err)
}

func newPostgresConn(ctx context.Context, db *DB) (writeConn, error) {
	conn, err := db.write.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errConn, err)
	}
	return &postgresConn{Conn: conn, db: db}, nil
}

type postgresConn struct {
	*sql.Conn
	db *DB
}

func (c *postgresConn) begin(ctx context.Context) error { return c.run(ctx, "BEGIN") }
func (c *postgresConn) commit(ctx context.Context, relaxed bool) error {
	if relaxed { // one message, one round trip
		return c.run(ctx, "SET LOCAL synchronous_commit TO off; COMMIT")
	}
	return c.run(ctx, "COMMIT")
}
func (c *postgresConn) rollback(ctx context.Context) error { return c.run(ctx, "ROLLBACK") }

func (c *postgresConn) Close() error { return discard(c.Conn) }

func (c *postgresConn) run(ctx context.Context, statement string) error {
	if _, err := c.Conn.ExecContext(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

func (c *postgresConn) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return c.Conn.ExecContext(ctx, c.db.Rebind(query), args...)
}

func (c *postgresConn) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return c.Conn.QueryContext(ctx, c.db.Rebind(query), args...)
}
