package tracking

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/loggedmodel"
	"github.com/cairnml/cairn/ent/loggedmodelparam"
	"github.com/cairnml/cairn/ent/loggedmodeltag"
	"github.com/cairnml/cairn/ent/run"
	"github.com/cairnml/cairn/internal/auth"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
)

// CreateLoggedModel is what a new logged model is made of.
type CreateLoggedModel struct {
	// ModelID is chosen by the client, or else by the server. When a model of this id is there and was made by the same
	// request, it is given back.
	ModelID string
	// ExperimentID of the model; that of the source run when nil.
	ExperimentID *int
	// SourceRunID is the run that writes the model; it may be empty with an ExperimentID.
	SourceRunID     string
	Name, ModelType string
	Params          []Param
	Tags            []Tag
	// IdempotencyKey: the same key with the same request gives the model made the first time.
	IdempotencyKey string
}

func (in *CreateLoggedModel) check() error {
	if in.ModelID != "" {
		id, err := ParseModelID(in.ModelID)
		if err != nil {
			return err
		}
		in.ModelID = id
	}
	if in.Name == "" {
		in.Name = randomRunName()
	}
	if err := checkName("name", in.Name, 500); err != nil {
		return err
	}
	if len(in.ModelType) > 500 {
		return errs.Field("model_type", "has %d bytes: at most 500 are allowed", len(in.ModelType))
	}
	if in.ExperimentID == nil && in.SourceRunID == "" {
		return errs.Field("experiment_id", "name the experiment, or the run that writes the model")
	}
	// A model is found as runs:/RUN/NAME too, and named in search filters.
	if i := strings.IndexAny(in.Name, `/:.%"'`); i >= 0 {
		return errs.Field("name", "%.60q holds %q: a model's name must not hold any of / : . %% \" '", in.Name, in.Name[i])
	}
	if err := CheckText("model_type", in.ModelType); err != nil {
		return err
	}
	if err := checkModelParams(in.Params); err != nil {
		return err
	}
	return checkTags("tags", in.Tags)
}

func checkModelParams(params []Param) error {
	if len(params) > MaxParams {
		return errs.Field("params", "has %d params: at most %d go into one request", len(params), MaxParams)
	}
	return checkParams(params)
}

// CreateLoggedModel announces a model. Its status is PENDING until FinalizeLoggedModel.
func (s *Service) CreateLoggedModel(ctx context.Context, in CreateLoggedModel) (*ent.LoggedModel, error) {
	request := in
	if err := in.check(); err != nil {
		return nil, err
	}
	if in.ModelID == "" {
		in.ModelID = "m-" + newHexID()
	} else if in.IdempotencyKey == "" {
		in.IdempotencyKey = "model:" + in.ModelID
	}
	var out *ent.LoggedModel
	err := s.db.WriteFor(ctx, in.SourceRunID, func(ctx context.Context, tx *store.Tx) error {
		id, err := store.Once(ctx, tx, "createLoggedModel", in.IdempotencyKey, request, func() (string, error) {
			return in.ModelID, createLoggedModel(ctx, tx, in)
		})
		if err != nil {
			return err
		}
		out, err = loggedModel(ctx, tx.Ent(), id)
		return err
	})
	return out, err
}

func createLoggedModel(ctx context.Context, tx *store.Tx, in CreateLoggedModel) error {
	var source *ent.Run
	var err error
	if in.SourceRunID != "" {
		if source, err = tx.Ent().Run.Query().Where(run.RunID(in.SourceRunID)).Only(ctx); err != nil {
			return runNotFound(err, in.SourceRunID)
		}
		if err := mustBeActive(source); err != nil {
			return err
		}
		if in.ExperimentID == nil {
			in.ExperimentID = &source.ExperimentID
		}
	}
	e, err := tx.Ent().Experiment.Get(ctx, *in.ExperimentID)
	if err := notFound(err, "experiment", fmt.Sprint(*in.ExperimentID)); err != nil {
		return err
	}
	if err := experimentMustBeActive(e); err != nil {
		return err
	}
	if _, err := loggedModel(ctx, tx.Ent(), in.ModelID); !errs.Is(err, errs.NotFound) {
		if err != nil {
			return err
		}
		return errs.New(errs.Exists, "A logged model with ID %q already exists", in.ModelID)
	}
	t := now()
	m, err := tx.Ent().LoggedModel.Create().SetModelID(in.ModelID).SetExperimentID(e.ID).SetSourceRunID(in.SourceRunID).
		SetName(in.Name).SetModelType(in.ModelType).SetArtifactLocation(modelLocation(e, in.ModelID)).
		SetCreatedAt(t).SetUpdatedAt(t).SetCreatedBy(auth.Name(ctx)).Save(ctx)
	if err != nil {
		return fmt.Errorf("create logged model: %w", err)
	}
	if err := insertModelParams(ctx, tx, m, in.Params); err != nil {
		return err
	}
	if err := setModelTags(ctx, tx, m, in.Tags); err != nil {
		return err
	}
	if source != nil {
		return addOutput(ctx, tx, source.ID, source.RunID, m, 0)
	}
	return nil
}

