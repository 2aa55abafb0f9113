package graph

import (
	"context"
	"fmt"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/graph/model"
	"github.com/cairnml/cairn/graph/page"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/registry"
	"github.com/cairnml/cairn/internal/search"
)

// The functions of this file load a field of registered models or of versions for all siblings at once.

// ofIDs adapts a read of the core, keyed by internal id, to objects.
func ofIDs[T comparable, V any](
	idOf func(T) int, read func(ctx context.Context, ids []int) (map[int]V, error),
) func(context.Context, []T) (map[T]V, error) {
	return func(ctx context.Context, objects []T) (map[T]V, error) {
		ids := make([]int, len(objects))
		for i, o := range objects {
			ids[i] = idOf(o)
		}
		found, err := read(ctx, distinct(ids))
		if err != nil {
			return nil, err
		}
		return lookUp(objects, found, idOf), nil
	}
}

func registeredModelID(m *ent.RegisteredModel) int { return m.ID }
func modelVersionID(v *ent.ModelVersion) int       { return v.ID }
func modelOfVersion(v *ent.ModelVersion) int       { return v.RegisteredModelID }

func registryQuery(filter *string, orderBy []string, first *int, after *string) search.RegistryQuery {
	return search.RegistryQuery{Filter: valueOr(filter, ""), OrderBy: orderBy, First: valueOr(first, defaultFirst), After: valueOr(after, "")}
}

func (r *Resolver) listRegisteredModels(ctx context.Context, filter *string, orderBy []string, first *int, after *string) (*page.RegisteredModelConnection, error) {
	q := registryQuery(filter, orderBy, first, after)
	found, err := r.Search.RegisteredModels(ctx, q)
	if err != nil {
		return nil, err
	}
	announce(ctx, found.Models)
	out := &page.RegisteredModelConnection{
		Edges: make([]*model.RegisteredModelEdge, len(found.Models)), PageInfo: pageInfo(found.Cursors, found.HasNext, after),
		Count: func(ctx context.Context) (int, error) { return r.Search.CountRegisteredModels(ctx, q) },
	}
	for i, m := range found.Models {
		out.Edges[i] = &model.RegisteredModelEdge{Node: m, Cursor: found.Cursors[i]}
	}
	return out, nil
}

func (r *Resolver) listModelVersions(ctx context.Context, filter *string, orderBy []string, first *int, after *string) (*page.ModelVersionConnection, error) {
	q := registryQuery(filter, orderBy, first, after)
	found, err := r.Search.ModelVersions(ctx, q)
	if err != nil {
		return nil, err
	}
	announce(ctx, found.Versions)
	return versionConnection(found.Versions, found.Cursors, found.HasNext, after,
		func(ctx context.Context) (int, error) { return r.Search.CountModelVersions(ctx, q) }), nil
}

func versionConnection(versions []*ent.ModelVersion, cursors []string, hasNext bool, after *string, count page.Count) *page.ModelVersionConnection {
	out := &page.ModelVersionConnection{
		Edges: make([]*model.ModelVersionEdge, len(versions)), PageInfo: pageInfo(cursors, hasNext, after), Count: count,
	}
	for i, v := range versions {
		out.Edges[i] = &model.ModelVersionEdge{Node: v, Cursor: cursors[i]}
	}
	return out
}

// numberCursor reads a cursor of a list that is ordered by numbers, the greatest first; 0 for none.
func numberCursor(after *string) (int64, error) {
	text := valueOr(after, "")
	if text == "" {
		return 0, nil
	}
	n, err := parseChangeCursor(text)
	if err != nil || n == 0 {
		return 0, errs.Field("after", "is not a cursor of this list: pass one as the list gave it, or none to begin at the start")
	}
	return n, nil
}

