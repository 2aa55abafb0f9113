package store

import (
	"context"
	"database/sql"
	"fmt"
	"hash/maphash"
	"strings"
	"time"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/internal/errs"
)

// WriteFunc is one request to the database. It may run more than once, so it depends on nothing but its inputs and what
// it reads through tx, and gives results by assignment. If it fails, nothing of it is stored.
type WriteFunc func(ctx context.Context, tx *Tx) error

// Write runs a request and returns when it is durable. Requests that wait at the same time share a transaction and its
// commit, and none sees or suffers another's failure. When ctx ends before the request was begun it is not run; when it
// ends later, the outcome is unknown to the caller, as with any lost answer.
func (db *DB) Write(ctx context.Context, fn WriteFunc) error { return db.WriteFor(ctx, "", fn) }

// WriteFor is Write for one object, for example a run: requests for the same key are run in the order in which they came.
func (db *DB) WriteFor(ctx context.Context, key string, fn WriteFunc) error {
	return db.writer(key).submit(&writeRequest{ctx: ctx, key: key, fn: fn, done: make(chan error, 1)})
}

// WriteRelaxed is WriteFor for work that a crash may undo as a whole, because it is found and done again: it returns when the
// work is committed, whether or not that is durable, and so keeps no row locked while a disk or a replica is waited for. Who
// commits durably afterwards makes it durable too: the database's log is written in its order. On SQLite it is WriteFor.
func (db *DB) WriteRelaxed(ctx context.Context, key string, fn WriteFunc) error {
	return db.writer(key).submit(&writeRequest{ctx: ctx, key: key, fn: fn, relaxed: true, done: make(chan error, 1)})
}

// Together runs requests of one kind. Those that wait at the same time are run by one call, in the order of their keys and
// for each key in the order in which they came, so that they can share statements.
type Together interface {
	// RunTogether runs requests. refused has an error, or nil, for each of them; of one that is refused nothing was
	// written. err fails them all. As a WriteFunc it may be called again, for all or for one of them alone.
	RunTogether(ctx context.Context, tx *Tx, requests []any) (refused []error, err error)
}

// WriteTogether is WriteFor for a request that t runs, together with others. It does not share a transaction with requests
// of other kinds.
func (db *DB) WriteTogether(ctx context.Context, key string, t Together, request any) error {
	return db.writer(key).submit(&writeRequest{ctx: ctx, key: key, together: t, request: request, done: make(chan error, 1)})
}

// Others counts the transactions that wrote, those of WriteTogether left out. On SQLite, where nobody else writes, what
// WriteTogether read in its transaction still holds as long as the count is the same. It is for the writer.
func (tx *Tx) Others() int64 { return tx.db.others.Load() }

func (w *writer) submit(req *writeRequest) error {
	ctx := req.ctx
	select {
	case w.places <- struct{}{}:
	case <-w.stopping:
		return errStopping()
	case <-ctx.Done():
		return fmt.Errorf("wait for the writer: %w", ctx.Err())
	}
	led, err := w.add(req)
	if err != nil {
		return err
	}
	if led { // it has run, and others with it, whatever became of ctx
		return <-req.done
	}
	select {
	case err := <-req.done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("wait for the commit: %w", ctx.Err())
	}
}

// writer gives the lane of a key.
func (db *DB) writer(key string) *writer {
	if len(db.writers) == 1 {
		return db.writers[0]
	}
	return db.writers[maphash.String(laneSeed, key)%uint64(len(db.writers))]
}

func errStopping() error { return errs.New(errs.Unavailable, "the server is stopping") }

var laneSeed = maphash.MakeSeed()

type writeRequest struct {
	ctx  context.Context //nolint:containedctx // the request's own, checked before it is begun
	key  string
	done chan error
	// relaxed: its commit need not be durable.
	relaxed bool
	fn      WriteFunc // or else
	// together runs request.
	together Together
	request  any
}

// writeConn is a connection in whose transaction requests run.
type writeConn interface {
	entsql.ExecQuerier
	begin(ctx context.Context) error
	// commit commits. When it is relaxed, a crash of the database may undo the transaction, as a whole.
	commit(ctx context.Context, relaxed bool) error
	rollback(ctx context.Context) error
	Close() error
}

// Tx is the transaction in which a request runs, shared with others.
type Tx struct {
	db       *DB
	conn     writeConn
	ctx      context.Context //nolint:containedctx // the transaction's own
	began    time.Time       // when the writer was taken
	client   *ent.Client
	wrote    bool // the present request has changed something
	failed   bool // a statement failed: PostgreSQL accepts no further one
	onCommit []func()
	changes  []changed
	values   map[any]any
}

// Ent is a client whose writes belong to the transaction.
func (tx *Tx) Ent() *ent.Client {
	if tx.client == nil {
		tx.client = ent.NewClient(ent.Driver(&connDriver{dialect: tx.db.dialect, Conn: entsql.Conn{ExecQuerier: tx}}))
	}
	return tx.client
}

// DB is the database of the transaction.
func (tx *Tx) DB() *DB { return tx.db }

// OnCommit runs fn after the commit, in the writer: it must be quick and must not write.
func (tx *Tx) OnCommit(fn func()) { tx.onCommit = append(tx.onCommit, fn) }

// Value keeps a value for the transaction, which requests of the same group share. It is gone when the transaction ends,
// whether it commits or not.
func (tx *Tx) Value(key any, init func() any) any {
	if tx.values == nil {
		tx.values = map[any]any{}
	}
	v, ok := tx.values[key]
	if !ok {
		v = init()
		tx.values[key] = v
	}
	return v
}

// ExecContext runs a statement with ? placeholders.
func (tx *Tx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	tx.wrote = true
	res, err := observe(ctx, tx.db, query, func() (sql.Result, error) { return tx.conn.ExecContext(ctx, query, args...) })
	if err != nil {
		tx.failed = true
	}
	return res, err //nolint:wrapcheck // as database/sql's own methods give it
}

// QueryContext runs a query with ? placeholders. The caller closes the rows.
func (tx *Tx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return observe(ctx, tx.db, query, func() (*sql.Rows, error) { return tx.query(ctx, query, args...) })
}

func (tx *Tx) database() *DB { return tx.db }

func (tx *Tx) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if !strings.HasPrefix(query, "SELECT") { // INSERT … RETURNING and the like
		tx.wrote = true
	}
	rows, err := tx.conn.QueryContext(ctx, query, args...)
	if err != nil {
		tx.failed = true
	}
	return rows, err //nolint:wrapcheck // as database/sql's own methods give it
}

// Scan runs a query and scans its first row; found is false when there is none.
func (tx *Tx) Scan(ctx context.Context, query string, args []any, into ...any) (found bool, err error) {
	err = EachRow(ctx, tx, query, args, func(rows *sql.Rows) error {
		if found {
			return nil
		}
		found = true
		return rows.Scan(into...)
	})
	if err != nil {
		tx.failed = true
		return found, err
	}
	return found, nil
}
