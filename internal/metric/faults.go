package metric

import (
	"context"
	"database/sql"
	"log/slog"
	"sync"

	"github.com/cairnml/cairn/internal/store"
)

// faults are the damaged places that were met while points were read. They are told of at the end: only then is the connection
// free to be asked for the id by which users know a run.
type faults struct {
	mu  sync.Mutex
	met []fault
}

type fault struct {
	runPK int
	where string // "" where the error says it
	err   error
}

// add notes a place. It is safe for concurrent use.
func (f *faults) add(runPK int, where string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.met = append(f.met, fault{runPK, where, err})
}

// tell logs what was met. q reads nothing else meanwhile; where it cannot be asked any more, runs are named by their rows.
func (f *faults) tell(ctx context.Context, q store.Querier, log *slog.Logger, message string) {
	ids := map[int]string{}
	for _, one := range f.met {
		id, ok := ids[one.runPK]
		if !ok {
			err := store.EachRow(ctx, q, "SELECT run_id FROM runs WHERE id = ?", []any{one.runPK}, func(rows *sql.Rows) error {
				return rows.Scan(&id)
			})
			if err != nil {
				log.Debug("name a run", "row", one.runPK, "error", err)
			}
			ids[one.runPK] = id
		}
		named := slog.String("run", id)
		if id == "" {
			named = slog.Int("run_row", one.runPK)
		}
		args := []any{named, "error", one.err}
		if one.where != "" {
			args = []any{named, "where", one.where, "error", one.err}
		}
		log.Error(message, args...)
	}
}
