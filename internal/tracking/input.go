package tracking

import (
	"context"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"entgo.io/ent/dialect/sql"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/dataset"
	"github.com/cairnml/cairn/ent/lineageedge"
	"github.com/cairnml/cairn/ent/loggedmodel"
	"github.com/cairnml/cairn/ent/runinput"
	"github.com/cairnml/cairn/ent/runoutput"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
)

// Bounds of datasets, MLflow's but for the digest, which may be a SHA-256.
const (
	maxInputs         = 1000
	maxDatasetName    = 500
	maxDatasetDigest  = 64
	maxDatasetSource  = 64 << 10
	maxDatasetSchema  = 1 << 20
	maxDatasetProfile = 16 << 20
)

// tagContext is MLflow's input tag that says what a dataset was read for.
const tagContext = "mlflow.data.context"

// Dataset is one version of a data set.
type Dataset struct {
	Name, Digest, SourceType, Source string
	// Schema and Profile are JSON; nil when unknown.
	Schema, Profile *string
}

// Input is a dataset that a run reads, and what for.
type Input struct {
	Dataset Dataset
	// Context is what it is read for: training, validation, test, eval. The tag mlflow.data.context says the same.
	Context string
	Tags    []Tag
}

func (in *Input) check(field string) error {
	d := &in.Dataset
	for _, f := range []struct {
		name, value string
		limit       int
	}{
		{"dataset.name", d.Name, maxDatasetName}, {"dataset.digest", d.Digest, maxDatasetDigest},
		{"dataset.source_type", d.SourceType, 64}, {"dataset.source", d.Source, maxDatasetSource},
	} {
		if f.value == "" && f.name != "dataset.source" {
			return errs.Field(field+"."+f.name, "must not be empty")
		}
		if n := utf8.RuneCountInString(f.value); n > f.limit {
			return errs.Field(field+"."+f.name, "has %d characters: at most %d are allowed", n, f.limit)
		}
		if err := CheckText(field+"."+f.name, f.value); err != nil {
			return err
		}
	}
	for _, f := range []struct {
		name  string
		value *string
		limit int
	}{{"dataset.schema", d.Schema, maxDatasetSchema}, {"dataset.profile", d.Profile, maxDatasetProfile}} {
		if f.value == nil {
			continue
		}
		if len(*f.value) > f.limit {
			return errs.Field(field+"."+f.name, "has %d bytes: at most %d are allowed", len(*f.value), f.limit)
		}
		if err := CheckText(field+"."+f.name, *f.value); err != nil {
			return err
		}
	}
	for _, t := range in.Tags {
		if t.Key == tagContext && in.Context == "" {
			in.Context = t.Value
		}
	}
	if len(in.Context) > 250 {
		return errs.Field(field+".context", "has %d bytes: at most 250 are allowed", len(in.Context))
	}
	return checkTags(field+".tags", in.Tags)
}

// LogInputs says which datasets and logged models a run reads. A repetition changes nothing.
func (s *Service) LogInputs(ctx context.Context, runID string, inputs []Input, models []string) (*ent.Run, error) {
	if len(inputs)+len(models) > maxInputs {
		return nil, errs.Field("datasets", "has %d inputs: at most %d go into one request", len(inputs)+len(models), maxInputs)
	}
	for i := range inputs {
		if err := inputs[i].check(fmt.Sprintf("datasets[%d]", i)); err != nil {
			return nil, err
		}
	}
	return s.changeRun(ctx, runID, func(ctx context.Context, tx *store.Tx, r *ent.Run, _ *ent.RunUpdateOne) error {
		if err := mustBeActive(r); err != nil {
			return err
		}
		for i := range inputs {
			if err := logInput(ctx, tx, r, &inputs[i]); err != nil {
				return err
			}
		}
		for _, id := range models {
			m, err := loggedModel(ctx, tx.Ent(), id)
			if err != nil {
				return err
			}
			if err := AddEdge(ctx, tx, lineageedge.FromTypeLOGGED_MODEL, m.ModelID, lineageedge.ToTypeRUN, r.RunID, "input"); err != nil {
				return err
			}
		}
		return nil
	})
}

func logInput(ctx context.Context, tx *store.Tx, r *ent.Run, in *Input) error {
	id, err := upsertDataset(ctx, tx, r.ExperimentID, in.Dataset)
	if err != nil {
		return err
	}
	tags := make(map[string]string, len(in.Tags))
	for _, t := range in.Tags {
		tags[t.Key] = t.Value
	}
	err = tx.Ent().RunInput.Create().SetRunID(r.ID).SetDatasetID(id).SetContext(in.Context).SetTags(tags).
		OnConflict(sql.ConflictColumns(runinput.FieldRunID, runinput.FieldDatasetID, runinput.FieldContext)).
		UpdateTags().Exec(ctx)
	if err != nil {
		return fmt.Errorf("store input: %w", err)
	}
	return AddEdge(ctx, tx, lineageedge.FromTypeDATASET, fmt.Sprint(id), lineageedge.ToTypeRUN, r.RunID, in.Context)
}

