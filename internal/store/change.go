package store

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
)

// changed names an entity that the transaction changed.
type changed struct {
	entity, id string
	scope      int
}

// RunChanged notes that a run changed, for those who follow the changes of its experiment.
func (tx *Tx) RunChanged(runID string, experimentID int) {
	tx.changes = append(tx.changes, changed{"RUN", runID, experimentID})
}

// ModelVersionChanged notes that a version of a registered model changed, for those who follow the model. Both are internal ids,
// which a renaming does not change.
func (tx *Tx) ModelVersionChanged(version, model int) {
	tx.changes = append(tx.changes, changed{"MODEL_VERSION", strconv.Itoa(version), model})
}

// ExperimentChanged notes that something of an experiment changed that finds or orders its runs otherwise.
func (tx *Tx) ExperimentChanged(id int) {
	tx.changes = append(tx.changes, changed{"EXPERIMENT", strconv.Itoa(id), id})
}

// flushChanges numbers the noted changes. The counter is the last row that a transaction locks, and is held until its
// commit: so the order of the numbers is the order of commits, and nobody waits for it in a circle.
func (tx *Tx) flushChanges() error {
	if len(tx.changes) == 0 {
		return nil
	}
	seen := make(map[changed]bool, len(tx.changes))
	unique := tx.changes[:0]
	for _, c := range tx.changes {
		if !seen[c] {
			seen[c] = true
			unique = append(unique, c)
		}
	}
	var head int64
	found, err := tx.Scan(tx.ctx, "UPDATE change_sequence SET value = value + ? WHERE id = 1 RETURNING value",
		[]any{len(unique)}, &head)
	if err != nil {
		return fmt.Errorf("number changes: %w", err)
	}
	if !found {
		return fmt.Errorf("number changes: the counter is missing")
	}
	next := head - int64(len(unique))
	for start := 0; start < len(unique); start += maxGroup {
		part := unique[start:min(start+maxGroup, len(unique))]
		args := make([]any, 0, 4*len(part))
		for _, c := range part {
			next++
			args = append(args, c.entity, c.id, c.scope, next)
		}
		query := "INSERT INTO changes (entity, entity_id, scope, sequence) VALUES " +
			strings.TrimSuffix(strings.Repeat("(?, ?, ?, ?), ", len(part)), ", ") +
			" ON CONFLICT (entity, entity_id) DO UPDATE SET scope = excluded.scope, sequence = excluded.sequence"
		if _, err := tx.ExecContext(tx.ctx, query, args...); err != nil {
			return fmt.Errorf("store changes: %w", err)
		}
	}
	return nil
}

// purgeChange removes the change of a run that is purged, and remembers in its experiment that one was removed.
func purgeChange(ctx context.Context, tx *Tx, runID string) error {
	var scope int
	var sequence int64
	found, err := tx.Scan(ctx, "DELETE FROM changes WHERE entity = 'RUN' AND entity_id = ? RETURNING scope, sequence", []any{runID}, &scope, &sequence)
	if err == nil && found {
		_, err = tx.ExecContext(ctx, "INSERT INTO changes (entity, entity_id, scope, sequence) VALUES ('PURGED', ?, ?, ?) "+
			"ON CONFLICT (entity, entity_id) DO UPDATE SET sequence = excluded.sequence WHERE changes.sequence < excluded.sequence",
			strconv.Itoa(scope), scope, sequence)
	}
	if err != nil {
		return fmt.Errorf("remove a purged run from the changes: %w", err)
	}
	return nil
}

// ChangesPurged is the number of the newest change of some experiments' runs that was removed with its run; 0 when none was. No
// experiments means all.
func ChangesPurged(ctx context.Context, db *DB, experiments []int) (int64, error) {
	query := "SELECT MAX(sequence) FROM changes WHERE entity = 'PURGED'"
	parts := [][]int{nil}
	if experiments != nil {
		parts = Parts(experiments)
	}
	var newest int64
	for _, part := range parts {
		where, args := "", []any(nil)
		if experiments != nil {
			condition, arg := AnyOf(db, "scope", part)
			where, args = " AND "+condition, []any{arg}
		}
		found, err := scanColumn[sql.NullInt64](ctx, db.Read(), query+where, args...)
		if err != nil {
			return 0, fmt.Errorf("read what was purged of the changes: %w", err)
		}
		for _, n := range found {
			newest = max(newest, n.Int64)
		}
	}
	return newest, nil
}