// modelLocation is where the files of a new model lie.
func modelLocation(e *ent.Experiment, modelID string) string {
	return below(e.ArtifactLocation, "models/"+modelID+"/artifacts")
}

func insertModelParams(ctx context.Context, tx *store.Tx, m *ent.LoggedModel, params []Param) error {
	for _, p := range params {
		err := tx.Ent().LoggedModelParam.Create().SetLoggedModelID(m.ID).SetKey(p.Key).SetValue(p.Value).
			OnConflict(entsql.ConflictColumns(loggedmodelparam.FieldLoggedModelID, loggedmodelparam.FieldKey)).UpdateValue().Exec(ctx)
		if err != nil {
			return fmt.Errorf("store model param: %w", err)
		}
	}
	return nil
}

func setModelTags(ctx context.Context, tx *store.Tx, m *ent.LoggedModel, tags []Tag) error {
	for _, t := range SortTags(tags) {
		err := tx.Ent().LoggedModelTag.Create().SetLoggedModelID(m.ID).SetKey(t.Key).SetValue(t.Value).
			OnConflict(entsql.ConflictColumns(loggedmodeltag.FieldLoggedModelID, loggedmodeltag.FieldKey)).UpdateValue().Exec(ctx)
		if err != nil {
			return fmt.Errorf("store model tag: %w", err)
		}
	}
	return nil
}

// LoggedModel gives a logged model that is not deleted. NotFound when there is none.
func (s *Service) LoggedModel(ctx context.Context, id string) (*ent.LoggedModel, error) {
	m, err := loggedModel(ctx, s.db.Ent(), id)
	if err != nil {
		return nil, err
	}
	return m, modelMustBeActive(m)
}

func modelMustBeActive(m *ent.LoggedModel) error {
	if m.LifecycleStage != loggedmodel.LifecycleStageActive {
		return errs.New(errs.NotFound, "Logged model with ID %q was deleted", m.ModelID)
	}
	return nil
}

func (s *Service) changeModel(ctx context.Context, id string,
	fn func(ctx context.Context, tx *store.Tx, m *ent.LoggedModel, update *ent.LoggedModelUpdateOne) error,
) (*ent.LoggedModel, error) {
	var out *ent.LoggedModel
	err := s.db.WriteFor(ctx, id, func(ctx context.Context, tx *store.Tx) error {
		m, err := loggedModel(ctx, tx.Ent(), id)
		if err != nil {
			return err
		}
		if err := modelMustBeActive(m); err != nil {
			return err
		}
		update := tx.Ent().LoggedModel.UpdateOneID(m.ID).SetUpdatedAt(now())
		if err := fn(ctx, tx, m, update); err != nil {
			return err
		}
		if out, err = update.Save(ctx); err != nil {
			return fmt.Errorf("update logged model: %w", err)
		}
		return nil
	})
	return out, err
}

// FinalizeLoggedModel says that the model's files are all there (READY), or that they are not (UPLOAD_FAILED).
func (s *Service) FinalizeLoggedModel(ctx context.Context, id string, status loggedmodel.Status, message string) (*ent.LoggedModel, error) {
	if status != loggedmodel.StatusREADY && status != loggedmodel.StatusUPLOAD_FAILED {
		return nil, errs.Field("status", "%q is neither READY nor UPLOAD_FAILED", status)
	}
	return s.changeModel(ctx, id, func(_ context.Context, _ *store.Tx, _ *ent.LoggedModel, update *ent.LoggedModelUpdateOne) error {
		update.SetStatus(status).SetStatusMessage(message)
		return nil
	})
}

