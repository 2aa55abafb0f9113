package store

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

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

// writer owns one writing connection and runs the requests of one lane, in groups.
//
// It has no goroutine while nothing waits. A request that finds it idle runs its group itself: to wake another goroutine and
// to be woken again costs as much as a small write. For those that came meanwhile, a goroutine goes on until none waits.
type writer struct {
	db       *DB
	open     func(context.Context, *DB) (writeConn, error)
	places   chan struct{} // of those that wait
	stopping chan struct{}

	// Of who runs.
	conn writeConn
	gathering

	mu      sync.Mutex
	waiting []*writeRequest
	alike   int // how many of them run together
	running bool
	stopped bool
	idle    sync.Cond // running ended
	// wanted, unless 0, is how many alike must wait for who runs to be told by gathered.
	wanted   int
	gathered chan struct{}
}

func newWriter(db *DB, open func(context.Context, *DB) (writeConn, error)) *writer {
	w := &writer{
		db: db, open: open,
		places: make(chan struct{}, writeQueue), stopping: make(chan struct{}), gathered: make(chan struct{}, 1),
		gathering: gathering{patience: maxPatience},
	}
	w.idle.L = &w.mu
	return w
}

// stop lets the writer finish what it was given and ends it.
func (w *writer) stop() {
	close(w.stopping)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
	for w.running {
		w.idle.Wait()
	}
	w.disconnect()
}

// add lets a request, which has a place, wait. Where nothing is running it runs the request, with what waits by then; led
// tells so.
func (w *writer) add(req *writeRequest) (led bool, err error) {
	w.mu.Lock()
	if w.stopped {
		w.mu.Unlock()
		<-w.places
		return false, errStopping()
	}
	w.waiting = append(w.waiting, req)
	if req.together != nil {
		w.alike++
		if w.alike == w.wanted {
			w.wanted = 0
			w.gathered <- struct{}{}
		}
	}
	led, w.running = !w.running, true
	w.mu.Unlock()
	if led {
		w.runNext()
		if w.more() {
			go func() {
				for more := true; more; more = w.more() {
					w.runNext()
				}
			}()
		}
	}
	return led, nil
}

// more tells whether requests wait. When none does, the writer is idle.
func (w *writer) more() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.waiting) == 0 {
		w.running = false
		w.idle.Broadcast()
	}
	return w.running
}

// runNext runs those that wait, up to maxGroup.
func (w *writer) runNext() {
	w.await()
	w.mu.Lock()
	n := min(len(w.waiting), maxGroup)
	group := slices.Clone(w.waiting[:n])
	w.waiting = slices.Delete(w.waiting, 0, n)
	for _, r := range group {
		if r.together != nil {
			w.alike--
		}
	}
	w.mu.Unlock()
	for range n {
		<-w.places
	}
	sortGroup(group)
	alike := slices.IndexFunc(group, func(r *writeRequest) bool { return r.together != nil })
	if alike < 0 {
		alike = len(group)
	}
	if alike > 0 {
		w.runGroup(group[:alike])
	}
	if alike < len(group) {
		began := time.Now()
		w.runGroup(group[alike:])
		w.learn(len(group)-alike, time.Since(began))
	}
}

// sortGroup puts requests in the order in which they are run. Locks are taken in one order everywhere, so that two replicas do
// not wait for each other in a circle. Stable: requests for one key keep their order. What runs together has a transaction of
// its own, whose locks are in order.
func sortGroup(group []*writeRequest) {
	slices.SortStableFunc(group, func(a, b *writeRequest) int {
		return cmp.Or(compareBools(a.together != nil, b.together != nil), cmp.Compare(a.key, b.key))
	})
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
	defer w.survive(group)
	if group = w.appendPlanned(group); len(group) == 0 {
		return
	}
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

// survive answers a group of which something panicked that is no request, such as what one left to do after the commit. The
// state of the connection is not known then. The writer must go on: it may be borrowing the goroutine of a request, whose
// panics end nothing.
func (w *writer) survive(group []*writeRequest) {
	p := recover()
	if p == nil {
		return
	}
	err := fmt.Errorf("panic in the writer: %v\n%s", p, debug.Stack())
	w.disconnect()
	for _, r := range group {
		select {
		case r.done <- err:
		default: // it has its answer
		}
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
	err = w.commit(tx, group)
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
		return w.commit(tx, []*writeRequest{r})
	}
	if err := call(r, tx); err != nil {
		w.rollback()
		return err
	}
	return w.commit(tx, []*writeRequest{r})
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
	if err := w.connect(ctx); err != nil {
		return nil, err
	}
	began := time.Now()
	if err := w.conn.begin(ctx); err != nil {
		w.disconnect()
		return nil, err
	}
	return &Tx{db: w.db, conn: w.conn, ctx: ctx, began: began}, nil
}

func (w *writer) connect(ctx context.Context) error {
	if w.conn != nil {
		return nil
	}
	conn, err := w.open(ctx, w.db)
	if err == nil {
		w.conn = conn
	}
	return err
}

// commit commits what a group shares: durably, unless none of it asks for that.
func (w *writer) commit(tx *Tx, group []*writeRequest) error {
	if err := tx.flushChanges(); err != nil {
		w.rollback()
		return err
	}
	relaxed := !slices.ContainsFunc(group, func(r *writeRequest) bool { return !r.relaxed })
	if err := w.conn.commit(tx.ctx, relaxed); err != nil {
		w.rollback()
		return err
	}
	if w.db.observer != nil {
		w.db.observer.Committed(len(group), time.Since(tx.began))
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
	if err := w.conn.Close(); err != nil {
		w.db.log.Debug("close writing connection", "error", err)
	}
	w.conn = nil
}

// discard closes a connection for good: given back to its pool, it might bring an open transaction to who takes it next.
func discard(conn *sql.Conn) error {
	err := conn.Raw(func(any) error { return driver.ErrBadConn })
	if errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) {
		return nil
	}
	return fmt.Errorf("close writing connection: %w", err)
}
