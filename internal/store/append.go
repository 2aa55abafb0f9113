package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/lib/pq"
)

// Appending is a Together whose requests mostly only append to what is remembered well enough to say in advance what is to be
// written. On PostgreSQL that is one statement, and so one round trip, in place of a transaction.
type Appending interface {
	Together
	// PlanAppend works out what RunTogether would write for requests of one key, without the database: all statements through
	// tx fail. It gives false for requests that it cannot tell that for, or would refuse: RunTogether runs them then. So it
	// does when the run is not as it was expected any more. What was left to OnCommit is run when it was written.
	PlanAppend(ctx context.Context, tx *Tx, requests []any) (RunAppend, bool)
}

// RunAppend is what is appended to an active run.
type RunAppend struct {
	RunWrite
	// Expected is the sequence of the run's newest batch that the plan was made for.
	Expected int64
	Batches  []Batch
	// Series are there; of each, no more than SeriesExtremes changed.
	Series []*SeriesRow
}

// appendPoints is a function of the schema: PostgreSQL keeps the plans of its statements for the session, whichever the pooler
// gives, while those of a statement that it is sent are made anew each time, which costs more than to run them.
const appendPoints = "SELECT append_points(?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::text[], " +
	"?::bigint[], ?::bigint[], ?::bigint[], ?::integer[], ?::integer[], ?, " +
	"?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::double precision[], ?::bigint[], ?::bigint[], " +
	"?::double precision[], ?::bigint[], ?::double precision[], ?::bigint[])"

// appendAll stores what is appended to some runs, each named once, in a transaction of its own. It gives those that were as
// expected; of the others nothing was stored.
func appendAll(ctx context.Context, q Querier, runs []RunAppend) (stored []int64, err error) {
	var batches []Batch
	var series []*SeriesRow
	by := make(pq.StringArray, len(runs))
	for i := range runs {
		batches, series = append(batches, runs[i].Batches...), append(series, runs[i].Series...)
		by[i] = runs[i].By
	}
	type stretch struct{ id, first, size int64 } // first is the place in payloads, from 1
	stretches, size := make([]stretch, len(batches)), int64(0)
	for i := range batches {
		id, err := batchID(batches[i].RunPK, batches[i].Sequence)
		if err != nil {
			return nil, err
		}
		stretches[i] = stretch{id, size + 1, int64(len(batches[i].Payload))}
		size += stretches[i].size
	}
	payloads := make([]byte, 0, size)
	for i := range batches {
		payloads = append(payloads, batches[i].Payload...)
	}
	args := []any{
		integers(runs, func(r RunAppend) int64 { return int64(r.PK) }), integers(runs, func(r RunAppend) int64 { return r.Expected }),
		integers(runs, func(r RunAppend) int64 { return r.Sequence }), integers(runs, func(r RunAppend) int64 { return r.Now }), by,
		integers(stretches, func(s stretch) int64 { return s.id }), integers(batches, func(b Batch) int64 { return int64(b.Points) }),
		integers(batches, func(b Batch) int64 { return b.Created }),
		integers(stretches, func(s stretch) int64 { return s.first }), integers(stretches, func(s stretch) int64 { return s.size }), payloads,
		integers(series, func(r *SeriesRow) int64 { return int64(r.ID) }), integers(series, func(r *SeriesRow) int64 { return int64(r.RunID) }),
		integers(series, func(r *SeriesRow) int64 { return r.Count }), integers(series, func(r *SeriesRow) int64 { return r.NaNCount }),
		doubles(series, func(r *SeriesRow) sql.NullFloat64 { return r.LastValue }),
		integers(series, func(r *SeriesRow) int64 { return r.LastStep }), integers(series, func(r *SeriesRow) int64 { return r.LastTime }),
		doubles(series, func(r *SeriesRow) sql.NullFloat64 { return r.MinValue }), integers(series, func(r *SeriesRow) int64 { return r.MinStep }),
		doubles(series, func(r *SeriesRow) sql.NullFloat64 { return r.MaxValue }), integers(series, func(r *SeriesRow) int64 { return r.MaxStep }),
	}
	err = EachRow(ctx, q, appendPoints, args, func(rows *sql.Rows) error { return rows.Scan((*pq.Int64Array)(&stored)) })
	if err != nil {
		return nil, fmt.Errorf("append points: %w", err)
	}
	return stored, nil
}

// errMemory is what a statement through the Tx of a plan gives.
var errMemory = errors.New("the database is not asked for a plan")

// memoryConn is the connection of a plan.
type memoryConn struct{ writeConn }

func (memoryConn) ExecContext(context.Context, string, ...any) (sql.Result, error) {
	return nil, errMemory
}

func (memoryConn) QueryContext(context.Context, string, ...any) (*sql.Rows, error) {
	return nil, errMemory
}

// plannedAppend are requests for one run, with what they write.
type plannedAppend struct {
	requests []*writeRequest
	tx       *Tx
}

// appendPlanned runs those of a group that an Appending can plan, and gives the others, in their order.
func (w *writer) appendPlanned(group []*writeRequest) (rest []*writeRequest) {
	if !w.db.Postgres() || group[0].together == nil {
		return group
	}
	ctx := context.Background() // as in begin
	var planned []plannedAppend
	var runs []RunAppend
	for first := 0; first < len(group); {
		n := 1
		for first+n < len(group) && group[first+n].key == group[first].key {
			n++
		}
		requests := group[first : first+n]
		first += n
		tx := &Tx{db: w.db, conn: memoryConn{}, ctx: ctx}
		if run, ok := planAppend(requests, tx); ok {
			planned, runs = append(planned, plannedAppend{requests, tx}), append(runs, run)
		} else {
			rest = append(rest, requests...)
		}
	}
	if len(planned) == 0 {
		return group
	}
	if w.connect(ctx) != nil { // begin tries again, and tells
		return group
	}
	stored, err := appendAll(ctx, w.conn, runs)
	if err != nil && !unreachable(err) { // RunTogether finds out whether it is to be told, or tried again
		w.db.log.Debug("append points; running the requests in a transaction", "error", err)
		return group
	}
	if err != nil {
		// Nobody knows whether it was committed, as in tryTogether.
		w.disconnect()
		err = w.describe(err)
		for _, p := range planned {
			p.answer(err)
		}
		return rest
	}
	for i, p := range planned {
		if !slices.Contains(stored, int64(runs[i].PK)) {
			rest = append(rest, p.requests...)
			continue
		}
		for _, fn := range p.tx.onCommit {
			fn()
		}
		p.answer(nil)
	}
	sortGroup(rest)
	return rest
}

func (p plannedAppend) answer(err error) {
	for _, r := range p.requests {
		r.done <- err
	}
}

// planAppend plans requests for one key.
func planAppend(group []*writeRequest, tx *Tx) (run RunAppend, ok bool) {
	a, ok := group[0].together.(Appending)
	if !ok {
		return RunAppend{}, false
	}
	requests := make([]any, len(group))
	for i, r := range group {
		if r.together != group[0].together || r.ctx.Err() != nil {
			return RunAppend{}, false
		}
		requests[i] = r.request
	}
	defer func() {
		if recover() != nil { // RunTogether panics too, and tells
			ok = false
		}
	}()
	run, ok = a.PlanAppend(tx.ctx, tx, requests)
	return run, ok && len(tx.changes) == 0
}
