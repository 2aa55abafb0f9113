package store

import (
	"context"
	"database/sql"
	"fmt"
)

// What removes for good what was deleted long ago: which it is, and in which steps it goes. Each step is small; who takes them
// decides how many go into a transaction.

// Doomed says what counts as deleted long ago.
type Doomed struct {
	// Before is when it must have been deleted, in Unix milliseconds.
	Before int64
	// KeysBefore is when idempotency keys must have been used.
	KeysBefore int64
}

// From a run or a model came a version that is registered: its artifacts may be in production.
const (
	runRegistered   = "EXISTS (SELECT 1 FROM model_versions v WHERE v.run_id = r.run_id AND v.lifecycle_stage = 'active')"
	modelRegistered = "EXISTS (SELECT 1 FROM model_versions v WHERE v.model_id = m.model_id AND v.lifecycle_stage = 'active')"
)

// The runs are looked for through their experiments, since the index of an experiment's runs leads to those that are deleted.
const (
	deletedRuns = "experiments e CROSS JOIN runs r WHERE r.experiment_id = e.id AND r.lifecycle_stage = 'deleted' AND "
	longDeleted = "COALESCE(r.deleted_at, r.updated_at) < ?"
	doomedRuns  = deletedRuns + "(r.purging OR " + longDeleted + " AND NOT " + runRegistered + ")"
	keptRuns    = deletedRuns + "NOT r.purging AND " + longDeleted + " AND " + runRegistered

	doomedModels = "logged_models m WHERE m.lifecycle_stage = 'deleted' AND m.updated_at < ? AND NOT " + modelRegistered

	// An experiment goes as a whole, or not at all.
	doomedExperiments = "experiments e WHERE e.id <> 0 AND e.lifecycle_stage = 'deleted' AND (e.purging OR e.updated_at < ? AND NOT EXISTS " +
		"(SELECT 1 FROM model_versions v JOIN runs r ON r.run_id = v.run_id WHERE v.lifecycle_stage = 'active' AND r.experiment_id = e.id) " +
		"AND NOT EXISTS (SELECT 1 FROM model_versions v JOIN logged_models m ON m.model_id = v.model_id " +
		"WHERE v.lifecycle_stage = 'active' AND m.experiment_id = e.id))"
)

// Removed says how much was removed, or would be.
type Removed struct {
	Runs        int64 `json:"runs"`
	Models      int64 `json:"models"`
	Experiments int64 `json:"experiments"`
	Series      int64 `json:"series"`
	Points      int64 `json:"points"`
	// Files and FileBytes are those of the recorded artifacts.
	Files     int64 `json:"files"`
	FileBytes int64 `json:"fileBytes"`
	Keys      int64 `json:"keys"`
}

// Add adds what another call removed.
func (r *Removed) Add(more Removed) {
	r.Runs += more.Runs
	r.Models += more.Models
	r.Experiments += more.Experiments
	r.Series += more.Series
	r.Points += more.Points
	r.Files += more.Files
	r.FileBytes += more.FileBytes
	r.Keys += more.Keys
}

// DoomedCounts says how much there is to remove.
type DoomedCounts struct {
	Removed
	// KeptRuns stay, since registered versions of models came from them.
	KeptRuns int64 `json:"keptRuns"`
	// Bytes are those of the runs' points as they are stored, without the rows around them.
	Bytes int64 `json:"bytes"`
}

// None tells that there is nothing to remove.
func (c *DoomedCounts) None() bool { return c.Runs+c.Models+c.Experiments+c.Keys == 0 }

// CountDoomed counts what there is to remove. Models of experiments that go are not among the models.
func CountDoomed(ctx context.Context, q Querier, d Doomed) (c DoomedCounts, err error) {
	ids := "(SELECT r.id FROM " + doomedRuns + ")"
	payloads := func(table, column string) string {
		return "(SELECT COALESCE(SUM(length(payload)), 0) FROM " + table + " WHERE " + column + " IN " + ids + ")"
	}
	for _, one := range []struct {
		query string
		args  []any
		into  []any
	}{
		{"SELECT COUNT(*) FROM " + doomedRuns, []any{d.Before}, []any{&c.Runs}},
		{"SELECT COUNT(*) FROM " + keptRuns, []any{d.Before}, []any{&c.KeptRuns}},
		{"SELECT COUNT(*) FROM " + doomedModels, []any{d.Before}, []any{&c.Models}},
		{"SELECT COUNT(*) FROM " + doomedExperiments, []any{d.Before}, []any{&c.Experiments}},
		{"SELECT COUNT(*) FROM idempotency_keys WHERE created_at < ?", []any{d.KeysBefore}, []any{&c.Keys}},
		{"SELECT COUNT(*), CAST(COALESCE(SUM(count), 0) AS bigint) FROM metric_series WHERE run_id IN " + ids, []any{d.Before}, []any{&c.Series, &c.Points}},
		{"SELECT COUNT(*), CAST(COALESCE(SUM(size), 0) AS bigint) FROM artifact_references WHERE run_id IN " + ids, []any{d.Before}, []any{&c.Files, &c.FileBytes}},
		{"SELECT CAST(" + payloads("metric_chunks", "run_id") + " + " + payloads("metric_tails", "run_id") + " + " +
			payloads("metric_batches", fmt.Sprintf("id >> %d", sequenceBits)) + " AS bigint)", []any{d.Before, d.Before, d.Before}, []any{&c.Bytes}},
	} {
		if err := EachRow(ctx, q, one.query, one.args, func(rows *sql.Rows) error { return rows.Scan(one.into...) }); err != nil {
			return DoomedCounts{}, fmt.Errorf("count what was deleted: %w", err)
		}
	}
	return c, nil
}

