package tracking

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/experiment"
	"github.com/cairnml/cairn/ent/run"
	"github.com/cairnml/cairn/internal/auth"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/live"
	"github.com/cairnml/cairn/internal/store"
)

// Tags that MLflow's clients use to set what are columns here.
const (
	tagRunName     = "mlflow.runName"
	tagParentRunID = "mlflow.parentRunId"
)

// CreateRun is what a new run is made of.
type CreateRun struct {
	// ExperimentID, or else ExperimentName, which is made when there is none of that name; with neither, Default.
	ExperimentID   *int
	ExperimentName string
	// RunID is chosen by the client, 32 lower-case hex digits, or else by the server. When a run of this id is there and was
	// made by the same request, it is given back.
	RunID       string
	Name        string
	ParentRunID string
	UserID      string
	// StartTime is Unix milliseconds; now when 0.
	StartTime int64
	Tags      []Tag
	// LeaseSeconds: when set, the run counts as killed unless Heartbeat comes in time.
	LeaseSeconds   int
	IdempotencyKey string
}

func (in *CreateRun) check() error {
	if in.RunID != "" {
		id, err := ParseRunID(in.RunID)
		if err != nil {
			return err
		}
		in.RunID = id
	}
	if in.ParentRunID != "" {
		id, err := ParseRunID(in.ParentRunID)
		if err != nil {
			return err
		}
		in.ParentRunID = id
	}
	if in.StartTime < 0 {
		return errs.Field("start_time", "must not be before 1970")
	}
	if err := checkTags("tags", in.Tags); err != nil {
		return err
	}
	for _, t := range in.Tags {
		switch t.Key {
		case tagRunName:
			if in.Name != "" && in.Name != t.Value {
				return errs.Field("run_name", "%q and the tag mlflow.runName %q differ: give one of them", in.Name, t.Value)
			}
			in.Name = t.Value
		case tagParentRunID:
			if in.ParentRunID != "" && in.ParentRunID != t.Value {
				return errs.Field("parentRunId", "and the tag mlflow.parentRunId differ: give one of them")
			}
			if isHex(t.Value, 32) {
				in.ParentRunID = t.Value
			}
		}
	}
	if in.Name == "" {
		in.Name = randomRunName()
	}
	if err := checkName("run_name", in.Name, MaxRunName); err != nil {
		return err
	}
	if in.ExperimentName != "" {
		if err := checkName("experimentName", in.ExperimentName, MaxExperimentName); err != nil {
			return err
		}
	}
	if len(in.UserID) > 255 {
		return errs.Field("user_id", "has %d bytes: at most 255 are allowed", len(in.UserID))
	}
	if in.LeaseSeconds != 0 {
		return checkLease(in.LeaseSeconds)
	}
	return CheckText("user_id", in.UserID)
}

// CreateRun starts a run.
func (s *Service) CreateRun(ctx context.Context, in CreateRun) (*ent.Run, error) {
	request := in // as the client sent it: what check makes up is not part of what a repetition must equal
	if err := in.check(); err != nil {
		return nil, err
	}
	if in.StartTime == 0 {
		in.StartTime = now()
	}
	if in.RunID == "" {
		in.RunID = newHexID()
	} else if in.IdempotencyKey == "" {
		in.IdempotencyKey = "run:" + in.RunID
	}
	var out *ent.Run
	err := s.db.WriteFor(ctx, in.RunID, func(ctx context.Context, tx *store.Tx) error {
		id, err := store.Once(ctx, tx, "createRun", in.IdempotencyKey, request, func() (string, error) {
			return in.RunID, createRun(ctx, tx, in)
		})
		if err != nil {
			return err
		}
		if out, err = tx.Ent().Run.Query().Where(run.RunID(id)).Only(ctx); err != nil {
			return notFound(err, "run", id)
		}
		e := live.Event{RunID: id, ExperimentID: out.ExperimentID, Changed: true}
		tx.OnCommit(func() { s.hub.Publish(e) })
		return nil
	})
	return out, err
}

func createRun(ctx context.Context, tx *store.Tx, in CreateRun) error {
	e, err := runExperiment(ctx, tx, in)
	if err != nil {
		return err
	}
	if err := experimentMustBeActive(e); err != nil {
		return err
	}
	if taken, err := tx.Ent().Run.Query().Where(run.RunID(in.RunID)).Exist(ctx); err != nil {
		return fmt.Errorf("look up run: %w", err)
	} else if taken {
		return errs.New(errs.Exists, "A run with id=%s already exists", in.RunID)
	}
	t := now()
	create := tx.Ent().Run.Create().SetRunID(in.RunID).SetExperimentID(e.ID).SetName(in.Name).
		SetStartTime(in.StartTime).SetUserID(in.UserID).SetParentRunID(in.ParentRunID).
		SetArtifactLocation(artifactLocation(e, in.RunID)).
		SetCreatedAt(t).SetUpdatedAt(t).SetCreatedBy(auth.Name(ctx)).SetUpdatedBy(auth.Name(ctx))
	if in.LeaseSeconds > 0 {
		create.SetLeaseExpiresAt(t + int64(in.LeaseSeconds)*1000)
	}
	r, err := create.Save(ctx)
	if err != nil {
		return fmt.Errorf("create run: %w", err)
	}
	if err := upsertTags(ctx, tx, r.ID, e.ID, ownTags(in.Tags, in.Name, in.ParentRunID)); err != nil {
		return err
	}
	tx.RunChanged(in.RunID, e.ID)
	return nil
}