func upsertDataset(ctx context.Context, tx *store.Tx, experimentID int, d Dataset) (int, error) {
	found, err := tx.Ent().Dataset.Query().
		Where(dataset.ExperimentID(experimentID), dataset.Name(d.Name), dataset.Digest(d.Digest)).OnlyID(ctx)
	if err == nil {
		return found, nil
	}
	if !ent.IsNotFound(err) {
		return 0, fmt.Errorf("look up dataset: %w", err)
	}
	id, err := tx.Ent().Dataset.Create().SetExperimentID(experimentID).SetName(d.Name).SetDigest(d.Digest).
		SetSourceType(d.SourceType).SetSource(d.Source).SetNillableSchema(d.Schema).SetNillableProfile(d.Profile).
		SetCreatedAt(now()).
		// Another replica may have stored it meanwhile: the content is the same, since the digest is.
		OnConflict(sql.ConflictColumns(dataset.FieldExperimentID, dataset.FieldName, dataset.FieldDigest)).
		UpdateSourceType().ID(ctx)
	if err != nil {
		return 0, fmt.Errorf("store dataset: %w", err)
	}
	return id, nil
}

// AddEdge says that something was made of something. A repetition changes nothing.
func AddEdge(ctx context.Context, tx *store.Tx, fromType lineageedge.FromType, from string, toType lineageedge.ToType, to, role string) error {
	err := tx.Ent().LineageEdge.Create().SetFromType(fromType).SetFromID(from).SetToType(toType).SetToID(to).SetRole(role).
		SetCreatedAt(now()).
		OnConflict(sql.ConflictColumns(lineageedge.FieldFromType, lineageedge.FieldFromID, lineageedge.FieldToType,
			lineageedge.FieldToID, lineageedge.FieldRole), sql.ResolveWithIgnore()).Exec(ctx)
	if err != nil {
		return fmt.Errorf("store lineage edge: %w", err)
	}
	return nil
}

// Output is a logged model that a run wrote, at a step.
type Output struct {
	ModelID string
	Step    int64
}

// LogOutputs says which logged models a run wrote. A repetition changes nothing but the step.
func (s *Service) LogOutputs(ctx context.Context, runID string, outputs []Output) (*ent.Run, error) {
	if len(outputs) > maxInputs {
		return nil, errs.Field("models", "has %d models: at most %d go into one request", len(outputs), maxInputs)
	}
	return s.changeRun(ctx, runID, func(ctx context.Context, tx *store.Tx, r *ent.Run, _ *ent.RunUpdateOne) error {
		if err := mustBeActive(r); err != nil {
			return err
		}
		for _, o := range outputs {
			m, err := loggedModel(ctx, tx.Ent(), o.ModelID)
			if err != nil {
				return err
			}
			if err := addOutput(ctx, tx, r.ID, r.RunID, m, o.Step); err != nil {
				return err
			}
		}
		return nil
	})
}

func addOutput(ctx context.Context, tx *store.Tx, runPK int, runID string, m *ent.LoggedModel, step int64) error {
	err := tx.Ent().RunOutput.Create().SetRunID(runPK).SetLoggedModelID(m.ID).SetStep(step).
		OnConflict(sql.ConflictColumns(runoutput.FieldRunID, runoutput.FieldLoggedModelID)).UpdateStep().Exec(ctx)
	if err != nil {
		return fmt.Errorf("store output: %w", err)
	}
	return AddEdge(ctx, tx, lineageedge.FromTypeRUN, runID, lineageedge.ToTypeLOGGED_MODEL, m.ModelID, "output")
}

func loggedModel(ctx context.Context, client *ent.Client, id string) (*ent.LoggedModel, error) {
	m, err := client.LoggedModel.Query().Where(loggedmodel.ModelID(id)).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, errs.New(errs.NotFound, "Logged model with ID %q not found", id)
	}
	if err != nil {
		return nil, fmt.Errorf("read logged model: %w", err)
	}
	return m, nil
}

// checkJSON checks that a text is one JSON object within a bound.
func checkJSON(field, text string, limit int) error {
	if len(text) > limit {
		return errs.Field(field, "has %d bytes: at most %d are allowed", len(text), limit)
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		return errs.Field(field, "is not a JSON object: %s", err)
	}
	return CheckText(field, text)
}
