package tracking

import (
	"context"
	"strconv"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/experiment"
	"github.com/cairnml/cairn/ent/run"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
)

// UpdateRun is a change of a run; what is nil stays.
type UpdateRun struct {
	RunID              string
	Name, StatusReason *string
	Status             *run.Status
	EndTime            *int64
}

// Ended tells whether a run of this status runs no more.
func Ended(s run.Status) bool {
	return s == run.StatusFINISHED || s == run.StatusFAILED || s == run.StatusKILLED
}

// UpdateRun changes an active run. A status that ends it sets the end time when none is given; one that does not clears it.
func (s *Service) UpdateRun(ctx context.Context, in UpdateRun) (*ent.Run, error) {
	if in.Name != nil {
		if err := checkName("run_name", *in.Name, MaxRunName); err != nil {
			return nil, err
		}
	}
	if in.StatusReason != nil {
		if err := checkValue("statusReason", "statusReason", *in.StatusReason); err != nil {
			return nil, err
		}
	}
	if in.Status != nil {
		if err := run.StatusValidator(*in.Status); err != nil {
			return nil, errs.Field("status", "%q is not one of RUNNING, SCHEDULED, FINISHED, FAILED, KILLED", *in.Status)
		}
	}
	if in.EndTime != nil && *in.EndTime < 0 {
		return nil, errs.Field("end_time", "must not be before 1970")
	}
	return s.changeRun(ctx, in.RunID, func(ctx context.Context, tx *store.Tx, r *ent.Run, update *ent.RunUpdateOne) error {
		if err := mustBeActive(r); err != nil {
			return err
		}
		if in.Name != nil {
			update.SetName(*in.Name)
			if err := upsertTags(ctx, tx, r.ID, r.ExperimentID, []Tag{{Key: tagRunName, Value: *in.Name}}); err != nil {
				return err
			}
		}
		setStatus(update, r, in)
		return nil
	})
}

func setStatus(update *ent.RunUpdateOne, r *ent.Run, in UpdateRun) {
	if in.StatusReason != nil {
		update.SetStatusReason(*in.StatusReason)
	}
	if in.EndTime != nil {
		update.SetEndTime(*in.EndTime)
	}
	if in.Status == nil {
		return
	}
	update.SetStatus(*in.Status)
	if in.StatusReason == nil && r.StatusReason == reasonNoHeartbeat {
		update.SetStatusReason("") // it was only cut off
	}
	switch {
	case Ended(*in.Status):
		update.ClearLeaseExpiresAt()
		if in.EndTime == nil && r.EndTime == nil {
			update.SetEndTime(now())
		}
	case in.EndTime == nil:
		update.ClearEndTime()
	}
}

// DeleteRun marks a run as deleted. Deleting it again changes nothing.
func (s *Service) DeleteRun(ctx context.Context, id string) (*ent.Run, error) {
	return s.changeRun(ctx, id, func(_ context.Context, _ *store.Tx, r *ent.Run, update *ent.RunUpdateOne) error {
		if r.LifecycleStage == run.LifecycleStageActive {
			update.SetLifecycleStage(run.LifecycleStageDeleted).SetDeletedAt(now()).SetDeletedWithExperiment(false)
		} else {
			update.SetDeletedWithExperiment(false) // its experiment's restoration does not bring it back
		}
		return nil
	})
}

// RestoreRun brings a deleted run back. Conflict while its experiment is deleted.
func (s *Service) RestoreRun(ctx context.Context, id string) (*ent.Run, error) {
	return s.changeRun(ctx, id, func(ctx context.Context, tx *store.Tx, r *ent.Run, update *ent.RunUpdateOne) error {
		if r.Purging {
			return errs.New(errs.Conflict, "The run %s was deleted long ago and is being removed for good: a part of it is gone already", id)
		}
		e, err := tx.Ent().Experiment.Get(ctx, r.ExperimentID)
		if err := notFound(err, "experiment", strconv.Itoa(r.ExperimentID)); err != nil {
			return err
		}
		if e.LifecycleStage != experiment.LifecycleStageActive {
			return errs.New(errs.Conflict, "The experiment %d of run %s is deleted: restore the experiment first", e.ID, id)
		}
		update.SetLifecycleStage(run.LifecycleStageActive).ClearDeletedAt().SetDeletedWithExperiment(false)
		return nil
	})
}
