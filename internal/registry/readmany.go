package registry

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"

	"github.com/cairnml/cairn/ent"
	entchange "github.com/cairnml/cairn/ent/change"
	"github.com/cairnml/cairn/ent/modelalias"
	"github.com/cairnml/cairn/ent/modelhistory"
	"github.com/cairnml/cairn/ent/modelrule"
	"github.com/cairnml/cairn/ent/modelversion"
	"github.com/cairnml/cairn/ent/modelversiontag"
	"github.com/cairnml/cairn/ent/predicate"
	"github.com/cairnml/cairn/ent/registeredmodel"
	"github.com/cairnml/cairn/ent/registeredmodeltag"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
)

// The reads of this file serve many owners at once, so that the number of statements follows the shape of a request and not
// its size. They take internal ids.

// AliasesOf gives the aliases of models, by name.
func (s *Service) AliasesOf(ctx context.Context, models []int) (map[int][]*ent.ModelAlias, error) {
	return store.Grouped(models, "aliases", func(ids []int) ([]*ent.ModelAlias, error) {
		return s.db.Ent().ModelAlias.Query().Where(modelalias.RegisteredModelIDIn(ids...)).
			Order(ent.Asc(modelalias.FieldRegisteredModelID, modelalias.FieldAlias)).All(ctx)
	}, func(a *ent.ModelAlias) int { return a.RegisteredModelID })
}

// ModelTagsOf gives the tags of models, by key.
func (s *Service) ModelTagsOf(ctx context.Context, models []int) (map[int][]*ent.RegisteredModelTag, error) {
	return store.Grouped(models, "tags of models", func(ids []int) ([]*ent.RegisteredModelTag, error) {
		return s.db.Ent().RegisteredModelTag.Query().Where(registeredmodeltag.RegisteredModelIDIn(ids...)).
			Order(ent.Asc(registeredmodeltag.FieldRegisteredModelID, registeredmodeltag.FieldKey)).All(ctx)
	}, func(t *ent.RegisteredModelTag) int { return t.RegisteredModelID })
}

// VersionTagsOf gives the tags of versions, by key.
func (s *Service) VersionTagsOf(ctx context.Context, versions []int) (map[int][]*ent.ModelVersionTag, error) {
	return store.Grouped(versions, "tags of versions", func(ids []int) ([]*ent.ModelVersionTag, error) {
		return s.db.Ent().ModelVersionTag.Query().Where(modelversiontag.ModelVersionIDIn(ids...)).
			Order(ent.Asc(modelversiontag.FieldModelVersionID, modelversiontag.FieldKey)).All(ctx)
	}, func(t *ent.ModelVersionTag) int { return t.ModelVersionID })
}

// RulesOf gives the rules of models.
func (s *Service) RulesOf(ctx context.Context, models []int) (map[int][]*ent.ModelRule, error) {
	return store.Grouped(models, "rules", func(ids []int) ([]*ent.ModelRule, error) {
		return s.db.Ent().ModelRule.Query().Where(modelrule.RegisteredModelIDIn(ids...)).
			Order(ent.Asc(modelrule.FieldRegisteredModelID, modelrule.FieldStage, modelrule.FieldKind, modelrule.FieldKey)).All(ctx)
	}, func(r *ent.ModelRule) int { return r.RegisteredModelID })
}

// ApprovalsOf gives the approvals of models' versions that hold, oldest first.
func (s *Service) ApprovalsOf(ctx context.Context, models []int) (map[int][]*ent.ModelHistory, error) {
	out, err := store.Grouped(models, "approvals", func(ids []int) ([]*ent.ModelHistory, error) {
		return s.db.Ent().ModelHistory.Query().Where(modelhistory.RegisteredModelIDIn(ids...),
			modelhistory.ActionIn(modelhistory.ActionAPPROVAL, modelhistory.ActionWITHDRAWAL)).
			Order(ent.Asc(modelhistory.FieldRegisteredModelID, modelhistory.FieldSequence)).All(ctx)
	}, func(e *ent.ModelHistory) int { return e.RegisteredModelID })
	for id, entries := range out {
		out[id] = holding(entries)
	}
	return out, err
}

// ModelsByID gives models, deleted or not.
func (s *Service) ModelsByID(ctx context.Context, ids []int) (map[int]*ent.RegisteredModel, error) {
	return store.Keyed(ids, "registered models", func(ids []int) ([]*ent.RegisteredModel, error) {
		return s.db.Ent().RegisteredModel.Query().Where(registeredmodel.IDIn(ids...)).All(ctx)
	}, func(m *ent.RegisteredModel) int { return m.ID })
}

// MaxVersions bounds the versions of a page.
const MaxVersions = 1000

// VersionPage is some of a model's versions.
type VersionPage struct {
	Versions []*ent.ModelVersion
	HasNext  bool
}

// VersionsOf gives the first versions of models, the newest first: those with numbers below one when that is not 0.
func (s *Service) VersionsOf(ctx context.Context, models []int, below, first int) (map[int]VersionPage, error) {
	if first < 1 || first > MaxVersions {
		return nil, errs.Field("first", "is %d; it is from 1 to %d", first, MaxVersions)
	}
	ids, err := s.firstOfEach(ctx, "model_versions", "version", " AND lifecycle_stage = 'active'", models, int64(below), first+1)
	if err != nil {
		return nil, err
	}
	found, err := store.Grouped(ids, "versions", func(ids []int) ([]*ent.ModelVersion, error) {
		return s.db.Ent().ModelVersion.Query().Where(modelversion.IDIn(ids...)).WithRegisteredModel().All(ctx)
	}, func(v *ent.ModelVersion) int { return v.RegisteredModelID })
	out := make(map[int]VersionPage, len(found))
	for id, versions := range found {
		versions, more := newest(versions, first, func(v *ent.ModelVersion) int64 { return int64(v.Version) })
		out[id] = VersionPage{versions, more}
	}
	return out, err
}

