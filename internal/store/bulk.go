package store

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"

	"github.com/cairnml/cairn/internal/errs"
)

// Table is a table that is loaded in bulk, with the columns that are given.
type Table struct {
	name, columns string
	width         int
}

// The tables of runs, in the order in which their rows can be stored: parts after their whole.
var (
	BulkRuns = Table{"runs", "id, run_id, experiment_id, name, status, status_reason, start_time, end_time, lifecycle_stage, " +
		"deleted_at, deleted_with_experiment, user_id, artifact_location, parent_run_id, metric_sequence, created_at, updated_at, created_by, updated_by", 19}
	BulkParams  = Table{"params", "run_id, experiment_id, key, value, number, value_prefix, provisional", 7}
	BulkTags    = Table{"run_tags", "run_id, experiment_id, key, value, value_prefix, provisional", 6}
	BulkSeries  = Table{"metric_series", seriesColumns, seriesColumnCount}
	BulkBatches = Table{"metric_batches", "id, points, created_at, payload", 4}

	bulkTables = []Table{BulkRuns, BulkParams, BulkTags, BulkSeries, BulkBatches}
)

const (
	// bulkBuffer is how many bytes of rows are gathered, roughly, until they are written.
	bulkBuffer = 8 << 20
	// bulkCommit is how many are written to SQLite in a transaction: a durable commit costs nothing beside so many, and the
	// log, which holds them, stays small.
	bulkCommit = 64 << 20
	// valueCost is what a value is taken to cost in a buffer, beside the bytes of a text.
	valueCost = 24
)

// Bulk writes whole tables of runs, many times as fast as requests do, for imports. On SQLite nobody else has the database
// meanwhile, and each run that was written whole by a Checkpoint stays if the load is cut short; on PostgreSQL all of it is
// one transaction. Where there are no runs yet, indexes are built at the end.
//
// A Bulk is used by one goroutine.
type Bulk struct {
	db      *DB
	conn    writeConn
	tx      *Tx
	buffers []bulkRows // by bulkTables
	// buffered and uncommitted are the costs of the rows that are not yet written, and not yet committed.
	buffered, uncommitted int
	// deferred are the statements that build what was dropped, on PostgreSQL; SQLite keeps them in a table, so that Open can
	// go on where a load was cut short.
	deferred []string
	empty    bool
	// runIDs are primary keys that are free; oldest and newest of those that were given since the last commit.
	runIDs         []int
	oldest, newest int
	closed         bool
}

// bulkRows are rows that wait to be written.
type bulkRows struct {
	table Table
	rows  [][]any // of driver.Value
}

// OpenBulk opens a database for a load, and brings its schema up to date. The caller closes it.
func OpenBulk(ctx context.Context, cfg Config) (*Bulk, error) {
	db, err := open(ctx, cfg, loading)
	if err != nil {
		return nil, err
	}
	b := &Bulk{db: db}
	for _, t := range bulkTables {
		b.buffers = append(b.buffers, bulkRows{table: t})
	}
	if err := b.begin(ctx); err != nil {
		return nil, errors.Join(describeBulk(err), b.Close(ctx))
	}
	return b, nil
}

func (b *Bulk) begin(ctx context.Context) error {
	var err error
	if b.db.Postgres() {
		b.conn, err = newPostgresConn(ctx, b.db)
	} else {
		b.conn, err = newSQLiteConn(ctx, b.db)
	}
	if err != nil {
		return err
	}
	if err := b.beginTx(ctx); err != nil {
		return err
	}
	found, err := b.tx.Scan(ctx, "SELECT 1 FROM runs LIMIT 1", nil, new(int))
	if err != nil {
		return fmt.Errorf("look for runs: %w", err)
	}
	b.empty = !found
	if !b.empty {
		return nil
	}
	if b.db.Postgres() {
		b.deferred, err = deferPostgres(ctx, b.tx)
		return err
	}
	return deferSQLite(ctx, b.tx)
}

