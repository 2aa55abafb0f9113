package graph

import (
	"context"
	"maps"
	"math"
	"slices"

	"github.com/99designs/gqlgen/graphql"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/graph/model"
)

// compare answers Query.compareRuns. It reads only what is asked for.
func (r *Resolver) compare(ctx context.Context, ids []string) (*model.RunComparison, error) {
	ids, err := runIDs(ids)
	if err != nil {
		return nil, err
	}
	runs, err := r.Tracking.Runs(ctx, ids)
	if err != nil {
		return nil, err
	}
	announce(ctx, runs)
	out := &model.RunComparison{Runs: runs}
	asked := graphql.CollectAllFields(ctx)
	if slices.Contains(asked, "params") {
		found, err := r.Tracking.ParamsOf(ctx, runKeys(runs), nil)
		if err != nil {
			return nil, err
		}
		out.Params = compareParams(runs, found)
	}
	if slices.Contains(asked, "metrics") {
		found, err := r.Tracking.SeriesOf(ctx, runKeys(runs), nil)
		if err != nil {
			return nil, err
		}
		out.Metrics = compareMetrics(runs, found)
	}
	return out, nil
}

func compareParams(runs []*ent.Run, found map[int][]*ent.Param) []*model.ComparedParam {
	rows := map[string]*model.ComparedParam{}
	for i, run := range runs {
		for _, p := range found[run.ID] {
			row := rows[p.Key]
			if row == nil {
				row = &model.ComparedParam{Key: p.Key, Values: make([]*string, len(runs))}
				rows[p.Key] = row
			}
			row.Values[i] = &p.Value
		}
	}
	out := make([]*model.ComparedParam, 0, len(rows))
	for _, key := range slices.Sorted(maps.Keys(rows)) {
		row := rows[key]
		row.Differs = differ(row.Values, func(a, b string) bool { return a == b })
		out = append(out, row)
	}
	return out
}

func compareMetrics(runs []*ent.Run, found map[int][]*ent.MetricSeries) []*model.ComparedMetric {
	rows := map[string]*model.ComparedMetric{}
	for i, run := range runs {
		for _, m := range found[run.ID] {
			row := rows[m.Key]
			if row == nil {
				row = &model.ComparedMetric{Key: m.Key, Last: make([]*float64, len(runs))}
				rows[m.Key] = row
			}
			last := orNaN(m.LastValue)
			row.Last[i] = &last
		}
	}
	out := make([]*model.ComparedMetric, 0, len(rows))
	for _, key := range slices.Sorted(maps.Keys(rows)) {
		row := rows[key]
		row.Differs = differ(row.Last, func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) })
		out = append(out, row)
	}
	return out
}

// differ tells whether not all values are there and equal.
func differ[T any](values []*T, equal func(a, b T) bool) bool {
	for _, v := range values {
		if (v == nil) != (values[0] == nil) || v != nil && !equal(*v, *values[0]) {
			return true
		}
	}
	return false
}
