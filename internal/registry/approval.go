package registry

import (
	"context"
	"fmt"
	"slices"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/modelhistory"
	"github.com/cairnml/cairn/internal/errs"
)

// Approve says that who asks approves of a version's coming into a stage. It is an entry of the history, and holds until the
// same principal withdraws it.
func (s *Service) Approve(ctx context.Context, name string, version int, stage, reason string) (*ent.ModelVersion, error) {
	return s.judge(ctx, name, version, stage, reason, modelhistory.ActionAPPROVAL)
}

// WithdrawApproval takes an approval back. Conflict when who asks has not approved.
func (s *Service) WithdrawApproval(ctx context.Context, name string, version int, stage, reason string) (*ent.ModelVersion, error) {
	return s.judge(ctx, name, version, stage, reason, modelhistory.ActionWITHDRAWAL)
}

func (s *Service) judge(ctx context.Context, name string, version int, stage, reason string, action modelhistory.Action) (*ent.ModelVersion, error) {
	stage, err := ParseStage("stage", stage)
	if err != nil {
		return nil, err
	}
	if stage == StageNone {
		return nil, errs.Field("stage", "an approval is for a stage that a version is brought into, and None is where it begins")
	}
	if err := checkText("reason", reason, MaxReason); err != nil {
		return nil, err
	}
	var out *ent.ModelVersion
	_, err = s.changeModel(ctx, name, func(ctx context.Context, c *change) error {
		v, err := c.version(ctx, version)
		if err != nil {
			return err
		}
		out = v
		approvals, err := c.approvals(ctx, v, stage)
		if err != nil {
			return err
		}
		approved := slices.ContainsFunc(approvals, func(a *ent.ModelHistory) bool { return a.Principal == c.by })
		switch {
		case action == modelhistory.ActionAPPROVAL && approved:
			return nil
		case action == modelhistory.ActionWITHDRAWAL && !approved:
			return errs.New(errs.Conflict, "%s has not approved of version %d of %.260q for %s", c.by, version, c.model.Name, stage)
		}
		c.record(ent.ModelHistory{Action: action, Version: version, FromStage: v.Stage, ToStage: stage, Reason: reason})
		c.changed(v.ID)
		return nil
	})
	return out, err
}

// approvals gives the approvals of a version for a stage that hold, oldest first.
func (c *change) approvals(ctx context.Context, v *ent.ModelVersion, stage string) ([]*ent.ModelHistory, error) {
	found, err := c.tx.Ent().ModelHistory.Query().Where(modelhistory.RegisteredModelID(c.model.ID), modelhistory.ToStage(stage),
		modelhistory.Version(v.Version), modelhistory.ActionIn(modelhistory.ActionAPPROVAL, modelhistory.ActionWITHDRAWAL)).
		Order(ent.Asc(modelhistory.FieldSequence)).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read approvals: %w", err)
	}
	return holding(found), nil
}

// holding leaves out, of approvals and withdrawals in their order, what was taken back.
func holding(entries []*ent.ModelHistory) []*ent.ModelHistory {
	type approver struct {
		model, version   int
		stage, principal string
	}
	who := func(e *ent.ModelHistory) approver {
		return approver{e.RegisteredModelID, e.Version, e.ToStage, e.Principal}
	}
	last := make(map[approver]*ent.ModelHistory, len(entries))
	for _, e := range entries {
		last[who(e)] = e
	}
	out := make([]*ent.ModelHistory, 0, len(last))
	for _, e := range entries {
		if last[who(e)] == e && e.Action == modelhistory.ActionAPPROVAL {
			out = append(out, e)
		}
	}
	return out
}

// lacksApproval says that nobody but who asks has approved of a version, or "" when somebody has.
func (c *change) lacksApproval(ctx context.Context, v *ent.ModelVersion, stage string) (string, error) {
	approvals, err := c.approvals(ctx, v, stage)
	switch {
	case err != nil:
		return "", err
	case len(approvals) == 0:
		return "nobody has approved", nil
	case slices.ContainsFunc(approvals, func(a *ent.ModelHistory) bool { return a.Principal != c.by }):
		return "", nil
	}
	return "only " + c.by + " has approved, who asks for the transition", nil
}
