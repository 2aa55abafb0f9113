package registry

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"entgo.io/ent/dialect/sql"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/modelhistory"
	"github.com/cairnml/cairn/ent/modelversion"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
)

// Transition asks for a version to come into a stage.
type Transition struct {
	Name    string
	Version int
	Stage   string
	// ArchiveExisting archives all other versions that are in the stage. It is for Staging and Production.
	ArchiveExisting bool
	// Reason is kept in the history.
	Reason string
	// DryRun does all of it, the rules among it, and keeps nothing.
	DryRun bool
}

// TransitionStage brings a version into a stage. A version that is in it already stays as it is, with nothing in the history.
// Errors: Invalid for what is no stage, NotFound, and Conflict when rules of the model are not met: then nothing is changed.
func (s *Service) TransitionStage(ctx context.Context, in Transition) (*ent.ModelVersion, error) {
	stage, err := ParseStage("stage", in.Stage)
	if err != nil {
		return nil, err
	}
	if in.ArchiveExisting && !isLive(stage) {
		return nil, errs.Field("archiveExistingVersions", "is for %s and %s, and not for %s", StageStaging, StageProduction, stage)
	}
	if err := checkText("reason", in.Reason, MaxReason); err != nil {
		return nil, err
	}
	var out *ent.ModelVersion
	err = s.tryModel(ctx, in.Name, in.DryRun, func(ctx context.Context, c *change) error {
		v, err := c.version(ctx, in.Version)
		if err != nil {
			return err
		}
		out = v
		if v.Stage != stage {
			if err := c.checkRules(ctx, v, stage); err != nil {
				return err
			}
		}
		if in.ArchiveExisting {
			others, err := c.inStage(ctx, stage)
			if err != nil {
				return err
			}
			delete(others, v.Version)
			if err := c.archive(ctx, others, fmt.Sprintf("made way for version %d", v.Version)); err != nil {
				return err
			}
		}
		if v.Stage != stage {
			c.record(ent.ModelHistory{
				Action: modelhistory.ActionTRANSITION, Version: v.Version, FromStage: v.Stage, ToStage: stage, Reason: in.Reason,
			})
		}
		return c.move(ctx, v, stage)
	})
	return out, err
}

// isLive tells of a stage in which callers use a version.
func isLive(stage string) bool { return stage == StageStaging || stage == StageProduction }

// move sets the stage of a version.
func (c *change) move(ctx context.Context, v *ent.ModelVersion, stage string) error {
	v.Stage = stage
	if err := c.touch(v).SetStage(stage).Exec(ctx); err != nil {
		return fmt.Errorf("set stage: %w", err)
	}
	return nil
}

// archive brings versions into Archived.
func (c *change) archive(ctx context.Context, versions map[int]*ent.ModelVersion, why string) error {
	if len(versions) == 0 {
		return nil
	}
	var from string
	for _, n := range slices.Sorted(maps.Keys(versions)) {
		v := versions[n]
		from = v.Stage
		c.record(ent.ModelHistory{
			Action: modelhistory.ActionTRANSITION, Version: n, FromStage: v.Stage, ToStage: StageArchived, Reason: why,
		})
		c.changed(v.ID)
		v.Stage, v.UpdatedAt, v.UpdatedBy = StageArchived, c.now, c.by
	}
	// They are those in one stage, so that stage names them, apart from the one that makes them go.
	update := c.tx.Ent().ModelVersion.Update().Where(modelversion.RegisteredModelID(c.model.ID), modelversion.Stage(from))
	if len(versions) <= insertedAtOnce {
		update.Where(modelversion.VersionIn(slices.Sorted(maps.Keys(versions))...))
	}
	if err := update.SetStage(StageArchived).SetUpdatedAt(c.now).SetUpdatedBy(c.by).Exec(ctx); err != nil {
		return fmt.Errorf("archive versions: %w", err)
	}
	return nil
}

// Rollback brings back into a stage the version that was in it before the present one, as the history tells, and archives the
// present one. A second rollback goes one further back. When nothing is in the stage, the last that was comes back. Rules do
// not count: what comes back was let in before.
//
// Conflict when the history knows of no version before, or all of them are deleted.
func (s *Service) Rollback(ctx context.Context, name, stage, reason string) (*ent.ModelVersion, error) {
	return s.rollback(ctx, name, stage, reason, false)
}

// TryRollback gives the version that Rollback would bring back, and changes nothing.
func (s *Service) TryRollback(ctx context.Context, name, stage string) (*ent.ModelVersion, error) {
	return s.rollback(ctx, name, stage, "", true)
}

