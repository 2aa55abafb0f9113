package tracking

import (
	"context"
	"fmt"
	"strconv"

	"entgo.io/ent/dialect/sql"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/experiment"
	"github.com/cairnml/cairn/ent/experimenttag"
	"github.com/cairnml/cairn/ent/metricgoal"
	"github.com/cairnml/cairn/ent/run"
	"github.com/cairnml/cairn/internal/auth"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/live"
	"github.com/cairnml/cairn/internal/store"
)

// CreateExperiment is what a new experiment is made of.
type CreateExperiment struct {
	Name string
	// ArtifactLocation is the URI below which the artifacts of its runs lie: in the server's own store when empty, or where clients
	// go by themselves.
	ArtifactLocation string
	Tags             []Tag
	IdempotencyKey   string
}

func (in *CreateExperiment) check() error {
	if err := checkName("name", in.Name, MaxExperimentName); err != nil {
		return err
	}
	if err := checkTags("tags", in.Tags); err != nil {
		return err
	}
	if in.ArtifactLocation == "" {
		return nil
	}
	return checkArtifactLocation(in.ArtifactLocation)
}

// CreateExperiment makes an experiment. Exists when the name is taken, also by a deleted one.
func (s *Service) CreateExperiment(ctx context.Context, in CreateExperiment) (*ent.Experiment, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	var out *ent.Experiment
	err := s.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		id, err := store.Once(ctx, tx, "createExperiment", in.IdempotencyKey, in, func() (string, error) {
			e, err := createExperiment(ctx, tx, in)
			if err != nil {
				return "", err
			}
			return strconv.Itoa(e.ID), nil
		})
		if err != nil {
			return err
		}
		number, err := ParseExperimentID(id)
		if err != nil {
			return err
		}
		out, err = tx.Ent().Experiment.Get(ctx, number)
		return notFound(err, "experiment", id)
	})
	return out, err
}

// experimentMustBeActive refuses what would be made in an experiment that is deleted.
func experimentMustBeActive(e *ent.Experiment) error {
	if e.LifecycleStage == experiment.LifecycleStageActive {
		return nil
	}
	return errs.New(errs.Conflict, "The experiment %d must be in the 'active' state. Current state is deleted: restore it first", e.ID)
}

func createExperiment(ctx context.Context, tx *store.Tx, in CreateExperiment) (*ent.Experiment, error) {
	if taken, err := tx.Ent().Experiment.Query().Where(experiment.Name(in.Name)).Only(ctx); err == nil {
		hint := ""
		if taken.LifecycleStage == experiment.LifecycleStageDeleted {
			hint = "; it is deleted: restore it, or use another name"
		}
		return nil, errs.New(errs.Exists, "Experiment %q already exists (experiment_id %d)%s", in.Name, taken.ID, hint)
	} else if !ent.IsNotFound(err) {
		return nil, fmt.Errorf("look up experiment: %w", err)
	}
	return insertExperiment(ctx, tx, in)
}

