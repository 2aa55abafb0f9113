package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/maphash"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/internal/errs"
)

const (
	// maxGroup bounds how many requests share a commit: enough to hide the cost of a durable commit, few enough that the
	// first does not wait long for the last.
	maxGroup = 64
	// writeQueue bounds how many requests wait for a writer.
	writeQueue = 4096
	// maxTries bounds how often a request is run again after a deadlock or a conflict.
	maxTries = 8
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
	return db.submit(&writeRequest{ctx: ctx, key: key, fn: fn, done: make(chan error, 1)})
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
	return db.submit(&writeRequest{ctx: ctx, key: key, together: t, request: request, done: make(chan error, 1)})
}

// Others counts the transactions that wrote, those of WriteTogether left out. On SQLite, where nobody else writes, what
// WriteTogether read in its transaction still holds as long as the count is the same. It is for the writer.
func (tx *Tx) Others() int64 { return tx.db.others.Load() }

func (db *DB) submit(req *writeRequest) error {
	ctx := req.ctx
	w := db.writers[0]
	if len(db.writers) > 1 {
		w = db.writers[maphash.String(laneSeed, req.key)%uint64(len(db.writers))]
	}
	select {
	case w.requests <- req:
	case <-w.stopping:
		return errStopping()
	case <-ctx.Done():
		return fmt.Errorf("wait for the writer: %w", ctx.Err())
	}
	select {
	case err := <-req.done:
		return err
	case <-w.stopped:
		select { // it may have been the last that was run
		case err := <-req.done:
			return err
		default:
			return errStopping()
		}
	case <-ctx.Done():
		return fmt.Errorf("wait for the commit: %w", ctx.Err())
	}
}

func errStopping() error { return errs.New(errs.Unavailable, "the server is stopping") }

var laneSeed = maphash.MakeSeed()

type writeRequest struct {
	ctx  context.Context //nolint:containedctx // the request's own, checked before it is begun
	key  string
	done chan error
	fn   WriteFunc // or else
	// together runs request.
	together Together
	request  any
}

// writeConn is a connection in whose transaction requests run.
type writeConn interface {
	entsql.ExecQuerier
	begin(ctx context.Context) error
	commit(ctx context.Context) error
	rollback(ctx context.Context) error
	Close() error
}

// writer owns one writing connection and runs the requests of one lane, in groups.
type writer struct {
	db       *DB
	open     func(context.Context, *DB) (writeConn, error)
	conn     writeConn
	requests chan *writeRequest
	stopping chan struct{}
	stopped  chan struct{}
}

func startWriter(db *DB, open func(context.Context, *DB) (writeConn, error)) *writer {
	w := &writer{
		db: db, open: open,
		requests: make(chan *writeRequest, writeQueue),
		stopping: make(chan struct{}),
		stopped:  make(chan struct{}),
	}
	go w.loop()
	return w
}

// stop lets the writer finish what it was given and ends it.
func (w *writer) stop() {
	close(w.stopping)
	<-w.stopped
}

