package store

import (
	"context"
	"database/sql"
	"fmt"
)

// Batch is a row of metric_batches: a flush of points of one run, packed (internal/metric has the format).
type Batch struct {
	RunPK    int
	Sequence int64
	Points   int
	// Payload is valid until the next batch is read.
	Payload []byte
}

// InsertBatch stores a batch. The transaction holds the run's lock, and sequence is beyond that of all earlier batches.
func InsertBatch(ctx context.Context, tx *Tx, runPK int, sequence int64, points int, now int64, payload []byte) error {
	if _, err := tx.ExecContext(ctx, "INSERT INTO metric_batches (run_id, sequence, points, created_at, payload) VALUES (?, ?, ?, ?, ?)",
		runPK, sequence, points, now, payload); err != nil {
		return fmt.Errorf("store batch: %w", err)
	}
	return nil
}

// EachBatch calls fn for the batches of some runs whose sequence is beyond after (0: all), run by run in the order of
// their keys, and for each in the order of its sequence.
func EachBatch(ctx context.Context, q Querier, runPKs []int, after int64, fn func(Batch) error) error {
	for _, part := range Parts(runPKs) {
		err := EachRow(ctx, q, "SELECT run_id, sequence, points, payload FROM metric_batches WHERE run_id IN "+In(len(part))+
			" AND sequence > ? ORDER BY run_id, sequence", append(Args(nil, part), after),
			func(rows *sql.Rows) error {
				var b Batch
				var payload sql.RawBytes
				if err := rows.Scan(&b.RunPK, &b.Sequence, &b.Points, &payload); err != nil {
					return fmt.Errorf("scan batch: %w", err)
				}
				b.Payload = payload
				if err := fn(b); err != nil {
					return fmt.Errorf("run %d, batch %d: %w", b.RunPK, b.Sequence, err)
				}
				return nil
			})
		if err != nil {
			return err
		}
	}
	return nil
}

// ReplaceBatch stores a batch anew, with fewer points, or removes it when it has none. The transaction holds the run's lock.
func ReplaceBatch(ctx context.Context, tx *Tx, b Batch) error {
	query, args := "UPDATE metric_batches SET points = ?, payload = ? WHERE run_id = ? AND sequence = ?",
		[]any{b.Points, b.Payload, b.RunPK, b.Sequence}
	if b.Points == 0 {
		query, args = "DELETE FROM metric_batches WHERE run_id = ? AND sequence = ?", args[2:]
	}
	if _, err := tx.ExecContext(ctx, query, args...); err != nil {
		return fmt.Errorf("replace batch: %w", err)
	}
	return nil
}

// DeleteBatches removes the batches of a run up to a sequence, itself included, and gives how many they were. The
// transaction holds the run's lock.
func DeleteBatches(ctx context.Context, tx *Tx, runPK int, upTo int64) (int64, error) {
	res, err := tx.ExecContext(ctx, "DELETE FROM metric_batches WHERE run_id = ? AND sequence <= ?", runPK, upTo)
	if err != nil {
		return 0, fmt.Errorf("delete batches: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("delete batches: %w", err)
	}
	return n, nil
}

// Heads gives the sequence of the newest batch of each run that is there, whether the batch itself still is or not.
func Heads(ctx context.Context, q Querier, runPKs []int) (map[int]int64, error) {
	out := make(map[int]int64, len(runPKs))
	for _, part := range Parts(runPKs) {
		err := EachRow(ctx, q, "SELECT id, metric_sequence FROM runs WHERE id IN "+In(len(part)), Args(nil, part),
			func(rows *sql.Rows) error {
				var pk int
				var sequence int64
				err := rows.Scan(&pk, &sequence)
				out[pk] = sequence
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

// PendingRuns gives up to limit runs that have batches, those behind a key in the order of their keys.
func PendingRuns(ctx context.Context, q Querier, afterRunPK, limit int) ([]PendingRun, error) {
	var out []PendingRun
	err := EachRow(ctx, q, "SELECT run_id, COUNT(*), SUM(points), MIN(created_at) FROM metric_batches WHERE run_id > ? "+
		"GROUP BY run_id ORDER BY run_id LIMIT ?", []any{afterRunPK, limit}, func(rows *sql.Rows) error {
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