// versionsOfModel answers RegisteredModel.versions. A cursor belongs to one model, so a page behind one is read for it alone.
func (r *Resolver) versionsOfModel(ctx context.Context, m *ent.RegisteredModel, first *int, after *string) (*page.ModelVersionConnection, error) {
	size := valueOr(first, defaultFirst)
	below, err := numberCursor(after)
	if err != nil {
		return nil, err
	}
	read := func(ctx context.Context, ids []int) (map[int]registry.VersionPage, error) {
		pages, err := r.Registry.VersionsOf(ctx, ids, int(below), size)
		var all []*ent.ModelVersion
		for _, p := range pages {
			all = append(all, p.Versions...)
		}
		announce(ctx, all)
		return pages, err
	}
	var found registry.VersionPage
	if below > 0 {
		pages, err := read(ctx, []int{m.ID})
		if err != nil {
			return nil, err
		}
		found = pages[m.ID]
	} else if found, err = forSiblings(ctx, m, fmt.Sprintf("versions %d", size), ofIDs(registeredModelID, read)); err != nil {
		return nil, err
	}
	cursors := make([]string, len(found.Versions))
	for i, v := range found.Versions {
		cursors[i] = changeCursor(int64(v.Version))
	}
	return versionConnection(found.Versions, cursors, found.HasNext, after, func(ctx context.Context) (int, error) {
		return forSiblings(ctx, m, "count versions", ofIDs(registeredModelID, r.Registry.CountVersions))
	}), nil
}

// historyOfModel answers RegisteredModel.history, as versionsOfModel does for versions.
func (r *Resolver) historyOfModel(ctx context.Context, m *ent.RegisteredModel, first *int, after *string) (*model.ModelHistoryConnection, error) {
	size := valueOr(first, defaultFirst)
	before, err := numberCursor(after)
	if err != nil {
		return nil, err
	}
	read := func(ctx context.Context, ids []int) (map[int]registry.HistoryPage, error) {
		return r.Registry.HistoriesOf(ctx, ids, before, size)
	}
	if before > 0 {
		pages, err := read(ctx, []int{m.ID})
		return historyConnection(pages[m.ID], after), err
	}
	found, err := forSiblings(ctx, m, fmt.Sprintf("history %d", size), ofIDs(registeredModelID, read))
	return historyConnection(found, after), err
}

func (r *Resolver) modelHistory(ctx context.Context, name string, first *int, after *string) (*model.ModelHistoryConnection, error) {
	size := valueOr(first, defaultFirst)
	before, err := numberCursor(after)
	if err != nil {
		return nil, err
	}
	found, err := r.Registry.History(ctx, name, before, size)
	return historyConnection(found, after), err
}

func historyConnection(p registry.HistoryPage, after *string) *model.ModelHistoryConnection {
	cursors := make([]string, len(p.Entries))
	out := &model.ModelHistoryConnection{Edges: make([]*model.ModelHistoryEdge, len(p.Entries))}
	for i, e := range p.Entries {
		cursors[i] = changeCursor(e.Sequence)
		out.Edges[i] = &model.ModelHistoryEdge{Node: e, Cursor: cursors[i]}
	}
	out.PageInfo = pageInfo(cursors, p.HasNext, after)
	return out
}

func (r *Resolver) latestVersions(ctx context.Context, m *ent.RegisteredModel, stages []string) ([]*ent.ModelVersion, error) {
	return forSiblings(ctx, m, fmt.Sprintf("latest versions %q", stages), ofIDs(registeredModelID,
		func(ctx context.Context, ids []int) (map[int][]*ent.ModelVersion, error) {
			found, err := r.Registry.LatestVersionsOf(ctx, ids, stages)
			var all []*ent.ModelVersion
			for _, versions := range found {
				all = append(all, versions...)
			}
			announce(ctx, all)
			return found, err
		}))
}

// registeredModelTags gives the tags of a model.
func (r *Resolver) registeredModelTags(ctx context.Context, m *ent.RegisteredModel) ([]*model.Tag, error) {
	found, err := forSiblings(ctx, m, "tags", ofIDs(registeredModelID, r.Registry.ModelTagsOf))
	return shownTags(found, func(t *ent.RegisteredModelTag) model.Tag { return model.Tag{Key: t.Key, Value: t.Value} }), err
}

func (r *Resolver) modelVersionTags(ctx context.Context, v *ent.ModelVersion) ([]*model.Tag, error) {
	found, err := forSiblings(ctx, v, "tags", ofIDs(modelVersionID, r.Registry.VersionTagsOf))
	return shownTags(found, func(t *ent.ModelVersionTag) model.Tag { return model.Tag{Key: t.Key, Value: t.Value} }), err
}

// valueOf gives the value of a tag; nil when it is not set.
func valueOf(tags []*model.Tag, key string, err error) (*string, error) {
	for _, t := range tags {
		if t.Key == key {
			return &t.Value, err
		}
	}
	return nil, err
}

