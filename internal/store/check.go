package store

import (
	"context"
	"database/sql"
	"fmt"
)

// What a check of the metric tables reads. It sees columns as they are, also those that no reader uses.

// CheckedRun is a run whose points are checked.
type CheckedRun struct {
	PK, ExperimentID int
	RunID            string
	// Series is how many series it has.
	Series int
}

// RunsToCheck gives up to limit runs, those behind a key in the order of their keys. What is being removed is left out.
func RunsToCheck(ctx context.Context, q Querier, after, limit int) ([]CheckedRun, error) {
	var out []CheckedRun
	err := EachRow(ctx, q, "SELECT id, experiment_id, run_id, (SELECT COUNT(*) FROM metric_series s WHERE s.run_id = runs.id) FROM runs "+
		"WHERE id > ? AND NOT purging ORDER BY id LIMIT ?", []any{after, limit}, func(rows *sql.Rows) error {
		var r CheckedRun
		err := rows.Scan(&r.PK, &r.ExperimentID, &r.RunID, &r.Series)
		out = append(out, r)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	return out, nil
}

// CheckedSeries is a series' row.
type CheckedSeries struct {
	SeriesRow
	// NaNsAgree: the columns that tell a NaN from no value say what the values do.
	NaNsAgree bool
}

// EachSeriesRow calls fn for all series of some runs.
func EachSeriesRow(ctx context.Context, q Querier, runPKs []int, fn func(CheckedSeries) error) error {
	for _, part := range Parts(runPKs) {
		err := EachRow(ctx, q, "SELECT first_nan = (first_value IS NULL) AND last_nan = (last_value IS NULL), id, "+seriesColumns+
			" FROM metric_series WHERE run_id IN "+In(len(part)), Args(nil, part), func(rows *sql.Rows) error {
			var s CheckedSeries
			var firstNaN, lastNaN any // whatever a damaged database has there
			err := rows.Scan(append([]any{&s.NaNsAgree}, s.into(&firstNaN, &lastNaN)...)...)
			if err != nil {
				return fmt.Errorf("scan series: %w", err)
			}
			return fn(s)
		})
		if err != nil {
			return fmt.Errorf("read series: %w", err)
		}
	}
	return nil
}

// ChunkIDs gives the ids of the chunks of all series of some runs, whichever run they name themselves: for each series in the
// order of their numbers.
func ChunkIDs(ctx context.Context, q Querier, runPKs []int) (map[int][]int64, error) {
	out := map[int][]int64{}
	for _, part := range Parts(runPKs) {
		err := EachRow(ctx, q, "SELECT s.id, c.id FROM metric_series s CROSS JOIN metric_chunks c WHERE c.id >= s.id << ? AND c.id < (s.id + 1) << ? "+
			"AND s.run_id IN "+In(len(part))+" ORDER BY s.id, c.id", Args([]any{chunkBits, chunkBits}, part), func(rows *sql.Rows) error {
			var series int
			var id int64
			err := rows.Scan(&series, &id)
			out[series] = append(out[series], id)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("find chunks: %w", err)
		}
	}
	return out, nil
}

// EachWholeChunk is EachChunk with summaries beside the payloads. Both are valid during the call only.
func EachWholeChunk(ctx context.Context, q Querier, ids []int64, fn func(Chunk) error) error {
	return eachChunk(ctx, q, chunkHead+", summary, payload", ids, func(rows *sql.Rows) error {
		var summary, payload sql.RawBytes
		c, err := scanChunk(rows, &summary, &payload)
		if err != nil {
			return err
		}
		c.Summary, c.Payload = summary, payload
		return fn(c)
	})
}

// StrayChunks gives the heads of up to limit chunks whose series are not there.
func StrayChunks(ctx context.Context, q Querier, limit int) ([]Chunk, error) {
	var out []Chunk
	err := EachRow(ctx, q, "SELECT c.id, c.run_id, c.first_sequence, c.last_sequence, c.step_scale, c.min_step, c.max_step "+
		"FROM metric_chunks c LEFT JOIN metric_series s ON s.id = c.id >> ? WHERE s.id IS NULL ORDER BY c.id LIMIT ?",
		[]any{chunkBits, limit}, func(rows *sql.Rows) error {
			c, err := scanChunk(rows)
			out = append(out, c)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("look for chunks of no series: %w", err)
	}
	return out, nil
}

// HasStrayChunks tells whether a run has chunks whose series are not there.
func HasStrayChunks(ctx context.Context, q Querier, runPK int) (bool, error) {
	found, err := scanColumn[int64](ctx, q, "SELECT c.id FROM metric_chunks c LEFT JOIN metric_series s ON s.id = c.id >> ? "+
		"WHERE c.run_id = ? AND s.id IS NULL LIMIT 1", chunkBits, runPK)
	return len(found) > 0, err
}

// StrayRollups gives the ids of up to limit roll-ups whose series are not there.
func StrayRollups(ctx context.Context, q Querier, limit int) ([]int, error) {
	return scanColumn[int](ctx, q, "SELECT r.id FROM metric_rollups r LEFT JOIN metric_series s ON s.id = r.id WHERE s.id IS NULL ORDER BY r.id LIMIT ?", limit)
}

// StrayBatches gives up to limit runs that are not there, and have points in batches.
func StrayBatches(ctx context.Context, q Querier, limit int) ([]int, error) {
	return scanColumn[int](ctx, q, "SELECT DISTINCT b.id >> ? FROM metric_batches b LEFT JOIN runs r ON r.id = b.id >> ? WHERE r.id IS NULL ORDER BY 1 LIMIT ?",
		sequenceBits, sequenceBits, limit)
}

// StrayTails gives up to limit runs that are not there, and have points in tails.
func StrayTails(ctx context.Context, q Querier, limit int) ([]int, error) {
	return scanColumn[int](ctx, q, "SELECT DISTINCT t.run_id FROM metric_tails t LEFT JOIN runs r ON r.id = t.run_id WHERE r.id IS NULL ORDER BY 1 LIMIT ?", limit)
}