func artifactLocation(e *ent.Experiment, runID string) string {
	return below(e.ArtifactLocation, runID+"/artifacts")
}

// ownTags adds the tags by which MLflow's clients know a run's name and parent.
func ownTags(tags []Tag, name, parent string) []Tag {
	tags = append(slices.Clone(tags), Tag{Key: tagRunName, Value: name})
	if parent != "" {
		tags = append(tags, Tag{Key: tagParentRunID, Value: parent})
	}
	return tags
}

func runExperiment(ctx context.Context, tx *store.Tx, in CreateRun) (*ent.Experiment, error) {
	if in.ExperimentID == nil && in.ExperimentName != "" {
		e, err := tx.Ent().Experiment.Query().Where(experiment.Name(in.ExperimentName)).Only(ctx)
		if ent.IsNotFound(err) {
			return insertExperiment(ctx, tx, CreateExperiment{Name: in.ExperimentName})
		}
		if err != nil {
			return nil, fmt.Errorf("look up experiment: %w", err)
		}
		return e, nil
	}
	id := 0
	if in.ExperimentID != nil {
		id = *in.ExperimentID
	}
	e, err := tx.Ent().Experiment.Get(ctx, id)
	return e, notFound(err, "experiment", strconv.Itoa(id))
}

// Run gives a run, deleted or not. NotFound when there is none.
func (s *Service) Run(ctx context.Context, id string) (*ent.Run, error) {
	r, err := s.db.Ent().Run.Query().Where(run.RunID(id)).Only(ctx)
	return r, runNotFound(err, id)
}

func runNotFound(err error, id string) error {
	if ent.IsNotFound(err) {
		return errs.New(errs.NotFound, "Run with id=%s not found", id)
	}
	if err != nil {
		return fmt.Errorf("read run: %w", err)
	}
	return nil
}

// Runs gives runs in the order of their ids. NotFound names the first that is missing.
func (s *Service) Runs(ctx context.Context, ids []string) ([]*ent.Run, error) {
	byID, err := s.RunsByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make([]*ent.Run, len(ids))
	for i, id := range ids {
		r, ok := byID[id]
		if !ok {
			return nil, errs.New(errs.NotFound, "Run with id=%s not found", id)
		}
		out[i] = r
	}
	return out, nil
}

// changeRun runs fn on a locked run, notes the change and gives the run back as it is then. What fn asks for through the
// update is stored with it.
func (s *Service) changeRun(ctx context.Context, id string, fn func(ctx context.Context, tx *store.Tx, r *ent.Run, update *ent.RunUpdateOne) error) (*ent.Run, error) {
	var out *ent.Run
	err := s.db.WriteFor(ctx, id, func(ctx context.Context, tx *store.Tx) error {
		r, err := lockRun(ctx, tx, id)
		if err != nil {
			return err
		}
		update := tx.Ent().Run.UpdateOneID(r.ID).SetUpdatedAt(now()).SetUpdatedBy(auth.Name(ctx))
		if err := fn(ctx, tx, r, update); err != nil {
			return err
		}
		if out, err = update.Save(ctx); err != nil {
			return fmt.Errorf("update run: %w", err)
		}
		tx.RunChanged(id, r.ExperimentID)
		e := live.Event{RunID: id, ExperimentID: r.ExperimentID, Changed: true}
		tx.OnCommit(func() { s.hub.Publish(e) })
		return nil
	})
	return out, err
}

// lockRun reads a run and keeps its row until the transaction ends.
func lockRun(ctx context.Context, tx *store.Tx, id string) (*ent.Run, error) {
	if tx.DB().Postgres() {
		if found, err := tx.Scan(ctx, "SELECT id FROM runs WHERE run_id = ?"+tx.LockRow(), []any{id}, new(int)); err != nil {
			return nil, fmt.Errorf("lock run: %w", err)
		} else if !found {
			return nil, errs.New(errs.NotFound, "Run with id=%s not found", id)
		}
	}
	r, err := tx.Ent().Run.Query().Where(run.RunID(id)).Only(ctx)
	return r, runNotFound(err, id)
}

func mustBeActive(r *ent.Run) error {
	if r.LifecycleStage != run.LifecycleStageActive {
		return errs.New(errs.Conflict, "The run %s must be in the 'active' state. Current state is %s: restore it first", r.RunID, r.LifecycleStage)
	}
	return nil
}
