package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/cairnml/cairn/internal/errs"
)

// Batch is a row of metric_batches: a flush of points of one run, packed (internal/metric has the format).
type Batch struct {
	RunPK    int
	Sequence int64
	Points   int
	// Created is Unix milliseconds.
	Created int64
	// Payload is valid until the next batch is read.
	Payload []byte
}

// A batch's id is its run's key times 2^sequenceBits plus its sequence: so a run's batches lie together, in order, and need
// no index beside the table. It leaves room for 17 billion batches a run and for half a billion runs.
const (
	sequenceBits = 34
	maxSequence  = 1<<sequenceBits - 1
	maxRunPK     = 1<<(63-sequenceBits) - 1
)

// batchIDs gives the ids that batches of a run may have beyond a sequence, both included.
func batchIDs(runPK int, after int64) (first, last int64) {
	base := int64(runPK) << sequenceBits
	return base + min(max(after, 0), maxSequence) + 1, base + maxSequence
}

func batchID(runPK int, sequence int64) (int64, error) {
	if sequence < 1 || sequence > maxSequence || runPK < 0 || runPK > maxRunPK {
		return 0, errs.New(errs.Exhausted, "the run cannot have a metric batch %d: at most %d go into a run; log more points in each", sequence, int64(maxSequence))
	}
	return int64(runPK)<<sequenceBits + sequence, nil
}

// InsertBatch stores a batch. The transaction holds the run's lock, and sequence is beyond that of all earlier batches.
func InsertBatch(ctx context.Context, tx *Tx, runPK int, sequence int64, points int, now int64, payload []byte) error {
	return InsertBatches(ctx, tx, []Batch{{RunPK: runPK, Sequence: sequence, Points: points, Created: now, Payload: payload}})
}

// InsertBatches stores batches as InsertBatch does.
func InsertBatches(ctx context.Context, tx *Tx, batches []Batch) error {
	for i := range batches {
		if _, err := batchID(batches[i].RunPK, batches[i].Sequence); err != nil {
			return err
		}
	}
	err := insertMany(ctx, tx, "metric_batches (id, points, created_at, payload)", "", batches, func(args []any, b *Batch) []any {
		return append(args, int64(b.RunPK)<<sequenceBits+b.Sequence, b.Points, b.Created, b.Payload)
	})
	if err != nil {
		return fmt.Errorf("store batches: %w", err)
	}
	return nil
}

// eachBatch reads batches run by run. The order is that in which SQLite comes to the rows, and so it sorts nothing.
var eachBatch = fmt.Sprintf("SELECT runs.id, b.id & %d, b.points, b.created_at, b.payload FROM runs CROSS JOIN metric_batches b "+
	"WHERE b.id BETWEEN (runs.id << %d) + ? AND (runs.id << %d) + %d AND runs.id IN ",
	int64(maxSequence), sequenceBits, sequenceBits, int64(maxSequence))

// EachBatch calls fn for the batches of some runs whose sequence is beyond after (0: all), run by run in the order of
// their keys, and for each in the order of its sequence.
func EachBatch(ctx context.Context, q Querier, runPKs []int, after int64, fn func(Batch) error) error {
	if len(runPKs) == 1 {
		return eachBatchOf(ctx, q, runPKs[0], after, fn)
	}
	for _, part := range Parts(slices.Sorted(slices.Values(runPKs))) {
		_, err := eachBatchRow(ctx, q, eachBatch+In(len(part))+" ORDER BY runs.id, b.id",
			Args([]any{min(max(after, 0), maxSequence) + 1}, part), fn)
		if err != nil {
			return err
		}
	}
	return nil
}

// The first and the largest page in which batches of one run are read.
const (
	firstBatches = 8
	mostBatches  = 1024
)

// eachBatchOf reads one run's batches in pages, each twice as long as the one before. Who reads one run often stops early,
// and lib/pq reads all rows of a query that is given up: in one query, a compactor that takes slice after slice would read
// all that waits for each of them.
func eachBatchOf(ctx context.Context, q Querier, runPK int, after int64, fn func(Batch) error) error {
	for page := firstBatches; ; page = min(2*page, mostBatches) {
		first, last := batchIDs(runPK, after)
		n, err := eachBatchRow(ctx, q, oneRunsBatches, []any{runPK, first, last, page}, func(b Batch) error {
			after = b.Sequence
			return fn(b)
		})
		if err != nil || n < page {
			return err
		}
	}
}

var oneRunsBatches = fmt.Sprintf("SELECT CAST(? AS BIGINT), id & %d, points, created_at, payload FROM metric_batches "+
	"WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?", int64(maxSequence))

// eachBatchRow calls fn for the rows of a query for batches, and gives how many they are.
func eachBatchRow(ctx context.Context, q Querier, query string, args []any, fn func(Batch) error) (n int, err error) {
	err = EachRow(ctx, q, query, args, func(rows *sql.Rows) error {
		n++
		var b Batch
		var payload sql.RawBytes
		if err := rows.Scan(&b.RunPK, &b.Sequence, &b.Points, &b.Created, &payload); err != nil {
			return fmt.Errorf("scan batch: %w", err)
		}
		b.Payload = payload
		if err := fn(b); err != nil {
			return fmt.Errorf("batch %d: %w", b.Sequence, err)
		}
		return nil
	})
	return n, err
}