func (b *Bulk) beginTx(ctx context.Context) error {
	if err := b.conn.begin(ctx); err != nil {
		return fmt.Errorf("begin load: %w", err)
	}
	b.tx = &Tx{db: b.db, conn: b.conn, ctx: ctx}
	b.uncommitted = 0
	return nil
}

// Tx is for what is written beside the tables of runs, and for reading. It is another one after each Checkpoint.
func (b *Bulk) Tx() *Tx { return b.tx }

// NextRun gives the primary key for a new run.
func (b *Bulk) NextRun(ctx context.Context) (int, error) {
	if len(b.runIDs) == 0 {
		ids, err := b.reserveRuns(ctx)
		if err != nil {
			return 0, fmt.Errorf("reserve ids of runs: %w", err)
		}
		b.runIDs = ids
	}
	id := b.runIDs[0]
	b.runIDs = b.runIDs[1:]
	b.newest = max(b.newest, id)
	if b.oldest == 0 {
		b.oldest = id
	}
	return id, nil
}

// reserved is how many primary keys of runs are reserved at a time.
const reserved = 1000

func (b *Bulk) reserveRuns(ctx context.Context) ([]int, error) {
	if b.db.Postgres() {
		return scanColumn[int](ctx, b.tx, "SELECT nextval(pg_get_serial_sequence('runs', 'id')) FROM generate_series(1, ?)", reserved)
	}
	// Nobody else gives ids meanwhile.
	if b.newest == 0 {
		last, err := scanColumn[int](ctx, b.tx, "SELECT seq FROM sqlite_sequence WHERE name = 'runs'")
		if err != nil {
			return nil, err
		}
		b.newest = cmp.Or(last...)
	}
	return []int{b.newest + 1}, nil
}

// Add adds a row. Its values are in the order of the table's columns.
func (b *Bulk) Add(table Table, row ...any) error {
	if len(row) != table.width {
		return fmt.Errorf("a row of %d values for the %d columns of %s", len(row), table.width, table.name)
	}
	for i, v := range row {
		v, err := driver.DefaultParameterConverter.ConvertValue(v)
		if err != nil {
			return fmt.Errorf("a value of %s: %w", table.name, err)
		}
		row[i] = v
		b.buffered += valueCost
		switch v := v.(type) {
		case string:
			b.buffered += len(v)
		case []byte:
			b.buffered += len(v)
		}
	}
	at := slices.IndexFunc(b.buffers, func(r bulkRows) bool { return r.table.name == table.name })
	b.buffers[at].rows = append(b.buffers[at].rows, row)
	return nil
}

// AddSeries adds rows of series.
func (b *Bulk) AddSeries(rows []SeriesRow) error {
	for i := range rows {
		if err := b.Add(BulkSeries, rows[i].args(make([]any, 0, seriesColumnCount))...); err != nil {
			return err
		}
	}
	return nil
}

// AddBatch adds a batch of points, stored at now.
func (b *Bulk) AddBatch(r Batch, now int64) error {
	id, err := batchID(r.RunPK, r.Sequence)
	if err != nil {
		return err
	}
	return b.Add(BulkBatches, id, r.Points, now, r.Payload)
}

// Full tells whether so much is buffered that Flush should be called.
func (b *Bulk) Full() bool { return b.buffered >= bulkBuffer }

// Flush writes what is buffered, so that it can be read through Tx.
func (b *Bulk) Flush(ctx context.Context) error {
	for i := range b.buffers {
		t := &b.buffers[i]
		if len(t.rows) == 0 {
			continue
		}
		var err error
		if b.db.Postgres() {
			err = copyRows(ctx, b.conn.(*postgresConn), t.table, t.rows)
		} else {
			err = insertRows(ctx, b.tx, t.table, t.rows)
		}
		if err != nil {
			return describeBulk(fmt.Errorf("load %s: %w", t.table.name, err))
		}
		clear(t.rows)
		t.rows = t.rows[:0]
	}
	b.uncommitted += b.buffered
	b.buffered = 0
	return nil
}

