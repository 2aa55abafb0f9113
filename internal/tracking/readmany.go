package tracking

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/loggedmodel"
	"github.com/cairnml/cairn/ent/run"
	"github.com/cairnml/cairn/ent/runlogchunk"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
)

// RunsByID gives those of the runs that are there, deleted or not, by their ids.
func (s *Service) RunsByID(ctx context.Context, ids []string) (map[string]*ent.Run, error) {
	return store.Keyed(ids, "runs", func(ids []string) ([]*ent.Run, error) {
		return s.db.Ent().Run.Query().Where(run.RunIDIn(ids...)).All(ctx)
	}, func(r *ent.Run) string { return r.RunID })
}

// LoggedModelsByID gives those of the logged models that are there and not deleted, by their ids.
func (s *Service) LoggedModelsByID(ctx context.Context, ids []string) (map[string]*ent.LoggedModel, error) {
	return store.Keyed(ids, "logged models", func(ids []string) ([]*ent.LoggedModel, error) {
		return s.db.Ent().LoggedModel.Query().
			Where(loggedmodel.ModelIDIn(ids...), loggedmodel.LifecycleStageEQ(loggedmodel.LifecycleStageActive)).All(ctx)
	}, func(m *ent.LoggedModel) string { return m.ModelID })
}

// logBudget bounds the console output that one read gives, in bytes, shared by the runs that it is of.
const logBudget = 16 << 20

// RunLogSince gives pieces of a run's console output behind the sequence after, oldest first: at least one where there is one, and
// up to first or, of large pieces, up to so many bytes.
func (s *Service) RunLogSince(ctx context.Context, runPK int, after int64, first, bytes int) ([]*ent.RunLogChunk, error) {
	if first < 1 || first > maxLogChunks {
		return nil, errs.Field("first", "is %d: it must be 1 to %d", first, maxLogChunks)
	}
	// Their lengths first: a database would read all of them to give those that are not too much together.
	upTo, total := after, 0
	err := store.EachRow(ctx, s.db.Read(), "SELECT sequence, LENGTH(data) FROM run_log_chunks WHERE run_id = ? AND sequence > ? "+
		"ORDER BY sequence LIMIT ?", []any{runPK, after, first}, func(rows *sql.Rows) error {
		var sequence int64
		var length int
		err := rows.Scan(&sequence, &length)
		if total += length; upTo == after || total <= bytes {
			upTo = sequence
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("measure console output: %w", err)
	}
	pieces, err := s.db.Ent().RunLogChunk.Query().
		Where(runlogchunk.RunID(runPK), runlogchunk.SequenceGT(after), runlogchunk.SequenceLTE(upTo)).
		Order(ent.Asc(runlogchunk.FieldSequence)).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read console output: %w", err)
	}
	return pieces, nil
}

// RunLogsOf gives up to first pieces of each run's console output behind the sequence after, oldest first: of each run at
// least one where there is one, and fewer than first where they are large. A reader goes on until none comes.
func (s *Service) RunLogsOf(ctx context.Context, runs []int, after int64, first int) (map[int][]*ent.RunLogChunk, error) {
	if first < 1 || first > maxLogChunks {
		return nil, errs.Field("first", "is %d: it must be 1 to %d", first, maxLogChunks)
	}
	budget := logBudget / max(len(runs), 1)
	return store.Grouped(runs, "console output", func(ids []int) ([]*ent.RunLogChunk, error) {
		args := append(store.Args(nil, ids), after, first, budget)
		rows, err := s.db.Read().QueryContext(ctx, "SELECT run_id, sequence, stream, created_at, data FROM ("+
			"SELECT run_id, sequence, stream, created_at, data, ROW_NUMBER() OVER w AS place, SUM(LENGTH(data)) OVER w AS bytes "+
			"FROM run_log_chunks WHERE run_id IN "+store.In(len(ids))+" AND sequence > ? "+
			"WINDOW w AS (PARTITION BY run_id ORDER BY sequence)) pieces "+
			"WHERE place <= ? AND (place = 1 OR bytes <= ?) ORDER BY run_id, sequence", args...)
		if err != nil {
			return nil, err
		}
		defer rows.Close()
		var out []*ent.RunLogChunk
		for rows.Next() {
			var c ent.RunLogChunk
			var stream string
			if err := rows.Scan(&c.RunID, &c.Sequence, &stream, &c.CreatedAt, &c.Data); err != nil {
				return nil, err
			}
			c.Stream = runlogchunk.Stream(stream)
			out = append(out, &c)
		}
		return out, rows.Err()
	}, func(c *ent.RunLogChunk) int { return c.RunID })
}
