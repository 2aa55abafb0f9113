package store

import (
	"context"
	"database/sql"
	"fmt"
)

// What removes logged models, experiments and idempotency keys for good.

// DoomedModel is a logged model that is to be removed.
type DoomedModel struct {
	PK                int
	ModelID, Location string
}

func models(ctx context.Context, q Querier, from string, args ...any) ([]DoomedModel, error) {
	var out []DoomedModel
	err := EachRow(ctx, q, "SELECT m.id, m.model_id, m.artifact_location FROM "+from+" LIMIT ?", args, func(rows *sql.Rows) error {
		var m DoomedModel
		err := rows.Scan(&m.PK, &m.ModelID, &m.Location)
		out = append(out, m)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list deleted models: %w", err)
	}
	return out, nil
}

// DoomedModels gives up to limit models that were deleted long ago. A deleted model is never restored.
func DoomedModels(ctx context.Context, q Querier, d Doomed, limit int) ([]DoomedModel, error) {
	return models(ctx, q, doomedModels, d.Before, limit)
}

// ModelsOf gives up to limit models of an experiment.
func ModelsOf(ctx context.Context, q Querier, experimentID, limit int) ([]DoomedModel, error) {
	return models(ctx, q, "logged_models m WHERE m.experiment_id = ?", experimentID, limit)
}

// ModelSteps are what removes a model and all that belongs to it. root is where its artifacts lie below the store's root, ""
// when they lie elsewhere.
func ModelSteps(m DoomedModel, root string) []Step {
	steps := []Step{
		rowsOf("logged_model_params", "logged_model_id", m.PK, smallRows),
		rowsOf("logged_model_tags", "logged_model_id", m.PK, smallRows),
		rowsOf("logged_model_metrics", "logged_model_id", m.PK, smallRows),
		rowsOf("run_outputs", "logged_model_id", m.PK, smallRows),
		edgesOf("from", "LOGGED_MODEL", m.ModelID),
		edgesOf("to", "LOGGED_MODEL", m.ModelID),
	}
	if root != "" {
		steps = append(steps, filesBelow(root))
	}
	return append(steps, rowsOf("logged_models", "id", m.PK, 1))
}

const listFilesBelow = "SELECT id FROM artifact_references WHERE location > ? AND location < ? LIMIT ?"

// below are the bounds of the places below a folder: "0" comes behind "/".
func below(root string) (from, to string) { return root + "/", root + "0" }

// filesBelow removes the records of files below a folder.
func filesBelow(root string) Step {
	from, to := below(root)
	return func(ctx context.Context, tx *Tx) (int64, error) {
		return tx.change(ctx, "artifact_references", "DELETE FROM artifact_references WHERE id IN ("+listFilesBelow+")", from, to, smallRows)
	}
}

// FilesBelow tells whether files are recorded that lie below a folder.
func FilesBelow(ctx context.Context, q Querier, root string) (bool, error) {
	from, to := below(root)
	found, err := scanColumn[int](ctx, q, listFilesBelow, from, to, 1)
	return len(found) > 0, err
}

// emptyExperiments are those of doomedExperiments whose runs are removed: before, nothing of them is touched.
const emptyExperiments = doomedExperiments + " AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.experiment_id = e.id)"

// DoomedExperiment is an experiment that is to be removed.
type DoomedExperiment struct {
	ID       int
	Location string
}

// DoomedExperiments gives up to limit experiments that were deleted long ago and have no runs left, those behind an id.
func DoomedExperiments(ctx context.Context, q Querier, d Doomed, after, limit int) ([]DoomedExperiment, error) {
	var out []DoomedExperiment
	err := EachRow(ctx, q, "SELECT e.id, e.artifact_location FROM "+emptyExperiments+" AND e.id > ? ORDER BY e.id LIMIT ?",
		[]any{d.Before, after, limit}, func(rows *sql.Rows) error {
			var e DoomedExperiment
			err := rows.Scan(&e.ID, &e.Location)
			out = append(out, e)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("list deleted experiments: %w", err)
	}
	return out, nil
}

// BeginExperimentPurge is BeginPurge for an experiment.
func BeginExperimentPurge(ctx context.Context, tx *Tx, id int, d Doomed) (bool, error) {
	n, err := tx.change(ctx, "experiments", "UPDATE experiments SET purging = true WHERE id IN (SELECT e.id FROM "+emptyExperiments+
		") AND id = ? AND lifecycle_stage = 'deleted'", d.Before, id)
	return n > 0, err
}

// ExperimentSteps are what removes an experiment that has no runs and no models left, and all that belongs to it.
func ExperimentSteps(id int) []Step {
	return []Step{
		datasetsOf(id),
		rowsOf("experiment_tags", "experiment_id", id, smallRows),
		rowsOf("metric_goals", "experiment_id", id, smallRows),
		func(ctx context.Context, tx *Tx) (int64, error) {
			return tx.change(ctx, "changes", "DELETE FROM changes WHERE entity = 'EXPERIMENT' AND entity_id = ?", fmt.Sprint(id))
		},
		func(ctx context.Context, tx *Tx) (int64, error) {
			return tx.change(ctx, "experiments", "DELETE FROM experiments WHERE id = ? AND purging AND NOT EXISTS "+
				"(SELECT 1 FROM runs r WHERE r.experiment_id = experiments.id) AND NOT EXISTS "+
				"(SELECT 1 FROM logged_models m WHERE m.experiment_id = experiments.id)", id)
		},
	}
}

// datasetsOf removes the datasets of an experiment that are no run's input.
func datasetsOf(experimentID int) Step {
	return func(ctx context.Context, tx *Tx) (int64, error) {
		ids, err := scanColumn[int](ctx, tx, "SELECT id FROM datasets WHERE experiment_id = ? AND NOT EXISTS (SELECT 1 FROM run_inputs i "+
			"WHERE i.dataset_id = datasets.id) LIMIT 1", experimentID)
		if err != nil || len(ids) == 0 {
			return 0, err
		}
		return 1, dropUnusedDataset(ctx, tx, ids[0])
	}
}

// OldKeys removes idempotency keys that were used before a time, in Unix milliseconds.
func OldKeys(before int64) Step {
	query := fmt.Sprintf("DELETE FROM idempotency_keys WHERE id IN (SELECT id FROM idempotency_keys WHERE created_at < ? LIMIT %d)", smallRows)
	return func(ctx context.Context, tx *Tx) (int64, error) {
		return tx.change(ctx, "idempotency_keys", query, before)
	}
}

// ArtifactLocations gives where those experiments have their artifacts whose place somebody chose.
func ArtifactLocations(ctx context.Context, q Querier) ([]string, error) {
	return scanColumn[string](ctx, q, "SELECT artifact_location FROM experiments WHERE artifact_location <> 'mlflow-artifacts:/' || CAST(id AS text)")
}

// RecordedFiles gives up to limit places, below the store's root, of the artifacts that are recorded for a run, behind one.
func RecordedFiles(ctx context.Context, q Querier, runPK int, after string, limit int) ([]string, error) {
	return scanColumn[string](ctx, q, "SELECT location FROM artifact_references WHERE run_id = ? AND location > ? ORDER BY location LIMIT ?", runPK, after, limit)
}
