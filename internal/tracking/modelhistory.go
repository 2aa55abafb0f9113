package tracking

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/runtag"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
)

// tagModelHistory holds a JSON array: what clients of MLflow 2, which know no logged models, told of the models that they
// stored among a run's artifacts.
const tagModelHistory = "mlflow.log-model.history"

// RecordModel appends a model to its run's history of models. The description is that of the file MLmodel, as JSON; of it
// MLflow keeps what tells one model from another. Conflict when the run is deleted.
func (s *Service) RecordModel(ctx context.Context, runID string, description []byte) error {
	entry, err := historyEntry(description)
	if err != nil {
		return err
	}
	_, err = s.changeRun(ctx, runID, func(ctx context.Context, tx *store.Tx, r *ent.Run, _ *ent.RunUpdateOne) error {
		if err := mustBeActive(r); err != nil {
			return err
		}
		history, err := modelHistory(ctx, tx, r.ID)
		if err != nil {
			return err
		}
		text, err := json.Marshal(append(history, entry))
		if err != nil {
			return fmt.Errorf("write history of models: %w", err)
		}
		if len(text) > MaxValue {
			return errs.Field("model_json", "the run's history of models would have %d bytes: at most %d are allowed; "+
				"the model's files are stored all the same", len(text), MaxValue)
		}
		return upsertTags(ctx, tx, r.ID, r.ExperimentID, []Tag{{Key: tagModelHistory, Value: string(text)}})
	})
	return err
}

// modelHistory reads the models that a run's tag has already. A tag that is no array of models was set by hand: it is
// replaced.
func modelHistory(ctx context.Context, tx *store.Tx, runPK int) ([]map[string]json.RawMessage, error) {
	tag, err := tx.Ent().RunTag.Query().Where(runtag.RunID(runPK), runtag.Key(tagModelHistory)).Only(ctx)
	if ent.IsNotFound(err) {
		return []map[string]json.RawMessage{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read history of models: %w", err)
	}
	history := []map[string]json.RawMessage{}
	if json.Valid([]byte(tag.Value)) && json.Unmarshal([]byte(tag.Value), &history) == nil {
		return history, nil
	}
	return []map[string]json.RawMessage{}, nil
}

// historyEntry gives what MLflow keeps of a model's description: where and when it was stored, and its flavors without
// their configurations.
func historyEntry(description []byte) (map[string]json.RawMessage, error) {
	var model map[string]json.RawMessage
	if err := json.Unmarshal(description, &model); err != nil {
		return nil, errs.Field("model_json", "is not a JSON object: %v", err)
	}
	for _, name := range []string{"artifact_path", "flavors", "utc_time_created", "run_id"} {
		if model[name] == nil {
			return nil, errs.Field("model_json", "the member %q is missing", name)
		}
	}
	var flavors map[string]json.RawMessage
	if err := json.Unmarshal(model["flavors"], &flavors); err != nil || flavors == nil {
		return nil, errs.Field("model_json", "the member \"flavors\" is not an object")
	}
	for name, flavor := range flavors {
		var settings map[string]json.RawMessage
		if json.Unmarshal(flavor, &settings) != nil || settings["config"] == nil {
			continue
		}
		delete(settings, "config")
		text, err := json.Marshal(settings)
		if err != nil {
			return nil, fmt.Errorf("write flavor: %w", err)
		}
		flavors[name] = text
	}
	text, err := json.Marshal(flavors)
	if err != nil {
		return nil, fmt.Errorf("write flavors: %w", err)
	}
	entry := map[string]json.RawMessage{"flavors": text}
	for _, name := range []string{"run_id", "utc_time_created", "artifact_path", "model_uuid"} {
		if model[name] != nil {
			entry[name] = model[name]
		}
	}
	return entry, nil
}