func (w *writer) loop() {
	defer close(w.stopped)
	defer w.disconnect()
	group := make([]*writeRequest, 0, maxGroup)
	for {
		group = group[:0]
		select {
		case r := <-w.requests:
			group = append(group, r)
		case <-w.stopping:
			if len(w.requests) == 0 {
				return
			}
			continue
		}
	fill:
		for len(group) < maxGroup {
			select {
			case r := <-w.requests:
				group = append(group, r)
			default:
				break fill
			}
		}
		// Locks are taken in one order everywhere, so that two replicas do not wait for each other in a circle. Stable:
		// requests for one key keep their order. What runs together has a transaction of its own, whose locks are in order.
		slices.SortStableFunc(group, func(a, b *writeRequest) int {
			return cmp.Or(compareBools(a.together != nil, b.together != nil), cmp.Compare(a.key, b.key))
		})
		alike := slices.IndexFunc(group, func(r *writeRequest) bool { return r.together != nil })
		if alike < 0 {
			alike = len(group)
		}
		for _, part := range [][]*writeRequest{group[:alike], group[alike:]} {
			if len(part) > 0 {
				w.runGroup(part)
			}
		}
	}
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// runGroup runs requests in one transaction. When one fails after it wrote, the group is rolled back and each is run by
// itself, so that a request suffers only from its own failure.
func (w *writer) runGroup(group []*writeRequest) {
	results := make([]error, len(group))
	if len(group) > 1 && w.tryTogether(group, results) {
		for i, r := range group {
			r.done <- results[i]
		}
		return
	}
	for _, r := range group {
		r.done <- w.runAlone(r)
	}
}

func (w *writer) tryTogether(group []*writeRequest, results []error) bool {
	tx, err := w.begin()
	if err != nil {
		return false
	}
	if group[0].together != nil {
		if !runTogether(group, tx, results) {
			w.rollback()
			return false
		}
	} else {
		for i, r := range group {
			if results[i] = r.ctx.Err(); results[i] != nil {
				continue
			}
			if results[i] = call(r, tx); results[i] != nil && (tx.wrote || tx.failed) {
				w.rollback()
				return false
			}
		}
	}
	err = w.commit(tx)
	if err != nil && unreachable(err) {
		// Nobody knows whether it was committed: to run the requests again could store them twice.
		for i := range results {
			results[i] = w.describe(err)
		}
		return true
	}
	return err == nil
}

func (w *writer) runAlone(r *writeRequest) error {
	for try := 1; ; try++ {
		if err := r.ctx.Err(); err != nil {
			return fmt.Errorf("before the write began: %w", err)
		}
		err := w.runOnce(r)
		if err == nil || !retryable(err) || try == maxTries {
			return w.describe(err)
		}
		w.db.log.Debug("write again", "try", try, "error", err)
		select { // give the other transaction a chance
		case <-time.After(time.Duration(try*try) * time.Millisecond):
		case <-r.ctx.Done():
		}
	}
}

func (w *writer) runOnce(r *writeRequest) error {
	tx, err := w.begin()
	if err != nil {
		return err
	}
	if r.together != nil {
		refused := make([]error, 1)
		if !runTogether([]*writeRequest{r}, tx, refused) || refused[0] != nil {
			w.rollback()
			return refused[0]
		}
		return w.commit(tx)
	}
	if err := call(r, tx); err != nil {
		w.rollback()
		return err
	}
	return w.commit(tx)
}

// runTogether runs requests that WriteTogether brought. When it gives false, the transaction is to be rolled back, and
// results[0] says why.
func runTogether(group []*writeRequest, tx *Tx, results []error) bool {
	run := make([]*writeRequest, 0, len(group))
	at := make([]int, 0, len(group))
	for i, r := range group {
		if results[i] = r.ctx.Err(); results[i] == nil {
			run, at = append(run, r), append(at, i)
		}
	}
	for len(run) > 0 {
		n := 1
		for n < len(run) && run[n].together == run[0].together {
			n++
		}
		refused, err := callTogether(run[:n], tx)
		if err != nil {
			results[0] = err
			return false
		}
		for i, e := range refused {
			results[at[i]] = e
		}
		run, at = run[n:], at[n:]
	}
	return true
}

func callTogether(group []*writeRequest, tx *Tx) (refused []error, err error) {
	requests := make([]any, len(group))
	for i, r := range group {
		requests[i] = r.request
	}
	defer recovered(tx, &err)
	return group[0].together.RunTogether(tx.ctx, tx, requests)
}

// recovered makes an error of a panic, which must not end the writer: that would stop every write of the server.
func recovered(tx *Tx, err *error) {
	if p := recover(); p != nil {
		tx.failed = true
		*err = fmt.Errorf("panic in a write: %v\n%s", p, debug.Stack())
	}
}

// describe hides a lost database from the user and says what to do.
func (w *writer) describe(err error) error {
	var designed *errs.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &designed):
		return err
	case uniqueViolation(err):
		// A request looks first, and is run again, so that it finds what others make meanwhile: this is for the last try.
		return errs.Wrap(errs.Exists, err, "another request made the same, or something of the same name, at once; try again")
	case unreachable(err):
		return errs.Wrap(errs.Unavailable, err, "the database cannot be reached; try again")
	case retryable(err):
		return errs.Wrap(errs.Unavailable, err, "too many writes to the same object at once; try again")
	}
	return describeSQLite(errs.Unavailable, "the file", err)
}

// call runs a request.
func call(r *writeRequest, tx *Tx) (err error) {
	tx.wrote = false
	changes, hooks := len(tx.changes), len(tx.onCommit)
	defer func() {
		if err != nil {
			tx.changes, tx.onCommit = tx.changes[:changes], tx.onCommit[:hooks]
		}
		if tx.wrote {
			tx.db.others.Add(1)
		}
	}()
	defer recovered(tx, &err)
	// The request's values, such as the principal, without its deadline: the transaction is shared.
	return r.fn(context.WithoutCancel(r.ctx), tx)
}

func (w *writer) begin() (*Tx, error) {
	// Requests have their own deadlines; the transaction they share must not end with one of them.
	ctx := context.Background()
	if w.conn == nil {
		conn, err := w.open(ctx, w.db)
		if err != nil {
			return nil, err
		}
		w.conn = conn
	}
	if err := w.conn.begin(ctx); err != nil {
		w.disconnect()
		return nil, err
	}
	return &Tx{db: w.db, conn: w.conn, ctx: ctx}, nil
}

func (w *writer) commit(tx *Tx) error {
	if err := tx.flushChanges(); err != nil {
		w.rollback()
		return err
	}
	if err := w.conn.commit(tx.ctx); err != nil {
		w.rollback()
		return err
	}
	for _, fn := range tx.onCommit {
		fn()
	}
	return nil
}

func (w *writer) rollback() {
	if err := w.conn.rollback(context.Background()); err != nil {
		w.db.log.Warn("roll back", "error", err)
		w.disconnect()
	}
}

func (w *writer) disconnect() {
	if w.conn == nil {
		return
	}
	if err := w.conn.Close(); err != nil && !errors.Is(err, sql.ErrConnDone) {
		w.db.log.Debug("close writing connection", "error", err)
	}
	w.conn = nil
}

// Tx is the transaction in which a request runs, shared with others.
type Tx struct {
	db       *DB
	conn     writeConn
	ctx      context.Context //nolint:containedctx // the transaction's own
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
	res, err := tx.conn.ExecContext(ctx, query, args...)
	if err != nil {
		tx.failed = true
	}
	return res, err //nolint:wrapcheck // as database/sql's own methods give it
}

// QueryContext runs a query with ? placeholders. The caller closes the rows.
func (tx *Tx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
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
