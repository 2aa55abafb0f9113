package graph

import (
	"context"
	"fmt"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/graph/model"
	"github.com/cairnml/cairn/graph/page"
	"github.com/cairnml/cairn/internal/tracking"
)

const defaultMetrics = 100

// metricPageOf answers Run.metricPage. The cursor is the key itself: it stays where it is while metrics are added.
func (r *Resolver) metricPageOf(ctx context.Context, run *ent.Run, prefix string, first *int, after *string) (*page.MetricConnection, error) {
	size := valueOr(first, defaultMetrics)
	behind := valueOr(after, "")
	found, err := forSiblings(ctx, run, fmt.Sprintf("metrics %q %q %d", prefix, behind, size),
		ofRuns(func(ctx context.Context, runs []int) (map[int]tracking.SeriesPage, error) {
			return r.Tracking.SeriesPageOf(ctx, runs, prefix, behind, size)
		}))
	if err != nil {
		return nil, err
	}
	out := &page.MetricConnection{Edges: make([]*model.MetricEdge, len(found.Series))}
	cursors := make([]string, len(found.Series))
	for i, m := range found.Series {
		cursors[i] = m.Key
		out.Edges[i] = &model.MetricEdge{Node: metricOf(m), Cursor: m.Key}
	}
	out.PageInfo = pageInfo(cursors, found.HasNext, after)
	out.Count = func(ctx context.Context) (int, error) {
		return forSiblings(ctx, run, fmt.Sprintf("count metrics %q", prefix),
			ofRuns(func(ctx context.Context, runs []int) (map[int]int, error) {
				return r.Tracking.CountSeriesOf(ctx, runs, prefix)
			}))
	}
	return out, nil
}

// metricColumnsOf answers Run.metricColumns.
func (r *Resolver) metricColumnsOf(ctx context.Context, run *ent.Run, prefix string, limit int, after *string) (*model.MetricColumns, error) {
	behind := valueOr(after, "")
	c, err := forSiblings(ctx, run, fmt.Sprintf("metric columns %q %q %d", prefix, behind, limit),
		ofRuns(func(ctx context.Context, runs []int) (map[int]*tracking.SeriesColumns, error) {
			return r.Tracking.SeriesColumnsOf(ctx, runs, prefix, behind, limit)
		}))
	if err != nil {
		return nil, err
	}
	if c == nil {
		c = &tracking.SeriesColumns{}
	}
	return &model.MetricColumns{
		Keys: packed(c.Keys), Counts: packed(c.Counts), StepScales: packed(c.StepScales),
		LastValues: packed(c.LastValues), LastSteps: packed(c.LastSteps), LastTimes: packed(c.LastTimes),
		MinValues: packed(c.MinValues), MinSteps: packed(c.MinSteps), MaxValues: packed(c.MaxValues), MaxSteps: packed(c.MaxSteps),
		HasNextPage: c.HasNext,
	}, nil
}

// metricGroupsOf answers Run.metricGroups.
func (r *Resolver) metricGroupsOf(ctx context.Context, run *ent.Run, prefix string, first *int) ([]*model.MetricGroup, error) {
	size := valueOr(first, tracking.MaxSeriesPage)
	found, err := forSiblings(ctx, run, fmt.Sprintf("metric groups %q %d", prefix, size),
		ofRuns(func(ctx context.Context, runs []int) (map[int][]tracking.SeriesGroup, error) {
			return r.Tracking.SeriesGroupsOf(ctx, runs, prefix, size)
		}))
	out := make([]*model.MetricGroup, len(found))
	for i, g := range found {
		out[i] = &model.MetricGroup{Prefix: g.Prefix, Metrics: g.Metrics, Folder: g.Folder}
	}
	return out, err
}