// DoomedRun is a run that is to be removed.
type DoomedRun struct {
	PK              int
	RunID, Location string
	// Purging: its removal was begun before.
	Purging bool
}

// DoomedRuns gives up to limit of them.
func DoomedRuns(ctx context.Context, q Querier, d Doomed, limit int) ([]DoomedRun, error) {
	var out []DoomedRun
	err := EachRow(ctx, q, "SELECT r.id, r.run_id, r.artifact_location, r.purging FROM "+doomedRuns+" LIMIT ?", []any{d.Before, limit}, func(rows *sql.Rows) error {
		var r DoomedRun
		err := rows.Scan(&r.PK, &r.RunID, &r.Location, &r.Purging)
		out = append(out, r)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list deleted runs: %w", err)
	}
	return out, nil
}

// BeginPurge marks a run, so that it is not restored any more. It gives false when the run was restored, or is gone.
func BeginPurge(ctx context.Context, tx *Tx, run DoomedRun, d Doomed) (bool, error) {
	n, err := tx.change(ctx, "runs", "UPDATE runs AS r SET purging = true WHERE r.id = ? AND r.lifecycle_stage = 'deleted' AND (r.purging OR "+
		longDeleted+" AND NOT "+runRegistered+")", run.PK, d.Before)
	return n > 0, err
}

// RunContents is what a run has.
type RunContents struct{ Series, Points, Files, FileBytes int64 }

// ContentsOfRun counts it.
func ContentsOfRun(ctx context.Context, q Querier, runPK int) (c RunContents, err error) {
	err = EachRow(ctx, q, "SELECT COUNT(*), CAST(COALESCE(SUM(count), 0) AS bigint) FROM metric_series WHERE run_id = ?", []any{runPK},
		func(rows *sql.Rows) error { return rows.Scan(&c.Series, &c.Points) })
	if err == nil {
		err = EachRow(ctx, q, "SELECT COUNT(*), CAST(COALESCE(SUM(size), 0) AS bigint) FROM artifact_references WHERE run_id = ?", []any{runPK},
			func(rows *sql.Rows) error { return rows.Scan(&c.Files, &c.FileBytes) })
	}
	if err != nil {
		return RunContents{}, fmt.Errorf("count what a run has: %w", err)
	}
	return c, nil
}

// Step removes a few rows of what belongs to something, and gives how many there were: none when all are gone.
type Step func(ctx context.Context, tx *Tx) (int64, error)

// rowsOf removes rows of a table by the value of a column, a few at a time: fewer, the larger they may be.
func rowsOf(table, column string, value any, atOnce int) Step {
	return inParts(fmt.Sprintf("SELECT id FROM %s WHERE %s = ?", table, column), value, atOnce, func(ctx context.Context, tx *Tx, ids []int) error {
		return deleteIn(ctx, tx, table, ids)
	})
}

// inParts lists ids and removes a few of them with each call. It lists many at once: PostgreSQL, whose statistics may be old,
// often reads all of them to give a few. What a transaction that failed has left is listed again in the end.
func inParts(query string, value any, atOnce int, remove func(context.Context, *Tx, []int) error) Step {
	const listed = 5000
	var ids []int
	return func(ctx context.Context, tx *Tx) (int64, error) {
		if len(ids) == 0 {
			var err error
			if ids, err = scanColumn[int](ctx, tx, query+" LIMIT ?", value, listed); err != nil || len(ids) == 0 {
				return 0, err
			}
		}
		part := ids[:min(atOnce, len(ids))]
		ids = ids[len(part):]
		return int64(len(part)), remove(ctx, tx, part)
	}
}

// change runs a statement that changes rows of a table, and gives how many.
func (tx *Tx) change(ctx context.Context, table, query string, args ...any) (int64, error) {
	res, err := tx.ExecContext(ctx, query, args...)
	n := int64(0)
	if err == nil {
		n, err = res.RowsAffected()
	}
	if err != nil {
		return 0, fmt.Errorf("remove what was deleted from %s: %w", table, err)
	}
	return n, nil
}

const smallRows = 100

// RunSteps are what removes all that belongs to a run, but for its own row, which DropRun removes.
func RunSteps(run DoomedRun) []Step {
	return []Step{
		batchesOf(run.PK),
		rowsOf("metric_tails", "run_id", run.PK, 1),
		rowsOf("metric_chunks", "run_id", run.PK, 1),
		seriesOf(run.PK),
		rowsOf("run_log_chunks", "run_id", run.PK, 1),
		rowsOf("fingerprints", "run_id", run.PK, 1),
		rowsOf("params", "run_id", run.PK, smallRows),
		rowsOf("run_tags", "run_id", run.PK, smallRows),
		rowsOf("batch_clients", "run_id", run.PK, smallRows),
		inputsOf(run.PK),
		rowsOf("run_outputs", "run_id", run.PK, smallRows),
		rowsOf("artifact_references", "run_id", run.PK, smallRows),
		edgesOf("from", "RUN", run.RunID),
		edgesOf("to", "RUN", run.RunID),
	}
}

func batchesOf(runPK int) Step {
	first, last := batchIDs(runPK, 0)
	return func(ctx context.Context, tx *Tx) (int64, error) {
		return tx.change(ctx, "metric_batches", "DELETE FROM metric_batches WHERE id = (SELECT MIN(id) FROM metric_batches WHERE id BETWEEN ? AND ?)", first, last)
	}
}

// seriesOf removes series with their roll-ups.
func seriesOf(runPK int) Step {
	const atOnce = 128
	return inParts("SELECT id FROM metric_series WHERE run_id = ?", runPK, atOnce, func(ctx context.Context, tx *Tx, ids []int) error {
		if err := DeleteRollups(ctx, tx, ids); err != nil {
			return err
		}
		return DeleteSeries(ctx, tx, ids)
	})
}

// inputsOf removes a run's inputs, and the datasets that nothing else has as an input.
func inputsOf(runPK int) Step {
	const atOnce = 4 // a dataset may have megabytes
	return func(ctx context.Context, tx *Tx) (int64, error) {
		var inputs, datasets []int
		err := EachRow(ctx, tx, "SELECT id, dataset_id FROM run_inputs WHERE run_id = ? LIMIT ?", []any{runPK, atOnce}, func(rows *sql.Rows) error {
			var input, dataset int
			err := rows.Scan(&input, &dataset)
			inputs, datasets = append(inputs, input), append(datasets, dataset)
			return err
		})
		if err != nil || len(inputs) == 0 {
			return 0, err
		}
		if err := deleteIn(ctx, tx, "run_inputs", inputs); err != nil {
			return 0, err
		}
		for _, id := range datasets {
			if err := dropUnusedDataset(ctx, tx, id); err != nil {
				return 0, err
			}
		}
		return int64(len(inputs)), nil
	}
}

// dropUnusedDataset removes a dataset that is no run's input. It is locked first: who makes it an input meanwhile has committed
// when the second statement looks, or finds it gone and is run again.
func dropUnusedDataset(ctx context.Context, tx *Tx, id int) error {
	if _, err := tx.Scan(ctx, "SELECT id FROM datasets WHERE id = ?"+tx.LockRow(), []any{id}, new(int)); err != nil {
		return fmt.Errorf("lock dataset: %w", err)
	}
	n, err := tx.change(ctx, "datasets", "DELETE FROM datasets WHERE id = ? AND NOT EXISTS (SELECT 1 FROM run_inputs i WHERE i.dataset_id = datasets.id)", id)
	if err != nil || n == 0 {
		return err
	}
	return dropEdges(ctx, tx, "DATASET", fmt.Sprint(id))
}

// edgesOf removes edges of lineage that begin or end at a node.
func edgesOf(end, kind, id string) Step {
	query := fmt.Sprintf("DELETE FROM lineage_edges WHERE id IN (SELECT id FROM lineage_edges WHERE %s_type = ? AND %s_id = ? LIMIT %d)", end, end, smallRows)
	return func(ctx context.Context, tx *Tx) (int64, error) {
		return tx.change(ctx, "lineage_edges", query, kind, id)
	}
}

// dropEdges removes all edges of a node that has few.
func dropEdges(ctx context.Context, tx *Tx, kind, id string) error {
	for _, end := range []string{"from", "to"} {
		if _, err := tx.change(ctx, "lineage_edges", fmt.Sprintf("DELETE FROM lineage_edges WHERE %s_type = ? AND %s_id = ?", end, end), kind, id); err != nil {
			return err
		}
	}
	return nil
}

// DropRun removes a run that is purged, and what came to it since its parts were removed. It gives false when another did it.
func DropRun(ctx context.Context, tx *Tx, run DoomedRun) (bool, error) {
	if err := DeletePoints(ctx, tx, run.PK); err != nil {
		return false, err
	}
	if err := purgeChange(ctx, tx, run.RunID); err != nil {
		return false, err
	}
	n, err := tx.change(ctx, "runs", "DELETE FROM runs WHERE id = ? AND purging", run.PK)
	return n > 0, err
}
