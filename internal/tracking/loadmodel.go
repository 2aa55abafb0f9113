package tracking

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/lineageedge"
	"github.com/cairnml/cairn/ent/loggedmodel"
	"github.com/cairnml/cairn/ent/run"
	"github.com/cairnml/cairn/internal/auth"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
)

// LoadLoggedModel is a logged model that is loaded whole, as it stands.
type LoadLoggedModel struct {
	ModelID, SourceRunID string
	ExperimentID         int
	Name, ModelType      string
	Status               loggedmodel.Status
	StatusMessage        string
	// ArtifactLocation is where its files lie already. Empty, or a place in this server's store that is not the model's own:
	// they will lie where those of a new model do.
	ArtifactLocation     string
	Deleted              bool
	CreatedAt, UpdatedAt int64 // Unix milliseconds
	Params               []Param
	Tags                 []Tag
	Metrics              []LoadModelMetric
}

// LoadModelMetric is a point of a model, with the run that logged it.
type LoadModelMetric struct {
	ModelMetric
	RunID string
}

// Check checks the model, as LoadLoggedModels does before it writes anything.
func (in *LoadLoggedModel) Check() error {
	if in.ModelID == "" {
		return errs.Field("model_id", "must not be empty")
	}
	create := CreateLoggedModel{ModelID: in.ModelID, ExperimentID: &in.ExperimentID, SourceRunID: in.SourceRunID, Name: in.Name,
		ModelType: in.ModelType, Params: in.Params, Tags: in.Tags}
	if err := create.check(); err != nil {
		return err
	}
	if in.SourceRunID != "" {
		if _, err := ParseRunID(in.SourceRunID); err != nil {
			return err
		}
	}
	if err := loggedmodel.StatusValidator(in.Status); err != nil {
		return errs.Field("status", "%q is none of PENDING, READY and UPLOAD_FAILED", in.Status)
	}
	for _, text := range []struct{ field, value string }{{"status_message", in.StatusMessage}, {"artifact_location", in.ArtifactLocation}} {
		if err := CheckText(text.field, text.value); err != nil {
			return err
		}
	}
	for i := range in.Metrics {
		p := &in.Metrics[i]
		if err := CheckKey("metrics.key", p.Key); err != nil {
			return err
		}
		if _, err := ParseRunID(p.RunID); err != nil {
			return err
		}
		if err := p.check(); err != nil {
			return err
		}
	}
	return nil
}

// artifacts is where the files of the model lie. A place in the store must be of this model alone, as of runs.
func (in *LoadLoggedModel) artifacts(e *ent.Experiment) string {
	at := in.ArtifactLocation
	if at == "" || strings.HasPrefix(at, proxyScheme) && (!inStore(at) || !strings.HasSuffix(at, "/models/"+in.ModelID+"/artifacts")) {
		return modelLocation(e, in.ModelID)
	}
	return at
}

// LoadLoggedModels stores logged models that are not there, all or none of them.
func LoadLoggedModels(ctx context.Context, db *store.DB, models []LoadLoggedModel) error {
	return db.WriteFor(ctx, "load", func(ctx context.Context, tx *store.Tx) error {
		for i := range models {
			if err := loadModel(ctx, tx, &models[i]); err != nil {
				return fmt.Errorf("logged model %s: %w", models[i].ModelID, err)
			}
		}
		return nil
	})
}

func loadModel(ctx context.Context, tx *store.Tx, in *LoadLoggedModel) error {
	if err := in.Check(); err != nil {
		return err
	}
	e, err := tx.Ent().Experiment.Get(ctx, in.ExperimentID)
	if err := notFound(err, "experiment", fmt.Sprint(in.ExperimentID)); err != nil {
		return err
	}
	stage := loggedmodel.LifecycleStageActive
	if in.Deleted {
		stage = loggedmodel.LifecycleStageDeleted
	}
	created := cmp.Or(in.CreatedAt, now())
	m, err := tx.Ent().LoggedModel.Create().SetModelID(in.ModelID).SetExperimentID(e.ID).SetSourceRunID(in.SourceRunID).SetName(in.Name).
		SetModelType(in.ModelType).SetStatus(in.Status).SetStatusMessage(in.StatusMessage).SetArtifactLocation(in.artifacts(e)).
		SetLifecycleStage(stage).SetCreatedAt(created).SetUpdatedAt(cmp.Or(in.UpdatedAt, created)).SetCreatedBy(auth.Name(ctx)).Save(ctx)
	if err != nil {
		return fmt.Errorf("load logged model: %w", err)
	}
	if err := insertModelParams(ctx, tx, m, in.Params); err != nil {
		return err
	}
	if err := setModelTags(ctx, tx, m, in.Tags); err != nil {
		return err
	}
	for _, p := range in.Metrics {
		if err := insertModelMetrics(ctx, tx, p.RunID, []ModelMetric{p.ModelMetric}); err != nil {
			return err
		}
	}
	if in.SourceRunID == "" {
		return nil
	}
	return AddEdge(ctx, tx, lineageedge.FromTypeRUN, in.SourceRunID, lineageedge.ToTypeLOGGED_MODEL, m.ModelID, "output")
}

// LoadReads is what a run read and wrote: datasets, and logged models by their ids.
type LoadReads struct {
	RunID  string
	Inputs []Input
	// Models are those that it read, Outputs those that it wrote.
	Models  []string
	Outputs []Output
}

// Check checks what can be checked without the run, and completes it, as LoadInputs does before it writes anything.
func (in *LoadReads) Check() error {
	for i := range in.Inputs {
		if err := in.Inputs[i].check(fmt.Sprintf("datasets[%d]", i)); err != nil {
			return err
		}
	}
	return nil
}

// LoadInputs stores what runs read and wrote, all or nothing. A repetition changes nothing. NotFound when a run or a model is
// not there.
func LoadInputs(ctx context.Context, db *store.DB, runs []LoadReads) error {
	return db.WriteFor(ctx, "load", func(ctx context.Context, tx *store.Tx) error {
		for i := range runs {
			if err := loadReads(ctx, tx, &runs[i]); err != nil {
				return fmt.Errorf("run %s: %w", runs[i].RunID, err)
			}
		}
		return nil
	})
}

func loadReads(ctx context.Context, tx *store.Tx, in *LoadReads) error {
	if err := in.Check(); err != nil {
		return err
	}
	r, err := tx.Ent().Run.Query().Where(run.RunID(in.RunID)).Only(ctx)
	if err != nil {
		return runNotFound(err, in.RunID)
	}
	for i := range in.Inputs {
		if err := logInput(ctx, tx, r, &in.Inputs[i]); err != nil {
			return err
		}
	}
	for _, id := range in.Models {
		if err := AddEdge(ctx, tx, lineageedge.FromTypeLOGGED_MODEL, id, lineageedge.ToTypeRUN, r.RunID, "input"); err != nil {
			return err
		}
	}
	for _, o := range in.Outputs {
		m, err := loggedModel(ctx, tx.Ent(), o.ModelID)
		if err != nil {
			return err
		}
		if err := addOutput(ctx, tx, r.ID, r.RunID, m, o.Step); err != nil {
			return err
		}
	}
	return nil
}