func (s *Service) rollback(ctx context.Context, name, stage, reason string, dryRun bool) (*ent.ModelVersion, error) {
	stage, err := ParseStage("stage", stage)
	if err != nil {
		return nil, err
	}
	if !isLive(stage) {
		return nil, errs.Field("stage", "a rollback is in %s or %s, and not in %s", StageStaging, StageProduction, stage)
	}
	if err := checkText("reason", reason, MaxReason); err != nil {
		return nil, err
	}
	var out *ent.ModelVersion
	err = s.tryModel(ctx, name, dryRun, func(ctx context.Context, c *change) error {
		present, target, arrival, err := c.before(ctx, stage)
		if err != nil {
			return err
		}
		if present != nil {
			why := fmt.Sprintf("rolled back to version %d", target.Version)
			if err := c.archive(ctx, map[int]*ent.ModelVersion{present.Version: present}, why); err != nil {
				return err
			}
		}
		c.record(ent.ModelHistory{
			Action: modelhistory.ActionROLLBACK, Version: target.Version, FromStage: target.Stage, ToStage: stage,
			Restores: origin(arrival), Reason: reason,
		})
		out = target
		return c.move(ctx, target, stage)
	})
	return out, err
}

// origin is the sequence of the transition behind an arrival: of one by rollback, the one that it went back to. What came
// between the two was rolled back, and is no state to return to.
func origin(arrival *ent.ModelHistory) int64 {
	if arrival.Action == modelhistory.ActionROLLBACK {
		return arrival.Restores
	}
	return arrival.Sequence
}

// maxSkipped bounds how many versions that are deleted are passed on the way back.
const maxSkipped = 1000

// before finds the present version of a stage, nil when there is none, and what was in the stage before it.
func (c *change) before(ctx context.Context, stage string) (present, target *ent.ModelVersion, arrival *ent.ModelHistory, err error) {
	present, at, err := c.present(ctx, stage)
	if err != nil {
		return nil, nil, nil, err
	}
	for range maxSkipped {
		e, found, err := c.lastArrival(ctx, stage, at, false)
		if err != nil {
			return nil, nil, nil, err
		}
		if !found {
			break
		}
		at = origin(e)
		if present != nil && e.Version == present.Version {
			continue
		}
		target, err := c.version(ctx, e.Version)
		if err == nil {
			return present, target, e, nil
		}
		if !errs.Is(err, errs.NotFound) {
			return nil, nil, nil, err
		}
	}
	what := "nothing is in it, and nothing was"
	if present != nil {
		what = fmt.Sprintf("version %d is in it, and no version was before it that is still there", present.Version)
	}
	return nil, nil, nil, errs.New(errs.Conflict, "%s of %.260q cannot be rolled back: %s", stage, c.model.Name, what)
}

// present gives the version that came into a stage last, of those in it, and the sequence before which others came; nil and 0
// when the stage is empty. Where the history does not tell, as of what was imported, it is the one with the highest number.
func (c *change) present(ctx context.Context, stage string) (*ent.ModelVersion, int64, error) {
	e, found, err := c.lastArrival(ctx, stage, 0, true)
	if err != nil {
		return nil, 0, err
	}
	if found {
		v, err := c.version(ctx, e.Version)
		return v, origin(e), err
	}
	v, err := c.tx.Ent().ModelVersion.Query().Where(modelversion.RegisteredModelID(c.model.ID), modelversion.Stage(stage)).
		Order(ent.Desc(modelversion.FieldVersion)).First(ctx)
	if ent.IsNotFound(err) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read versions in %s: %w", stage, err)
	}
	v.Edges.RegisteredModel = c.model
	return v, 0, nil
}

// LatestVersions gives the newest version in each of some stages (none named: all), in the order of the stages; None and
// Archived count too. NotFound when there is no such model.
func (s *Service) LatestVersions(ctx context.Context, name string, stages []string) ([]*ent.ModelVersion, error) {
	m, err := s.Model(ctx, name)
	if err != nil {
		return nil, err
	}
	found, err := s.LatestVersionsOf(ctx, []int{m.ID}, stages)
	return found[m.ID], err
}

// LatestVersionsOf is LatestVersions for several models by their internal ids.
func (s *Service) LatestVersionsOf(ctx context.Context, models []int, stages []string) (map[int][]*ent.ModelVersion, error) {
	wanted, err := parseStages(stages)
	if err != nil {
		return nil, err
	}
	out, err := store.Grouped(models, "latest versions", func(ids []int) ([]*ent.ModelVersion, error) {
		return s.db.Ent().ModelVersion.Query().
			Where(modelversion.RegisteredModelIDIn(ids...), modelversion.StageIn(wanted...), newestInStage).WithRegisteredModel().All(ctx)
	}, func(v *ent.ModelVersion) int { return v.RegisteredModelID })
	for _, versions := range out {
		slices.SortFunc(versions, func(a, b *ent.ModelVersion) int {
			return cmp.Compare(slices.Index(wanted, a.Stage), slices.Index(wanted, b.Stage))
		})
	}
	return out, err
}

// newestInStage selects, of the versions of a model in a stage, the one with the highest number.
func newestInStage(sel *sql.Selector) {
	v := sql.Table(modelversion.Table).As("newer")
	sel.Where(sql.NotExists(sql.Select().AppendSelectExpr(sql.Raw("1")).From(v).Where(sql.And(
		sql.ColumnsEQ(v.C(modelversion.FieldRegisteredModelID), sel.C(modelversion.FieldRegisteredModelID)),
		sql.ColumnsEQ(v.C(modelversion.FieldStage), sel.C(modelversion.FieldStage)),
		sql.ColumnsGT(v.C(modelversion.FieldVersion), sel.C(modelversion.FieldVersion)),
	))))
}
