// Package store opens Cairn's database, SQLite or PostgreSQL, and holds what differs between the two: pools,
// transactions, migrations and the SQL that Ent has no words for. Nothing else in Cairn opens a connection.
package store

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/cairnml/cairn/ent"
)

// Config says which database to open.
type Config struct {
	// URL is "sqlite:PATH" or "postgres://…".
	URL string
	// DirectURL reaches PostgreSQL without its pooler, for migrations and for Listen; URL when empty.
	DirectURL string
	// ReadURL is a replica of PostgreSQL for queries; URL when empty.
	ReadURL string
	// NoMigrate opens the database as it is: for commands that only look.
	NoMigrate bool
	Logger    *slog.Logger
	// OnQuery is told every statement of the read side, with its arguments; tests count and explain with it.
	OnQuery func(query string, args []any)
	// Observer is told what the database does; nobody when it is nil.
	Observer Observer
}

// DB is an open database. All methods are safe for concurrent use.
type DB struct {
	dialect string
	log     *slog.Logger
	// observer is nil where nobody looks.
	observer Observer
	read     *sql.DB
	write    *sql.DB
	ping     *sql.DB // one connection, to ask whether PostgreSQL answers
	ent      *ent.Client
	reader   *Reader
	writers  []*writer
	leases   *writer // nil on SQLite
	lock     *Lock
	direct   string // the data source of Listen; PostgreSQL's alone
	close    sync.Once
	rebound  sync.Map // query with ? → query with $n
	rebinds  atomic.Int64
	others   atomic.Int64
}

// Open opens the database, brings its schema up to date, and starts the writers. The caller closes it.
func Open(ctx context.Context, cfg Config) (*DB, error) { return open(ctx, cfg, writing) }

// open opens the database for requests or, with the purpose loading, for a load: without writers and readers.
func open(ctx context.Context, cfg Config, purpose access) (*DB, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	loc, err := parseURL("database", cfg.URL)
	if err != nil {
		return nil, err
	}
	db := &DB{dialect: loc.dialect, log: cfg.Logger, observer: cfg.Observer}
	if loc.dialect == dialect.SQLite {
		err = db.openSQLite(ctx, loc, cfg, purpose)
	} else {
		err = db.openPostgres(ctx, loc, cfg, purpose)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	db.reader = &Reader{db: db, onQuery: cfg.OnQuery}
	if !db.Postgres() {
		db.reader.prepared = newPrepared(db.read)
	}
	db.ent = ent.NewClient(ent.Driver(&connDriver{dialect: db.dialect, Conn: entsql.Conn{ExecQuerier: db.reader}}))
	return db, nil
}

// Close ends the writers after what they were given, and closes all connections.
func (db *DB) Close() error {
	var err error
	db.close.Do(func() {
		for _, w := range db.writers {
			w.stop()
		}
		if db.leases != nil {
			db.leases.stop()
		}
		for _, pool := range []*sql.DB{db.read, db.write, db.ping} {
			if pool != nil {
				err = errors.Join(err, pool.Close())
			}
		}
		if db.lock != nil {
			err = errors.Join(err, db.lock.Release())
		}
	})
	return err
}

// Logger is where the database, and what reads it, tells of faults that no caller sees.
func (db *DB) Logger() *slog.Logger { return db.log }

// Dialect is dialect.SQLite or dialect.Postgres.
func (db *DB) Dialect() string { return db.dialect }

// Postgres tells whether the database is PostgreSQL.
func (db *DB) Postgres() bool { return db.dialect == dialect.Postgres }

// Ent is the client for reads. A write through it fails: writes go through Write.
func (db *DB) Ent() *ent.Client { return db.ent }

// Read runs raw SQL on the read side.
func (db *DB) Read() *Reader { return db.reader }

// Rebind turns the placeholders ? into PostgreSQL's $1, $2 … A query must hold no other question mark.
func (db *DB) Rebind(query string) string {
	if db.dialect != dialect.Postgres || !strings.Contains(query, "?") {
		return query
	}
	if q, ok := db.rebound.Load(query); ok {
		return q.(string)
	}
	var b strings.Builder
	b.Grow(len(query) + 16)
	rest, n := query, 0
	for {
		before, after, found := strings.Cut(rest, "?")
		b.WriteString(before)
		if !found {
			break
		}
		n++
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(n))
		rest = after
	}
	out := b.String()
	if len(query) <= maxCachedQuery {
		if db.rebinds.Add(1) > maxCachedQueries {
			db.rebound.Clear()
			db.rebinds.Store(1)
		}
		db.rebound.Store(query, out)
	}
	return out
}

const (
	// maxCachedQuery keeps queries whose length follows their number of arguments out of the cache.
	maxCachedQuery = 2048
	// maxCachedQueries bounds the cache: filters that users write make queries without end.
	maxCachedQueries = 4096
)

// Reader runs raw SQL, with ? placeholders, on the read side.
type Reader struct {
	db       *DB
	onQuery  func(string, []any)
	prepared *prepared // nil on PostgreSQL
}

// QueryContext runs a query. The caller closes the rows.
func (r *Reader) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return observe(ctx, r.db, query, func() (*sql.Rows, error) { return r.query(ctx, query, args...) })
}

func (r *Reader) database() *DB { return r.db }

func (r *Reader) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if r.onQuery != nil {
		r.onQuery(query, args)
	}
	if r.prepared != nil && len(query) <= maxPreparedText {
		return r.prepared.query(ctx, query, args)
	}
	rows, err := r.db.read.QueryContext(ctx, r.db.Rebind(query), args...)
	return rows, describeRead(ctx, err)
}

// QueryRowContext runs a query of at most one row.
func (r *Reader) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if r.onQuery != nil {
		r.onQuery(query, args)
	}
	row, _ := observe(ctx, r.db, query, func() (*sql.Row, error) {
		row := r.db.read.QueryRowContext(ctx, r.db.Rebind(query), args...)
		return row, row.Err()
	})
	return row
}

var errReadOnly = errors.New("the read side of the database does not write: use DB.Write")

// ExecContext always fails: it is there to satisfy Ent's driver.
func (r *Reader) ExecContext(context.Context, string, ...any) (sql.Result, error) {
	return nil, errReadOnly
}

// connDriver lets Ent use a connection, or the read side, whose transaction is somebody else's business.
type connDriver struct {
	entsql.Conn
	dialect string
}

func (d *connDriver) Dialect() string { return d.dialect }
func (d *connDriver) Close() error    { return nil }
func (d *connDriver) Tx(context.Context) (dialect.Tx, error) {
	return dialect.NopTx(d), nil
}
