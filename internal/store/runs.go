package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/lib/pq"
)

// LockedRun is what a writer of metrics needs of a run.
type LockedRun struct {
	PK, ExperimentID int
	RunID, Stage     string
	// Sequence is that of its newest metric batch.
	Sequence int64
}

// LockRuns reads some runs and locks them until the transaction ends, in the order of their ids. Those that are not there
// are left out.
func LockRuns(ctx context.Context, tx *Tx, runIDs []string) ([]LockedRun, error) {
	out := make([]LockedRun, 0, len(runIDs))
	query, args := "SELECT id, experiment_id, run_id, lifecycle_stage, metric_sequence, ", []any{nil}
	if tx.db.Postgres() {
		// NO KEY: rows that only refer to the run do not wait.
		query += "0 FROM runs WHERE run_id = ANY(?) ORDER BY run_id FOR NO KEY UPDATE"
		args[0] = pq.StringArray(runIDs)
		runIDs = []string{""}
	} else {
		query += newestBatch + " FROM runs WHERE run_id = ?"
	}
	for _, id := range runIDs {
		if !tx.db.Postgres() {
			args[0] = id
		}
		err := EachRow(ctx, tx, query, args, func(rows *sql.Rows) error {
			var r LockedRun
			var newest int64
			err := rows.Scan(&r.PK, &r.ExperimentID, &r.RunID, &r.Stage, &r.Sequence, &newest)
			r.Sequence = max(r.Sequence, newest)
			out = append(out, r)
			return err
		})
		if err != nil {
			tx.failed = true
			return nil, fmt.Errorf("lock runs: %w", err)
		}
	}
	return out, nil
}

// RunWrite says that a run was written to.
type RunWrite struct {
	PK int
	// Sequence is that of its newest metric batch, Now is Unix milliseconds.
	Sequence, Now int64
	// By is the principal that wrote.
	By string
	// Changed: more than points were written.
	Changed bool
}

// NoteRunWrites notes in the rows of runs, each named once, that they were written to. The transaction holds their locks.
// On SQLite, what only got points is noted by TouchRuns, later: a page of the table less is written with each batch.
func NoteRunWrites(ctx context.Context, tx *Tx, writes []RunWrite) error {
	if !tx.db.Postgres() {
		for _, w := range writes {
			if !w.Changed {
				continue
			}
			if _, err := tx.ExecContext(ctx, "UPDATE runs SET metric_sequence = ?, updated_at = ?, updated_by = ? WHERE id = ?",
				w.Sequence, w.Now, w.By, w.PK); err != nil {
				return fmt.Errorf("note written runs: %w", err)
			}
		}
		return nil
	}
	by := make(pq.StringArray, len(writes))
	for i, w := range writes {
		by[i] = w.By
	}
	if _, err := tx.ExecContext(ctx, "UPDATE runs SET metric_sequence = v.sequence, updated_at = v.now, updated_by = v.by "+
		"FROM unnest(?::bigint[], ?::bigint[], ?::bigint[], ?::text[]) AS v (id, sequence, now, by) WHERE runs.id = v.id",
		integers(writes, func(w RunWrite) int64 { return int64(w.PK) }), integers(writes, func(w RunWrite) int64 { return w.Sequence }),
		integers(writes, func(w RunWrite) int64 { return w.Now }), by); err != nil {
		return fmt.Errorf("note written runs: %w", err)
	}
	return nil
}

// RunTouch says when and by whom a run was written to last.
type RunTouch struct {
	RunID string
	Now   int64
	By    string
}

// TouchRuns notes what NoteRunWrites left for later.
func TouchRuns(ctx context.Context, tx *Tx, touches []RunTouch) error {
	if tx.db.Postgres() {
		return nil
	}
	for _, t := range touches {
		if _, err := tx.ExecContext(ctx, "UPDATE runs SET updated_at = ?, updated_by = ? WHERE run_id = ? AND updated_at <= ?",
			t.Now, t.By, t.RunID, t.Now); err != nil {
			return fmt.Errorf("touch runs: %w", err)
		}
	}
	return nil
}

// ClientSequence is how far a client of a run got.
type ClientSequence struct {
	RunPK  int
	Client string
	Last   int64
}

// LoadClients fills in how far clients got, 0 for those that are not known.
func LoadClients(ctx context.Context, tx *Tx, clients []*ClientSequence) error {
	if len(clients) == 0 {
		return nil
	}
	if !tx.db.Postgres() {
		for _, c := range clients {
			if _, err := tx.Scan(ctx, "SELECT last_sequence FROM batch_clients WHERE run_id = ? AND client = ?",
				[]any{c.RunPK, c.Client}, &c.Last); err != nil {
				return fmt.Errorf("look up clients: %w", err)
			}
		}
		return nil
	}
	names := make(pq.StringArray, len(clients))
	for i, c := range clients {
		names[i] = c.Client
	}
	err := EachRow(ctx, tx, "SELECT v.number, b.last_sequence FROM unnest(?::bigint[], ?::text[]) WITH ORDINALITY AS v (run, client, number) "+
		"JOIN batch_clients b ON b.run_id = v.run AND b.client = v.client",
		[]any{integers(clients, func(c *ClientSequence) int64 { return int64(c.RunPK) }), names}, func(rows *sql.Rows) error {
			var number int
			var last int64
			err := rows.Scan(&number, &last)
			if err == nil {
				clients[number-1].Last = last
			}
			return err //nolint:wrapcheck // wrapped below
		})
	if err != nil {
		tx.failed = true
		return fmt.Errorf("look up clients: %w", err)
	}
	return nil
}

// StoreClients notes how far clients got, each named once.
func StoreClients(ctx context.Context, tx *Tx, clients []*ClientSequence) error {
	slices.SortFunc(clients, func(a, b *ClientSequence) int {
		if a.RunPK != b.RunPK {
			return a.RunPK - b.RunPK
		}
		return strings.Compare(a.Client, b.Client)
	})
	per := 1
	if tx.db.Postgres() {
		per = max(len(clients), 1)
	}
	for part := range slices.Chunk(clients, per) {
		args := make([]any, 0, 3*len(part))
		for _, c := range part {
			args = append(args, c.RunPK, c.Client, c.Last)
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO batch_clients (run_id, client, last_sequence) VALUES "+Tuples(len(part), 3)+
			" ON CONFLICT (run_id, client) DO UPDATE SET last_sequence = excluded.last_sequence", args...); err != nil {
			return fmt.Errorf("remember clients: %w", err)
		}
	}
	return nil
}