// Checkpoint is called where every run is whole: what was written may become durable there.
func (b *Bulk) Checkpoint(ctx context.Context) error {
	if !b.Full() {
		return nil
	}
	if err := b.Flush(ctx); err != nil {
		return err
	}
	if b.db.Postgres() || b.uncommitted < bulkCommit {
		return nil
	}
	if err := b.commit(ctx); err != nil {
		return err
	}
	return b.beginTx(ctx)
}

func (b *Bulk) commit(ctx context.Context) error {
	err := errors.Join(b.noteRuns(ctx), b.tx.flushChanges())
	if err == nil {
		err = b.conn.commit(ctx, false)
	}
	if err != nil {
		return describeBulk(fmt.Errorf("commit load: %w", err))
	}
	b.tx = nil
	return nil
}

// noteRuns notes the new runs as changes. The counter is locked first, as whoever commits a change must have it: so the runs
// of others that lie between are found with their changes, which are then noted again.
func (b *Bulk) noteRuns(ctx context.Context) error {
	if b.oldest == 0 {
		return nil
	}
	var head int64
	if _, err := b.tx.Scan(ctx, "UPDATE change_sequence SET value = value WHERE id = 1 RETURNING value", nil, &head); err != nil {
		return fmt.Errorf("number changes: %w", err)
	}
	done, err := b.tx.ExecContext(ctx, "INSERT INTO changes (entity, entity_id, scope, sequence) "+
		"SELECT 'RUN', run_id, experiment_id, ? + ROW_NUMBER() OVER (ORDER BY id) FROM runs WHERE id BETWEEN ? AND ? "+
		"ON CONFLICT (entity, entity_id) DO UPDATE SET scope = excluded.scope, sequence = excluded.sequence", head, b.oldest, b.newest)
	if err != nil {
		return fmt.Errorf("store changes: %w", err)
	}
	noted, err := done.RowsAffected()
	if err != nil {
		return fmt.Errorf("count changes: %w", err)
	}
	if _, err := b.tx.ExecContext(ctx, "UPDATE change_sequence SET value = ? WHERE id = 1", head+noted); err != nil {
		return fmt.Errorf("number changes: %w", err)
	}
	b.oldest = 0
	return nil
}

// Finish writes the rest, builds what was left for the end, and makes all of it durable. The Bulk is closed thereafter,
// nothing else.
func (b *Bulk) Finish(ctx context.Context) error {
	if err := b.Flush(ctx); err != nil {
		return err
	}
	if b.db.Postgres() {
		for _, statement := range b.deferred {
			if _, err := b.tx.ExecContext(ctx, statement); err != nil {
				return describeBulk(fmt.Errorf("build what was left for the end (%.100s…): %w", statement, err))
			}
		}
		if err := b.commit(ctx); err != nil {
			return err
		}
		return vacuumPostgres(ctx, b.conn)
	}
	if err := b.commit(ctx); err != nil {
		return err
	}
	if !b.empty {
		return nil
	}
	return buildIndexes(ctx, b.conn)
}

// Close ends the load. What was not finished is not stored on PostgreSQL; on SQLite, what was not committed.
func (b *Bulk) Close(ctx context.Context) error {
	if b.closed {
		return nil
	}
	b.closed = true
	var err error
	if b.tx != nil {
		err = b.conn.rollback(context.WithoutCancel(ctx))
	}
	if b.conn != nil {
		err = errors.Join(err, b.conn.Close())
	}
	return errors.Join(err, b.db.Close())
}

// describeBulk says in a user's words what a database refuses.
func describeBulk(err error) error {
	switch {
	case uniqueViolation(err):
		return errs.Wrap(errs.Exists, err, "load: a run, or one of its keys, is there twice: %s", err.Error())
	case unreachable(err):
		return errs.Wrap(errs.Unavailable, err, "the database cannot be reached; nothing of the load is stored")
	}
	return describeSQLite(errs.Unavailable, "the file", err)
}