// modelOf gives the model of a version, which was read with it.
func (r *Resolver) modelOf(ctx context.Context, v *ent.ModelVersion) (*ent.RegisteredModel, error) {
	return forSiblings(ctx, v, "model", func(ctx context.Context, versions []*ent.ModelVersion) (map[*ent.ModelVersion]*ent.RegisteredModel, error) {
		byID := map[int]*ent.RegisteredModel{}
		for _, v := range versions {
			byID[v.RegisteredModelID] = v.Edges.RegisteredModel
		}
		announceAll(ctx, byID)
		return lookUp(versions, byID, modelOfVersion), nil
	})
}

func (r *Resolver) aliasesOfVersion(ctx context.Context, v *ent.ModelVersion) ([]string, error) {
	found, err := forSiblings(ctx, v, "aliases", ofIDs(modelOfVersion, r.Registry.AliasesOf))
	out := []string{}
	for _, a := range found {
		if a.Version == v.Version {
			out = append(out, a.Alias)
		}
	}
	return out, err
}

func (r *Resolver) approvalsOfVersion(ctx context.Context, v *ent.ModelVersion) ([]*model.ModelApproval, error) {
	found, err := forSiblings(ctx, v, "approvals", ofIDs(modelOfVersion, r.Registry.ApprovalsOf))
	out := []*model.ModelApproval{}
	for _, a := range found {
		if a.Version == v.Version {
			out = append(out, &model.ModelApproval{Stage: a.ToStage, Principal: a.Principal, Reason: a.Reason, Time: a.CreatedAt})
		}
	}
	return out, err
}

func (r *Resolver) manifestOf(ctx context.Context, v *ent.ModelVersion) (*ent.ModelManifest, error) {
	return forSiblings(ctx, v, "manifest", ofIDs(modelVersionID, r.Registry.ManifestsOf))
}

func (r *Resolver) signatureOf(ctx context.Context, v *ent.ModelVersion) (*model.ModelSignature, error) {
	m, err := r.manifestOf(ctx, v)
	if err != nil || m == nil {
		return nil, err
	}
	sig, err := registry.SignatureOf(m)
	if err != nil || sig == nil {
		return nil, err
	}
	out := &model.ModelSignature{
		Inputs: signatureFields(sig.Inputs), Outputs: signatureFields(sig.Outputs), Params: make([]*model.SignatureParam, len(sig.Params)),
	}
	for i, p := range sig.Params {
		out.Params[i] = &model.SignatureParam{Name: p.Name, Type: p.Type.String(), Default: p.Default, Shape: append([]int64{}, p.Shape...)}
	}
	return out, nil
}

func signatureFields(fields []registry.Field) []*model.SignatureField {
	out := make([]*model.SignatureField, len(fields))
	for i, f := range fields {
		out[i] = &model.SignatureField{Name: f.Name, Type: f.Type.String(), Required: f.Required}
	}
	return out
}

func (r *Resolver) runOfVersion(ctx context.Context, v *ent.ModelVersion) (*ent.Run, error) {
	return forSiblings(ctx, v, "run", func(ctx context.Context, versions []*ent.ModelVersion) (map[*ent.ModelVersion]*ent.Run, error) {
		found, err := r.Tracking.RunsByID(ctx, named(versions, func(v *ent.ModelVersion) string { return v.RunID }))
		if err != nil {
			return nil, err
		}
		announceAll(ctx, found)
		return lookUp(versions, found, func(v *ent.ModelVersion) string { return v.RunID }), nil
	})
}

func (r *Resolver) loggedModelOfVersion(ctx context.Context, v *ent.ModelVersion) (*ent.LoggedModel, error) {
	return forSiblings(ctx, v, "loggedModel", func(ctx context.Context, versions []*ent.ModelVersion) (map[*ent.ModelVersion]*ent.LoggedModel, error) {
		found, err := r.Tracking.LoggedModelsByID(ctx, named(versions, func(v *ent.ModelVersion) string { return v.ModelID }))
		if err != nil {
			return nil, err
		}
		announceAll(ctx, found)
		return lookUp(versions, found, func(v *ent.ModelVersion) string { return v.ModelID }), nil
	})
}

// named gives the ids that objects name, each once; those that name none are left out.
func named[T any](objects []T, idOf func(T) string) []string {
	ids := make([]string, 0, len(objects))
	for _, o := range objects {
		if id := idOf(o); id != "" {
			ids = append(ids, id)
		}
	}
	return distinct(ids)
}
