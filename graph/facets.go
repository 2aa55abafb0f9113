package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/cairnml/cairn/graph/model"
	"github.com/cairnml/cairn/graph/page"
	"github.com/cairnml/cairn/internal/search"
)

const defaultFacets = 100

// facets answers Query.runFacets. Each of its fields looks at the runs when it is asked for.
func (r *Resolver) facets(experiments []string, filter *string, view *model.View, topLevel bool, maxRuns int) (*search.Facets, error) {
	q := runsQuery(filter, nil, view, topLevel, nil, nil)
	var err error
	if q.Experiments, err = experimentIDs(experiments); err != nil {
		return nil, err
	}
	return r.Search.Facets(q, maxRuns)
}

func facetKeys(
	ctx context.Context, f *search.Facets, entity search.Entity, prefix string, first *int, after *string, maxCount int,
) (*model.FacetKeyConnection, error) {
	size := valueOr(first, defaultFacets)
	found, err := f.Keys(ctx, search.KeysQuery{
		Entity: entity, Prefix: prefix, First: size, After: valueOr(after, ""), MaxCount: maxCount,
		Ranges: asked(ctx, "edges", "node", "min") || asked(ctx, "edges", "node", "max"),
	})
	if err != nil {
		return nil, err
	}
	out := &model.FacetKeyConnection{Edges: make([]*model.FacetKeyEdge, len(found.Keys)), PageInfo: pageInfo(found.Cursors, found.HasNext, after)}
	for i := range found.Keys {
		out.Edges[i] = &model.FacetKeyEdge{Node: &found.Keys[i], Cursor: found.Cursors[i]}
	}
	return out, nil
}

// asked tells whether the field that is resolved is asked for what lies at a path below it.
func asked(ctx context.Context, path ...string) bool {
	op := graphql.GetOperationContext(ctx)
	sets := []ast.SelectionSet{graphql.GetFieldContext(ctx).Field.Selections}
	for _, name := range path {
		var below []ast.SelectionSet
		for _, set := range sets {
			for _, field := range graphql.CollectFields(op, set, []string{"FacetKeyConnection", "FacetKeyEdge", "FacetKey"}) {
				if field.Name == name {
					below = append(below, field.Selections)
				}
			}
		}
		sets = below
	}
	return len(sets) > 0
}

func facetValues(ctx context.Context, f *search.Facets, of string, first *int, after *string) (*page.FacetValueConnection, error) {
	size := valueOr(first, defaultFacets)
	found, err := f.Values(ctx, search.ValuesQuery{Of: of, First: size, After: valueOr(after, "")})
	if err != nil {
		return nil, err
	}
	out := &page.FacetValueConnection{
		Edges: make([]*model.FacetValueEdge, len(found.Values)), PageInfo: pageInfo(found.Cursors, found.HasNext, after),
		Count: func(ctx context.Context) (int, error) { return f.Distinct(ctx, of) },
	}
	for i := range found.Values {
		out.Edges[i] = &model.FacetValueEdge{Node: &found.Values[i], Cursor: found.Cursors[i]}
	}
	return out, nil
}

func groupsQuery(
	experiments []string, filter *string, view *model.View, topLevel bool, by, metrics []string, order *model.RunGroupOrder, first *int, after *string,
) (search.AggregateQuery, error) {
	out := search.AggregateQuery{
		GroupBy: by, Metrics: metrics, First: valueOr(first, defaultFacets), After: valueOr(after, ""),
		Runs: runsQuery(filter, nil, view, topLevel, nil, nil),
	}
	var err error
	if out.Runs.Experiments, err = experimentIDs(experiments); err != nil {
		return out, err
	}
	if order != nil {
		out.By, out.OrderMetric = search.GroupOrder(order.By), valueOr(order.Metric, "")
		standard := model.OrderDirectionDesc
		if out.By == search.ByKeys {
			standard = model.OrderDirectionAsc
		}
		out.Ascending = valueOr(order.Direction, standard) == model.OrderDirectionAsc
	}
	return out, nil
}

// groups answers Query.runGroups.
func (r *Resolver) groups(ctx context.Context, q search.AggregateQuery, metrics []string, after *string) (*model.RunGroupConnection, error) {
	found, err := r.Search.Aggregate(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &model.RunGroupConnection{
		Edges: make([]*model.RunGroupEdge, len(found.Groups)), PageInfo: pageInfo(found.Cursors, found.HasNext, after),
		TotalCount: found.Total, Runs: found.Runs,
	}
	for i, g := range found.Groups {
		node := &model.RunGroup{Keys: g.Keys, Runs: g.Runs, Metrics: make([]*model.MetricAggregate, len(g.Metrics))}
		for k := range g.Metrics {
			node.Metrics[k] = aggregateOf(metrics[k], &g.Metrics[k])
		}
		out.Edges[i] = &model.RunGroupEdge{Node: node, Cursor: found.Cursors[i]}
	}
	return out, nil
}

func aggregateOf(metric string, m *search.Moments) *model.MetricAggregate {
	value := func(v float64, ok bool) *float64 {
		if !ok {
			return nil
		}
		return &v
	}
	return &model.MetricAggregate{
		Metric: metric, Count: m.Count, NanCount: m.NaNs, Mean: value(m.Mean()), Min: value(m.Min()), Max: value(m.Max()), Std: value(m.Std()),
	}
}
