package graph

import (
	"context"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/loggedmodel"
	"github.com/cairnml/cairn/graph/model"
	"github.com/cairnml/cairn/internal/search"
	"github.com/cairnml/cairn/internal/tracking"
)

// onModel reads the id of a logged model and changes it.
func onModel(ctx context.Context, id string, do func(context.Context, string) (*ent.LoggedModel, error)) (*ent.LoggedModel, error) {
	modelID, err := parsed(tracking.ParseModelID, "modelId", id)
	if err != nil {
		return nil, err
	}
	return do(ctx, modelID)
}

func (r *Resolver) listLoggedModels(
	ctx context.Context, experiments []string, filter *string, datasets []*model.DatasetFilter, orderBy []*model.LoggedModelOrder,
	first *int, after *string,
) (*model.LoggedModelConnection, error) {
	q := search.LoggedModelsQuery{
		Filter: valueOr(filter, ""), OrderDatasets: map[int]search.DatasetFilter{}, First: valueOr(first, defaultFirst), After: valueOr(after, ""),
	}
	var err error
	if q.Experiments, err = experimentIDs(experiments); err != nil {
		return nil, err
	}
	for _, d := range datasets {
		q.Datasets = append(q.Datasets, datasetFilter(d))
	}
	for i, o := range orderBy {
		q.OrderBy = append(q.OrderBy, o.By)
		if o.Dataset != nil {
			q.OrderDatasets[i] = datasetFilter(o.Dataset)
		}
	}
	found, err := r.Search.LoggedModels(ctx, q)
	if err != nil {
		return nil, err
	}
	announce(ctx, found.LoggedModels)
	out := &model.LoggedModelConnection{
		Edges: make([]*model.LoggedModelEdge, len(found.LoggedModels)), PageInfo: pageInfo(found.Cursors, found.HasNext, after),
	}
	for i, m := range found.LoggedModels {
		out.Edges[i] = &model.LoggedModelEdge{Node: m, Cursor: found.Cursors[i]}
	}
	return out, nil
}

func datasetFilter(d *model.DatasetFilter) search.DatasetFilter {
	return search.DatasetFilter{Name: d.Name, Digest: valueOr(d.Digest, "")}
}

func (r *Resolver) experimentOfModel(ctx context.Context, m *ent.LoggedModel) (*ent.Experiment, error) {
	return experimentFor(ctx, r, m, func(m *ent.LoggedModel) int { return m.ExperimentID })
}

// modelInputsOf gives the logged models that a run reads, of those that are not deleted.
func (r *Resolver) modelInputsOf(ctx context.Context, run *ent.Run) ([]*ent.LoggedModel, error) {
	found, err := forSiblings(ctx, run, "modelInputs", func(ctx context.Context, runs []*ent.Run) (map[*ent.Run][]*ent.LoggedModel, error) {
		byRun, err := ofRuns(r.Tracking.ModelInputsOf)(ctx, runs)
		if err != nil {
			return nil, err
		}
		var ids []string
		for _, models := range byRun {
			ids = append(ids, models...)
		}
		models, err := r.Tracking.LoggedModelsByID(ctx, distinct(ids))
		if err != nil {
			return nil, err
		}
		announceAll(ctx, models)
		out := make(map[*ent.Run][]*ent.LoggedModel, len(byRun))
		for run, ids := range byRun {
			for _, id := range ids {
				if m := models[id]; m != nil {
					out[run] = append(out[run], m)
				}
			}
		}
		return out, nil
	})
	return packed(found), err
}

// written gives what a run wrote, with the models; for Run.outputs and Run.loggedModels, so that both ask once.
func (r *Resolver) written(ctx context.Context, run *ent.Run) ([]*ent.RunOutput, error) {
	return forSiblings(ctx, run, "outputs", func(ctx context.Context, runs []*ent.Run) (map[*ent.Run][]*ent.RunOutput, error) {
		byRun, err := ofRuns(r.Tracking.OutputsOf)(ctx, runs)
		var all []*ent.LoggedModel
		for _, outputs := range byRun {
			for _, o := range outputs {
				if o.Edges.LoggedModel != nil {
					all = append(all, o.Edges.LoggedModel)
				}
			}
		}
		announce(ctx, all)
		return byRun, err
	})
}

func (r *Resolver) outputsOf(ctx context.Context, run *ent.Run) ([]*model.RunOutput, error) {
	found, err := r.written(ctx, run)
	out := make([]*model.RunOutput, 0, len(found))
	for _, o := range found {
		if o.Edges.LoggedModel != nil {
			out = append(out, &model.RunOutput{Model: o.Edges.LoggedModel, Step: o.Step})
		}
	}
	return out, err
}

// modelsOf gives the models that a run wrote and that are not deleted.
func (r *Resolver) modelsOf(ctx context.Context, run *ent.Run) ([]*ent.LoggedModel, error) {
	found, err := r.written(ctx, run)
	out := make([]*ent.LoggedModel, 0, len(found))
	for _, o := range found {
		if m := o.Edges.LoggedModel; m != nil && m.LifecycleStage == loggedmodel.LifecycleStageActive {
			out = append(out, m)
		}
	}
	return out, err
}

func (r *Resolver) setModelTags(ctx context.Context, id string, in []*model.TagInput) (*ent.LoggedModel, error) {
	return onModel(ctx, id, func(ctx context.Context, id string) (*ent.LoggedModel, error) {
		return r.Tracking.SetLoggedModelTags(ctx, id, tags(in))
	})
}

func (r *Resolver) logModelParams(ctx context.Context, id string, in []*model.ParamInput) (*ent.LoggedModel, error) {
	return onModel(ctx, id, func(ctx context.Context, id string) (*ent.LoggedModel, error) {
		return r.Tracking.LogLoggedModelParams(ctx, id, params(in))
	})
}
