package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
)

// chunkBits is the number of bits of a chunk's id that hold its number.
const chunkBits = 20

// MaxChunks bounds the chunks of one series.
const MaxChunks = 1 << chunkBits

// ChunkID gives the id of a series' chunk: a series' chunks are neighbours in their table.
func ChunkID(seriesID, number int) int64 { return int64(seriesID)<<chunkBits | int64(number) }

// ChunkSeries gives the id of a chunk's series.
func ChunkSeries(id int64) int { return int(id >> chunkBits) }

// ChunkNumber gives the number of a chunk of its series.
func ChunkNumber(id int64) int64 { return id & (MaxChunks - 1) }

// Chunk is a row of metric_chunks (ent/schema/chunk.go says what the columns mean).
type Chunk struct {
	SeriesID, Number            int
	RunPK                       int
	FirstSequence, LastSequence int64
	StepScale                   int8
	MinStep, MaxStep            int64
	Summary, Payload            []byte
}

// InsertChunks stores full chunks.
func InsertChunks(ctx context.Context, tx *Tx, chunks []Chunk) error {
	for i := range chunks {
		if c := &chunks[i]; c.Number >= MaxChunks {
			return fmt.Errorf("series %d has more than %d chunks", c.SeriesID, MaxChunks)
		}
	}
	err := insertMany(ctx, tx, "metric_chunks (id, run_id, first_sequence, last_sequence, step_scale, min_step, max_step, summary, payload)", "",
		chunks, func(args []any, c *Chunk) []any {
			return append(args, ChunkID(c.SeriesID, c.Number), c.RunPK, c.FirstSequence, c.LastSequence, c.StepScale, c.MinStep, c.MaxStep,
				c.Summary, c.Payload)
		})
	if err != nil {
		return fmt.Errorf("store chunks: %w", err)
	}
	return nil
}

const chunkHead = "SELECT id, run_id, first_sequence, last_sequence, step_scale, min_step, max_step"

func scanChunk(rows *sql.Rows, more ...any) (Chunk, error) {
	var c Chunk
	var id int64
	err := rows.Scan(append([]any{&id, &c.RunPK, &c.FirstSequence, &c.LastSequence, &c.StepScale, &c.MinStep, &c.MaxStep}, more...)...)
	if err != nil {
		return Chunk{}, fmt.Errorf("scan chunk: %w", err)
	}
	c.SeriesID, c.Number = ChunkSeries(id), int(ChunkNumber(id))
	return c, nil
}

// EachChunk calls fn for chunks by their ids, those that there are, in the order of series and number. The payload is valid
// during the call only.
func EachChunk(ctx context.Context, q Querier, ids []int64, fn func(Chunk) error) error {
	return eachChunk(ctx, q, chunkHead+", payload", ids, func(rows *sql.Rows) error {
		var payload sql.RawBytes
		c, err := scanChunk(rows, &payload)
		if err != nil {
			return err
		}
		c.Payload = payload
		return fn(c)
	})
}

// EachChunkHead is EachChunk with summaries in the place of payloads.
func EachChunkHead(ctx context.Context, q Querier, ids []int64, fn func(Chunk) error) error {
	return eachChunk(ctx, q, chunkHead+", summary", ids, func(rows *sql.Rows) error {
		var c Chunk
		var summary []byte
		c, err := scanChunk(rows, &summary)
		if err != nil {
			return err
		}
		c.Summary = summary
		return fn(c)
	})
}

// EachChunkID calls fn for those of some chunks that there are.
func EachChunkID(ctx context.Context, q Querier, ids []int64, fn func(id int64) error) error {
	return eachChunk(ctx, q, "SELECT id", ids, func(rows *sql.Rows) error {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return fmt.Errorf("scan chunk: %w", err)
		}
		return fn(id)
	})
}

func eachChunk(ctx context.Context, q Querier, columns string, ids []int64, scan func(*sql.Rows) error) error {
	for _, part := range Parts(ids) {
		err := EachRow(ctx, q, columns+" FROM metric_chunks WHERE id IN "+In(len(part))+" ORDER BY id", Args(nil, part), scan)
		if err != nil {
			return fmt.Errorf("read chunks: %w", err)
		}
	}
	return nil
}

