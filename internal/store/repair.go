package store

import (
	"context"
	"fmt"
	"strings"
)

// What a repair of the metric tables writes. The transaction holds the lock of the run that the rows belong to.

// PutSeries stores a series' row in all its columns: in place of that of its id, or, where that is 0, as a new one.
func PutSeries(ctx context.Context, tx *Tx, r *SeriesRow) error {
	query, args := "INSERT INTO metric_series ("+seriesColumns+") VALUES "+In(seriesColumnCount), r.args(nil)
	if r.ID != 0 {
		query, args = "UPDATE metric_series SET "+strings.ReplaceAll(seriesColumns, ", ", " = ?, ")+" = ? WHERE id = ?", append(args, r.ID)
	}
	if _, err := tx.ExecContext(ctx, query, args...); err != nil {
		return fmt.Errorf("store series: %w", err)
	}
	return nil
}

// DeleteSeries removes series' rows that have no points.
func DeleteSeries(ctx context.Context, tx *Tx, ids []int) error {
	return deleteIn(ctx, tx, "metric_series", ids)
}

// DeleteRollups removes the roll-ups of some series.
func DeleteRollups(ctx context.Context, tx *Tx, seriesIDs []int) error {
	return deleteIn(ctx, tx, "metric_rollups", seriesIDs)
}

func deleteIn(ctx context.Context, tx *Tx, table string, ids []int) error {
	for _, part := range Parts(ids) {
		if _, err := tx.ExecContext(ctx, "DELETE FROM "+table+" WHERE id IN "+In(len(part)), Args(nil, part)...); err != nil {
			return fmt.Errorf("delete from %s: %w", table, err)
		}
	}
	return nil
}

// UpdateChunkHead stores what a chunk's row says beside its payload.
func UpdateChunkHead(ctx context.Context, tx *Tx, c *Chunk) error {
	if _, err := tx.ExecContext(ctx, "UPDATE metric_chunks SET run_id = ?, first_sequence = ?, last_sequence = ?, step_scale = ?, "+
		"min_step = ?, max_step = ?, summary = ? WHERE id = ?", c.RunPK, c.FirstSequence, c.LastSequence, c.StepScale,
		c.MinStep, c.MaxStep, c.Summary, ChunkID(c.SeriesID, c.Number)); err != nil {
		return fmt.Errorf("store chunk: %w", err)
	}
	return nil
}

// UpdateBatchPoints stores how many points a batch has.
func UpdateBatchPoints(ctx context.Context, tx *Tx, b *Batch) error {
	id, err := batchID(b.RunPK, b.Sequence)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE metric_batches SET points = ? WHERE id = ?", b.Points, id); err != nil {
		return fmt.Errorf("store batch: %w", err)
	}
	return nil
}

// RaiseSequence stores the sequence of a run's newest batch.
func RaiseSequence(ctx context.Context, tx *Tx, runPK int, sequence int64) error {
	if _, err := tx.ExecContext(ctx, "UPDATE runs SET metric_sequence = ? WHERE id = ? AND metric_sequence < ?", sequence, runPK, sequence); err != nil {
		return fmt.Errorf("store sequence: %w", err)
	}
	return nil
}