// HistoriesOf gives the newest entries of models' histories, the newest first: those with sequences before one when that is
// not 0.
func (s *Service) HistoriesOf(ctx context.Context, models []int, before int64, first int) (map[int]HistoryPage, error) {
	if first < 1 || first > MaxHistory {
		return nil, errs.Field("first", "is %d; it is from 1 to %d", first, MaxHistory)
	}
	ids, err := s.firstOfEach(ctx, "model_history", "sequence", "", models, before, first+1)
	if err != nil {
		return nil, err
	}
	found, err := store.Grouped(ids, "history", func(ids []int) ([]*ent.ModelHistory, error) {
		return s.db.Ent().ModelHistory.Query().Where(modelhistory.IDIn(ids...)).All(ctx)
	}, func(e *ent.ModelHistory) int { return e.RegisteredModelID })
	out := make(map[int]HistoryPage, len(found))
	for id, entries := range found {
		entries, more := newest(entries, first, func(e *ent.ModelHistory) int64 { return e.Sequence })
		out[id] = HistoryPage{entries, more}
	}
	return out, err
}

// newest gives the first rows by their numbers, the highest first, and tells whether there are more.
func newest[T any](rows []T, first int, number func(T) int64) (page []T, more bool) {
	slices.SortFunc(rows, func(a, b T) int { return cmp.Compare(number(b), number(a)) })
	return rows[:min(len(rows), first)], len(rows) > first
}

// firstOfEach gives the ids of the rows of each model with the highest numbers in a column, below a bound when that is not 0.
func (s *Service) firstOfEach(ctx context.Context, table, column, where string, models []int, below int64, limit int) ([]int, error) {
	if below > 0 {
		where += " AND " + column + " < ?"
	}
	var ids []int
	for _, part := range store.Parts(models) {
		args := store.Args(nil, part)
		if below > 0 {
			args = append(args, below)
		}
		query := "SELECT id FROM (SELECT id, ROW_NUMBER() OVER (PARTITION BY registered_model_id ORDER BY " + column + " DESC) AS place FROM " +
			table + " WHERE registered_model_id IN " + store.In(len(part)) + where + ") places WHERE place <= ?"
		err := store.EachRow(ctx, s.db.Read(), query, append(args, limit), func(rows *sql.Rows) error {
			var id int
			err := rows.Scan(&id)
			ids = append(ids, id)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("list rows of registered models: %w", err)
		}
	}
	return ids, nil
}

// CountVersions counts the versions of models that are not deleted.
func (s *Service) CountVersions(ctx context.Context, models []int) (map[int]int, error) {
	out := make(map[int]int, len(models))
	for _, part := range store.Parts(models) {
		var counts []struct {
			Model int `sql:"registered_model_id"`
			Count int `sql:"count"`
		}
		err := s.db.Ent().ModelVersion.Query().
			Where(modelversion.RegisteredModelIDIn(part...), modelversion.LifecycleStageEQ(modelversion.LifecycleStageActive)).
			GroupBy(modelversion.FieldRegisteredModelID).Aggregate(ent.Count()).Scan(ctx, &counts)
		if err != nil {
			return nil, fmt.Errorf("count versions: %w", err)
		}
		for _, c := range counts {
			out[c.Model] = c.Count
		}
	}
	return out, nil
}

// ChangesSince gives up to limit versions that changed behind a number, in the order of their newest changes, and the number to
// go on from. Of a version that was deleted, the row says so. names nil means all models.
func (s *Service) ChangesSince(ctx context.Context, names []string, after int64, limit int) (versions []*ent.ModelVersion, next int64, err error) {
	query := s.db.Ent().Change.Query().Where(entchange.EntityEQ(entchange.EntityMODEL_VERSION), entchange.SequenceGT(after))
	if names != nil {
		// Deleted ones too, by what a deletion appends.
		called := []predicate.RegisteredModel{registeredmodel.NameIn(names...)}
		for _, name := range names {
			called = append(called, registeredmodel.And(registeredmodel.NameGTE(name+"/"), registeredmodel.NameLT(name+"0")))
		}
		ids, err := s.db.Ent().RegisteredModel.Query().Where(registeredmodel.Or(called...)).IDs(ctx)
		if err != nil {
			return nil, after, fmt.Errorf("find registered models: %w", err)
		}
		query.Where(entchange.ScopeIn(ids...))
	}
	found, err := query.Order(ent.Asc(entchange.FieldSequence)).Limit(limit).All(ctx)
	if err != nil {
		return nil, after, fmt.Errorf("read changes: %w", err)
	}
	next = after
	ids := make([]int, len(found))
	for i, c := range found {
		next = c.Sequence
		if ids[i], err = strconv.Atoi(c.EntityID); err != nil {
			return nil, after, fmt.Errorf("read changes: %w", err)
		}
	}
	rows, err := s.VersionsByID(ctx, ids)
	if err != nil {
		return nil, after, err
	}
	for _, id := range ids {
		if v := rows[id]; v != nil {
			versions = append(versions, v)
		}
	}
	return versions, next, nil
}

// VersionsByID gives versions, deleted or not.
func (s *Service) VersionsByID(ctx context.Context, ids []int) (map[int]*ent.ModelVersion, error) {
	return store.Keyed(ids, "versions", func(ids []int) ([]*ent.ModelVersion, error) {
		return s.db.Ent().ModelVersion.Query().Where(modelversion.IDIn(ids...)).WithRegisteredModel().All(ctx)
	}, func(v *ent.ModelVersion) int { return v.ID })
}