// ReplaceBatch stores a batch anew, with fewer points, or removes it when it has none. The transaction holds the run's lock.
func ReplaceBatch(ctx context.Context, tx *Tx, b Batch) error {
	if b.Points == 0 {
		// As others that are removed, it may be the one that tells the run's newest sequence.
		_, err := deleteBatches(ctx, tx, b.RunPK, b.Sequence-1, b.Sequence)
		return err
	}
	id, err := batchID(b.RunPK, b.Sequence)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE metric_batches SET points = ?, payload = ? WHERE id = ?", b.Points, b.Payload, id); err != nil {
		return fmt.Errorf("replace batch: %w", err)
	}
	return nil
}

// DeleteBatches removes the batches of a run up to a sequence, itself included, and gives how many they were. The
// transaction holds the run's lock.
func DeleteBatches(ctx context.Context, tx *Tx, runPK int, upTo int64) (int64, error) {
	return deleteBatches(ctx, tx, runPK, 0, upTo)
}

// deleteBatches removes the batches of a run behind a sequence, up to another.
func deleteBatches(ctx context.Context, tx *Tx, runPK int, after, upTo int64) (int64, error) {
	if !tx.db.Postgres() { // see newestBatch
		if _, err := tx.ExecContext(ctx, "UPDATE runs SET metric_sequence = MAX(metric_sequence, "+newestBatch+") WHERE id = ?",
			runPK); err != nil {
			return 0, fmt.Errorf("keep the newest sequence: %w", err)
		}
	}
	first, last := batchIDs(runPK, after)
	res, err := tx.ExecContext(ctx, "DELETE FROM metric_batches WHERE id BETWEEN ? AND ?", first, min(last, first-1-after+upTo))
	if err != nil {
		return 0, fmt.Errorf("delete batches: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("delete batches: %w", err)
	}
	return n, nil
}

// newestBatch is the expression for the sequence of the newest batch of a row of runs that is there, 0 without one. On
// SQLite it may be ahead of the row's metric_sequence, which is not written with each batch; on PostgreSQL it never is, since
// who waits for the row's lock must find it there.
var newestBatch = fmt.Sprintf("COALESCE((SELECT b.id & %d FROM metric_batches b "+
	"WHERE b.id BETWEEN (runs.id << %d) AND (runs.id << %d) + %d ORDER BY b.id DESC LIMIT 1), 0)",
	int64(maxSequence), sequenceBits, sequenceBits, int64(maxSequence))

// Heads gives the sequence of the newest batch of each run that is there, whether the batch itself still is or not.
func Heads(ctx context.Context, q Querier, runPKs []int) (map[int]int64, error) {
	out := make(map[int]int64, len(runPKs))
	for _, part := range Parts(runPKs) {
		err := EachRow(ctx, q, "SELECT id, metric_sequence, "+newestBatch+" FROM runs WHERE id IN "+In(len(part)), Args(nil, part),
			func(rows *sql.Rows) error {
				var pk int
				var noted, newest int64
				err := rows.Scan(&pk, &noted, &newest)
				out[pk] = max(noted, newest)
				return err
			})
		if err != nil {
			return nil, fmt.Errorf("read the runs' sequences: %w", err)
		}
	}
	return out, nil
}

// PendingRun is a run with batches that are not folded into chunks yet.
type PendingRun struct {
	RunPK   int
	Batches int
	Points  int64
	// Oldest is when the oldest of the batches was stored, in Unix milliseconds.
	Oldest int64
}

// pendingRuns goes from one run to the next by the least id behind the last one's, and so never reads batches of runs that
// are not asked for.
var pendingRuns = strings.NewReplacer("BITS", fmt.Sprint(sequenceBits)).Replace(`
	WITH RECURSIVE pending (n, run) AS (
		SELECT 1, (SELECT MIN(id) FROM metric_batches WHERE id >= ?) >> BITS
		UNION ALL
		SELECT n + 1, (SELECT MIN(id) FROM metric_batches WHERE id >= (run + 1) << BITS) >> BITS
		FROM pending WHERE run IS NOT NULL AND n < ?)
	SELECT run, COUNT(*), SUM(b.points), MIN(b.created_at)
	FROM pending JOIN metric_batches b ON b.id BETWEEN run << BITS AND ((run + 1) << BITS) - 1
	GROUP BY run ORDER BY run`)

// PendingRuns gives up to limit runs that have batches, those behind a key in the order of their keys.
func PendingRuns(ctx context.Context, q Querier, afterRunPK, limit int) ([]PendingRun, error) {
	var out []PendingRun
	first, _ := batchIDs(afterRunPK+1, 0)
	err := EachRow(ctx, q, pendingRuns, []any{first, limit}, func(rows *sql.Rows) error {
		var p PendingRun
		err := rows.Scan(&p.RunPK, &p.Batches, &p.Points, &p.Oldest)
		out = append(out, p)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find runs with batches: %w", err)
	}
	return out, nil
}