// ChunksBehind gives the heads of a run's chunks that have points of batches behind a sequence, by their first sequence.
func ChunksBehind(ctx context.Context, q Querier, runPK int, sequence int64) ([]Chunk, error) {
	var out []Chunk
	err := EachRow(ctx, q, chunkHead+" FROM metric_chunks WHERE run_id = ? AND last_sequence > ? ORDER BY first_sequence, id",
		[]any{runPK, sequence}, func(rows *sql.Rows) error {
			c, err := scanChunk(rows)
			out = append(out, c)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("find chunks: %w", err)
	}
	return out, nil
}

// Tail is a row of metric_tails.
type Tail struct {
	ID       int
	RunPK    int
	FirstKey string
	Sequence int64
	Points   int
	Payload  []byte
}

// TailHeads gives the rows of some runs without their payloads, run by run in the order of their keys.
func TailHeads(ctx context.Context, q Querier, runPKs []int) ([]Tail, error) {
	var out []Tail
	for _, part := range Parts(runPKs) {
		err := EachRow(ctx, q, "SELECT id, run_id, first_key, sequence, points FROM metric_tails WHERE run_id IN "+In(len(part))+
			" ORDER BY run_id", Args(nil, part), func(rows *sql.Rows) error {
			var t Tail
			err := rows.Scan(&t.ID, &t.RunPK, &t.FirstKey, &t.Sequence, &t.Points)
			out = append(out, t)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("read tails: %w", err)
		}
	}
	// By bytes, which is not how every PostgreSQL sorts texts.
	slices.SortFunc(out, func(a, b Tail) int {
		return cmp.Or(cmp.Compare(a.RunPK, b.RunPK), cmp.Compare(a.FirstKey, b.FirstKey))
	})
	return out, nil
}

// EachTail calls fn for the payloads of tails by their ids. They are valid during the call only.
func EachTail(ctx context.Context, q Querier, ids []int, fn func(id int, payload []byte) error) error {
	for _, part := range Parts(ids) {
		err := EachRow(ctx, q, "SELECT id, payload FROM metric_tails WHERE id IN "+In(len(part))+" ORDER BY id", Args(nil, part),
			func(rows *sql.Rows) error {
				var id int
				var payload sql.RawBytes
				if err := rows.Scan(&id, &payload); err != nil {
					return fmt.Errorf("scan tail: %w", err)
				}
				return fn(id, payload)
			})
		if err != nil {
			return fmt.Errorf("read tails: %w", err)
		}
	}
	return nil
}

// ReplaceTail stores rows in the place of one: the first keeps its id and first key. It gives false, and changes nothing,
// when the row is no longer as it was read. Read has the id 0 when the run had no row.
func ReplaceTail(ctx context.Context, tx *Tx, read Tail, rows []Tail) (bool, error) {
	if read.ID == 0 {
		var id int
		if found, err := tx.Scan(ctx, "SELECT id FROM metric_tails WHERE run_id = ? LIMIT 1", []any{read.RunPK}, &id); err != nil || found {
			return false, err
		}
		return true, insertTails(ctx, tx, rows)
	}
	res, err := tx.ExecContext(ctx, "UPDATE metric_tails SET sequence = ?, points = ?, payload = ? WHERE id = ? AND sequence = ?",
		rows[0].Sequence, rows[0].Points, rows[0].Payload, read.ID, read.Sequence)
	if err != nil {
		return false, fmt.Errorf("store tail: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return false, err //nolint:wrapcheck // no driver here fails
	}
	return true, insertTails(ctx, tx, rows[1:])
}

// RenewTail stores a row in the place of the one with its id, if any, under another id.
func RenewTail(ctx context.Context, tx *Tx, row Tail) error {
	if _, err := tx.ExecContext(ctx, "DELETE FROM metric_tails WHERE id = ?", row.ID); err != nil {
		return fmt.Errorf("renew tail: %w", err)
	}
	return insertTails(ctx, tx, []Tail{row})
}

func insertTails(ctx context.Context, tx *Tx, rows []Tail) error {
	err := insertMany(ctx, tx, "metric_tails (run_id, first_key, sequence, points, payload)", "", rows, func(args []any, t *Tail) []any {
		return append(args, t.RunPK, t.FirstKey, t.Sequence, t.Points, t.Payload)
	})
	if err != nil {
		return fmt.Errorf("store tails: %w", err)
	}
	return nil
}

// Rollup is a row of metric_rollups.
type Rollup struct {
	SeriesID, Chunks int
	Payload          []byte
}

// UpsertRollups stores roll-ups.
func UpsertRollups(ctx context.Context, tx *Tx, rollups []Rollup) error {
	err := insertMany(ctx, tx, "metric_rollups (id, chunks, payload)",
		" ON CONFLICT (id) DO UPDATE SET chunks = excluded.chunks, payload = excluded.payload", rollups, func(args []any, r *Rollup) []any {
			return append(args, r.SeriesID, r.Chunks, r.Payload)
		})
	if err != nil {
		return fmt.Errorf("store roll-ups: %w", err)
	}
	return nil
}

// EachRollup calls fn for the roll-ups of some series, those that there are. The payload is valid during the call only.
func EachRollup(ctx context.Context, q Querier, seriesIDs []int, fn func(Rollup) error) error {
	for _, part := range Parts(seriesIDs) {
		err := EachRow(ctx, q, "SELECT id, chunks, payload FROM metric_rollups WHERE id IN "+In(len(part))+" ORDER BY id", Args(nil, part),
			func(rows *sql.Rows) error {
				var r Rollup
				var payload sql.RawBytes
				if err := rows.Scan(&r.SeriesID, &r.Chunks, &payload); err != nil {
					return fmt.Errorf("scan roll-up: %w", err)
				}
				r.Payload = payload
				return fn(r)
			})
		if err != nil {
			return fmt.Errorf("read roll-ups: %w", err)
		}
	}
	return nil
}

// ChunkCounts gives how many full chunks each of some series has, those that have a roll-up.
func ChunkCounts(ctx context.Context, q Querier, seriesIDs []int) (map[int]int, error) {
	out := make(map[int]int, len(seriesIDs))
	for _, part := range Parts(seriesIDs) {
		err := EachRow(ctx, q, "SELECT id, chunks FROM metric_rollups WHERE id IN "+In(len(part)), Args(nil, part),
			func(rows *sql.Rows) error {
				var id, chunks int
				err := rows.Scan(&id, &chunks)
				out[id] = chunks
				return err
			})
		if err != nil {
			return nil, fmt.Errorf("count chunks: %w", err)
		}
	}
	return out, nil
}

// DeleteChunks removes the chunks and the roll-ups of some series.
func DeleteChunks(ctx context.Context, tx *Tx, seriesIDs []int) error {
	for _, id := range seriesIDs {
		if _, err := tx.ExecContext(ctx, "DELETE FROM metric_chunks WHERE id >= ? AND id < ?", ChunkID(id, 0), ChunkID(id+1, 0)); err != nil {
			return fmt.Errorf("delete chunks: %w", err)
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM metric_rollups WHERE id = ?", id); err != nil {
			return fmt.Errorf("delete roll-up: %w", err)
		}
	}
	return nil
}

// DeletePoints removes all points of a run, in whatever form, and what is derived of them but for its series' rows.
func DeletePoints(ctx context.Context, tx *Tx, runPK int) error {
	for _, query := range []string{
		"DELETE FROM metric_rollups WHERE id IN (SELECT id FROM metric_series WHERE run_id = ?)",
		"DELETE FROM metric_chunks WHERE run_id = ?",
		"DELETE FROM metric_tails WHERE run_id = ?",
	} {
		if _, err := tx.ExecContext(ctx, query, runPK); err != nil {
			return fmt.Errorf("delete points: %w", err)
		}
	}
	_, err := DeleteBatches(ctx, tx, runPK, maxSequence)
	return err
}