// SetLoggedModelTags sets tags of a model.
func (s *Service) SetLoggedModelTags(ctx context.Context, id string, tags []Tag) (*ent.LoggedModel, error) {
	if err := checkTags("tags", tags); err != nil {
		return nil, err
	}
	tags = withoutRepeatedVersions(tags)
	return s.changeModel(ctx, id, func(ctx context.Context, tx *store.Tx, m *ent.LoggedModel, _ *ent.LoggedModelUpdateOne) error {
		return setModelTags(ctx, tx, m, tags)
	})
}

// DeleteLoggedModelTag removes a tag of a model. NotFound when it is not set.
func (s *Service) DeleteLoggedModelTag(ctx context.Context, id, key string) (*ent.LoggedModel, error) {
	return s.changeModel(ctx, id, func(ctx context.Context, tx *store.Tx, m *ent.LoggedModel, _ *ent.LoggedModelUpdateOne) error {
		n, err := tx.Ent().LoggedModelTag.Delete().
			Where(loggedmodeltag.LoggedModelID(m.ID), loggedmodeltag.Key(key)).Exec(ctx)
		if err != nil {
			return fmt.Errorf("delete model tag: %w", err)
		}
		if n == 0 {
			return errs.New(errs.NotFound, "No tag with key %.250q found for model with ID %q", key, id)
		}
		return nil
	})
}

// LogLoggedModelParams adds params to a model.
func (s *Service) LogLoggedModelParams(ctx context.Context, id string, params []Param) (*ent.LoggedModel, error) {
	if err := checkModelParams(params); err != nil {
		return nil, err
	}
	return s.changeModel(ctx, id, func(ctx context.Context, tx *store.Tx, m *ent.LoggedModel, _ *ent.LoggedModelUpdateOne) error {
		return insertModelParams(ctx, tx, m, params)
	})
}

// DeleteLoggedModel marks a model as deleted.
func (s *Service) DeleteLoggedModel(ctx context.Context, id string) (*ent.LoggedModel, error) {
	return s.changeModel(ctx, id, func(_ context.Context, _ *store.Tx, _ *ent.LoggedModel, update *ent.LoggedModelUpdateOne) error {
		update.SetLifecycleStage(loggedmodel.LifecycleStageDeleted)
		return nil
	})
}

// ModelMetric is a point that was measured of a logged model, perhaps on a dataset.
type ModelMetric struct {
	ModelID, Key               string
	Value                      float64
	Time, Step                 int64
	DatasetName, DatasetDigest string
}

func (m *ModelMetric) check() error {
	for _, f := range []struct {
		field, value string
		limit        int
	}{{"metrics.dataset_name", m.DatasetName, maxDatasetName}, {"metrics.dataset_digest", m.DatasetDigest, maxDatasetDigest}} {
		if n := utf8.RuneCountInString(f.value); n > f.limit {
			return errs.Field(f.field, "has %d characters: at most %d are allowed", n, f.limit)
		}
		if err := CheckText(f.field, f.value); err != nil {
			return err
		}
	}
	return CheckText("metrics.model_id", m.ModelID)
}

func checkModels(ctx context.Context, tx *store.Tx, metrics []ModelMetric) error {
	known := map[string]bool{}
	for _, m := range metrics {
		if known[m.ModelID] {
			continue
		}
		if _, err := loggedModel(ctx, tx.Ent(), m.ModelID); err != nil {
			return err
		}
		known[m.ModelID] = true
	}
	return nil
}

func insertModelMetrics(ctx context.Context, tx *store.Tx, runID string, metrics []ModelMetric) error {
	ids := map[string]int{}
	for _, p := range metrics {
		id, ok := ids[p.ModelID]
		if !ok {
			m, err := loggedModel(ctx, tx.Ent(), p.ModelID)
			if err != nil {
				return err
			}
			id = m.ID
			ids[p.ModelID] = id
		}
		value := sql.NullFloat64{Float64: p.Value, Valid: !math.IsNaN(p.Value)}
		if _, err := tx.ExecContext(ctx, "INSERT INTO logged_model_metrics "+
			"(logged_model_id, run_id, key, value, timestamp, step, dataset_name, dataset_digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			id, runID, p.Key, value, p.Time, p.Step, p.DatasetName, p.DatasetDigest); err != nil {
			return fmt.Errorf("store model metric: %w", err)
		}
	}
	return nil
}
