package graph

import (
	"context"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/graph/model"
	"github.com/cairnml/cairn/graph/page"
	"github.com/cairnml/cairn/internal/search"
)

// What `first` is when it is null. Its bounds are in the schema.
const (
	defaultFirst     = 50
	defaultChildren  = 100
	defaultArtifacts = 1000
	defaultLogPieces = 100
)

// valueOr gives what a pointer points to, or else a standard value.
func valueOr[T any](p *T, standard T) T {
	if p == nil {
		return standard
	}
	return *p
}

func pageInfo(cursors []string, hasNext bool, after *string) *model.PageInfo {
	info := &model.PageInfo{HasNextPage: hasNext, HasPreviousPage: valueOr(after, "") != ""}
	if len(cursors) > 0 {
		info.StartCursor, info.EndCursor = &cursors[0], &cursors[len(cursors)-1]
	}
	return info
}

// runConnection shapes a page of runs, which it does not announce as siblings.
func runConnection(p search.RunPage, after *string, count page.Count) *page.RunConnection {
	out := &page.RunConnection{
		Edges: make([]*model.RunEdge, len(p.Runs)), PageInfo: pageInfo(p.Cursors, p.HasNext, after), Count: count,
	}
	for i, run := range p.Runs {
		out.Edges[i] = &model.RunEdge{Node: run, Cursor: p.Cursors[i]}
	}
	return out
}

func experimentConnection(p search.ExperimentPage, after *string, count page.Count) *page.ExperimentConnection {
	out := &page.ExperimentConnection{
		Edges: make([]*model.ExperimentEdge, len(p.Experiments)), PageInfo: pageInfo(p.Cursors, p.HasNext, after), Count: count,
	}
	for i, experiment := range p.Experiments {
		out.Edges[i] = &model.ExperimentEdge{Node: experiment, Cursor: p.Cursors[i]}
	}
	return out
}

// listRuns gives a page of runs.
func (r *Resolver) listRuns(ctx context.Context, q search.RunsQuery, after *string) (*page.RunConnection, error) {
	found, err := r.Search.Runs(ctx, q)
	if err != nil {
		return nil, err
	}
	announce(ctx, found.Runs)
	return runConnection(found, after, func(ctx context.Context) (int, error) { return r.Search.CountRuns(ctx, q) }), nil
}

// runsQuery reads the arguments that every list of runs has.
func runsQuery(filter *string, orderBy []string, view *model.View, topLevel bool, first *int, after *string) search.RunsQuery {
	return search.RunsQuery{
		Filter: valueOr(filter, ""), OrderBy: orderBy, View: search.View(valueOr(view, model.ViewActive)),
		TopLevel: topLevel, First: valueOr(first, defaultFirst), After: valueOr(after, ""),
	}
}

// listExperiments gives a page of experiments.
func (r *Resolver) listExperiments(
	ctx context.Context, filter *string, order *model.ExperimentOrder, view *model.View, first *int, after *string,
) (*page.ExperimentConnection, error) {
	q := search.ExperimentsQuery{
		Filter: valueOr(filter, ""), OrderBy: experimentOrder(order), View: search.View(valueOr(view, model.ViewActive)),
		First: valueOr(first, defaultFirst), After: valueOr(after, ""),
	}
	found, err := r.Search.Experiments(ctx, q)
	if err != nil {
		return nil, err
	}
	announce(ctx, found.Experiments)
	return experimentConnection(found, after, func(ctx context.Context) (int, error) { return r.Search.CountExperiments(ctx, q) }), nil
}

// experimentOrder is the order in the words of the filter language.
func experimentOrder(order *model.ExperimentOrder) []string {
	if order == nil {
		return nil
	}
	column := map[model.ExperimentOrderField]string{
		model.ExperimentOrderFieldName:      "name",
		model.ExperimentOrderFieldCreatedAt: "creation_time",
		model.ExperimentOrderFieldUpdatedAt: "last_update_time",
	}[order.Field]
	return []string{column + " " + string(order.Direction)}
}

func lifecycleStage[T ~string](stage T) model.LifecycleStage { return model.LifecycleStage(stage) }

func runKeys(runs []*ent.Run) []int {
	out := make([]int, len(runs))
	for i, run := range runs {
		out[i] = run.ID
	}
	return out
}