// insertExperiment makes an experiment whose name was not taken when the caller looked. Where another replica took it since,
// the unique violation makes the store run the request again, which then finds it.
func insertExperiment(ctx context.Context, tx *store.Tx, in CreateExperiment) (*ent.Experiment, error) {
	t := now()
	e, err := tx.Ent().Experiment.Create().SetName(in.Name).SetArtifactLocation(in.ArtifactLocation).
		SetCreatedAt(t).SetUpdatedAt(t).SetCreatedBy(auth.Name(ctx)).SetUpdatedBy(auth.Name(ctx)).Save(ctx)
	if err != nil {
		return nil, fmt.Errorf("create experiment: %w", err)
	}
	if in.ArtifactLocation == "" {
		if e, err = e.Update().SetArtifactLocation(fmt.Sprintf("%s/%d", proxyScheme, e.ID)).Save(ctx); err != nil {
			return nil, fmt.Errorf("set artifact location: %w", err)
		}
	}
	for _, t := range in.Tags {
		if err := setExperimentTag(ctx, tx, e.ID, t); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func notFound(err error, what, id string) error {
	if ent.IsNotFound(err) {
		return errs.Wrap(errs.NotFound, err, "No %s with id=%s exists", what, id)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", what, err)
	}
	return nil
}

// Experiment gives an experiment, deleted or not. NotFound when there is none.
func (s *Service) Experiment(ctx context.Context, id int) (*ent.Experiment, error) {
	e, err := s.db.Ent().Experiment.Get(ctx, id)
	return e, notFound(err, "experiment", strconv.Itoa(id))
}

// ExperimentByName gives the experiment of a name, deleted or not. NotFound when there is none.
func (s *Service) ExperimentByName(ctx context.Context, name string) (*ent.Experiment, error) {
	e, err := s.db.Ent().Experiment.Query().Where(experiment.Name(name)).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, errs.New(errs.NotFound, "Could not find experiment with name %q", name)
	}
	if err != nil {
		return nil, fmt.Errorf("read experiment: %w", err)
	}
	return e, nil
}

// changeExperiment runs fn on an experiment and gives it back as it is then.
func (s *Service) changeExperiment(ctx context.Context, id int, onlyActive bool,
	fn func(ctx context.Context, tx *store.Tx, e *ent.Experiment) error,
) (*ent.Experiment, error) {
	var out *ent.Experiment
	err := s.db.WriteFor(ctx, "experiment:"+strconv.Itoa(id), func(ctx context.Context, tx *store.Tx) error {
		e, err := tx.Ent().Experiment.Get(ctx, id)
		if err := notFound(err, "experiment", strconv.Itoa(id)); err != nil {
			return err
		}
		if onlyActive && e.LifecycleStage != experiment.LifecycleStageActive {
			return errs.New(errs.Conflict,
				"The experiment %d must be in the 'active' state. Current state is %s: restore it first", id, e.LifecycleStage)
		}
		if err := fn(ctx, tx, e); err != nil {
			return err
		}
		if err := tx.Ent().Experiment.UpdateOneID(id).SetUpdatedAt(now()).SetUpdatedBy(auth.Name(ctx)).Exec(ctx); err != nil {
			return fmt.Errorf("update experiment: %w", err)
		}
		tx.OnCommit(func() { s.hub.Publish(live.Event{ExperimentID: id, Changed: true}) })
		out, err = tx.Ent().Experiment.Get(ctx, id)
		return notFound(err, "experiment", strconv.Itoa(id))
	})
	return out, err
}

// RenameExperiment gives an active experiment another name.
func (s *Service) RenameExperiment(ctx context.Context, id int, name string) (*ent.Experiment, error) {
	if err := checkName("name", name, MaxExperimentName); err != nil {
		return nil, err
	}
	return s.changeExperiment(ctx, id, true, func(ctx context.Context, tx *store.Tx, e *ent.Experiment) error {
		taken, err := tx.Ent().Experiment.Query().Where(experiment.Name(name), experiment.IDNEQ(id)).Exist(ctx)
		if err != nil {
			return fmt.Errorf("look up experiment: %w", err)
		}
		if taken {
			return errs.New(errs.Exists, "Experiment %q already exists", name)
		}
		if err := e.Update().SetName(name).Exec(ctx); err != nil {
			return fmt.Errorf("rename experiment: %w", err)
		}
		return nil
	})
}

// DeleteExperiment marks an experiment and its active runs as deleted. Its name stays taken.
func (s *Service) DeleteExperiment(ctx context.Context, id int) (*ent.Experiment, error) {
	if id == 0 {
		return nil, errs.Field("experiment_id", "the experiment Default cannot be deleted: runs that name none go there")
	}
	return s.changeExperiment(ctx, id, true, func(ctx context.Context, tx *store.Tx, e *ent.Experiment) error {
		return setExperimentStage(ctx, tx, e, experiment.LifecycleStageDeleted)
	})
}

// RestoreExperiment brings a deleted experiment back, with the runs that its deletion deleted and no others.
func (s *Service) RestoreExperiment(ctx context.Context, id int) (*ent.Experiment, error) {
	return s.changeExperiment(ctx, id, false, func(ctx context.Context, tx *store.Tx, e *ent.Experiment) error {
		if e.LifecycleStage == experiment.LifecycleStageActive {
			return errs.New(errs.Conflict, "The experiment %d must be in the 'deleted' state. Current state is active", id)
		}
		if e.Purging {
			return errs.New(errs.Conflict, "The experiment %d was deleted long ago and is being removed for good: a part of it is gone already", id)
		}
		return setExperimentStage(ctx, tx, e, experiment.LifecycleStageActive)
	})
}

func setExperimentStage(ctx context.Context, tx *store.Tx, e *ent.Experiment, stage experiment.LifecycleStage) error {
	if err := e.Update().SetLifecycleStage(stage).Exec(ctx); err != nil {
		return fmt.Errorf("set lifecycle stage: %w", err)
	}
	affected := tx.Ent().Run.Query().Where(run.ExperimentID(e.ID))
	update := tx.Ent().Run.Update().Where(run.ExperimentID(e.ID)).SetUpdatedAt(now()).SetUpdatedBy(auth.Name(ctx))
	if stage == experiment.LifecycleStageDeleted {
		affected.Where(run.LifecycleStageEQ(run.LifecycleStageActive))
		update.Where(run.LifecycleStageEQ(run.LifecycleStageActive)).
			SetLifecycleStage(run.LifecycleStageDeleted).SetDeletedAt(now()).SetDeletedWithExperiment(true)
	} else {
		affected.Where(run.DeletedWithExperiment(true), run.Purging(false))
		update.Where(run.DeletedWithExperiment(true), run.Purging(false)).
			SetLifecycleStage(run.LifecycleStageActive).ClearDeletedAt().SetDeletedWithExperiment(false)
	}
	ids, err := affected.Select(run.FieldRunID).Strings(ctx)
	if err != nil {
		return fmt.Errorf("list runs: %w", err)
	}
	if err := update.Exec(ctx); err != nil {
		return fmt.Errorf("set lifecycle stage of runs: %w", err)
	}
	for _, id := range ids {
		tx.RunChanged(id, e.ID)
	}
	return nil
}

// SetExperimentTag sets a tag of an active experiment.
func (s *Service) SetExperimentTag(ctx context.Context, id int, key, value string) (*ent.Experiment, error) {
	tag := Tag{Key: key, Value: value}
	if err := checkTags("", []Tag{tag}); err != nil {
		return nil, err
	}
	return s.changeExperiment(ctx, id, true, func(ctx context.Context, tx *store.Tx, e *ent.Experiment) error {
		return setExperimentTag(ctx, tx, e.ID, tag)
	})
}

func setExperimentTag(ctx context.Context, tx *store.Tx, id int, t Tag) error {
	err := tx.Ent().ExperimentTag.Create().SetExperimentID(id).SetKey(t.Key).SetValue(t.Value).
		OnConflict(sql.ConflictColumns(experimenttag.FieldExperimentID, experimenttag.FieldKey)).
		UpdateValue().Exec(ctx)
	if err != nil {
		return fmt.Errorf("set experiment tag: %w", err)
	}
	return nil
}

// DeleteExperimentTag removes a tag. NotFound when it is not set.
func (s *Service) DeleteExperimentTag(ctx context.Context, id int, key string) (*ent.Experiment, error) {
	return s.changeExperiment(ctx, id, true, func(ctx context.Context, tx *store.Tx, e *ent.Experiment) error {
		n, err := tx.Ent().ExperimentTag.Delete().Where(experimenttag.ExperimentID(e.ID), experimenttag.Key(key)).Exec(ctx)
		if err != nil {
			return fmt.Errorf("delete experiment tag: %w", err)
		}
		if n == 0 {
			return errs.New(errs.NotFound, "No tag with name: %s in experiment with id %d", key, id)
		}
		return nil
	})
}

// SetMetricGoal says which direction of a metric is better in an experiment.
func (s *Service) SetMetricGoal(ctx context.Context, id int, key string, goal metricgoal.Goal) (*ent.Experiment, error) {
	if err := CheckKey("key", key); err != nil {
		return nil, err
	}
	if err := metricgoal.GoalValidator(goal); err != nil {
		return nil, errs.Field("goal", "%q is neither MINIMIZE nor MAXIMIZE", goal)
	}
	return s.changeExperiment(ctx, id, true, func(ctx context.Context, tx *store.Tx, e *ent.Experiment) error {
		err := tx.Ent().MetricGoal.Create().SetExperimentID(e.ID).SetKey(key).SetGoal(goal).
			OnConflict(sql.ConflictColumns(metricgoal.FieldExperimentID, metricgoal.FieldKey)).UpdateGoal().Exec(ctx)
		if err != nil {
			return fmt.Errorf("set metric goal: %w", err)
		}
		tx.ExperimentChanged(id)
		return nil
	})
}

func checkTags(field string, tags []Tag) error {
	if len(tags) > MaxTags {
		return errs.Field(field, "has %d tags: at most %d go into one request", len(tags), MaxTags)
	}
	at := func(i int, part string) string {
		if field == "" {
			return part
		}
		return fmt.Sprintf("%s[%d].%s", field, i, part)
	}
	for i, t := range tags {
		if err := CheckKey(at(i, "key"), t.Key); err != nil {
			return err
		}
		if err := checkValue(at(i, "value"), t.Key, t.Value); err != nil {
			return err
		}
	}
	return nil
}
