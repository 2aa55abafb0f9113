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
	size, err := pageSize(first, defaultMetrics, tracking.MaxSeriesPage)
	if err != nil {
		return nil, err
	}
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

// metricGroupsOf answers Run.metricGroups.
func (r *Resolver) metricGroupsOf(ctx context.Context, run *ent.Run, prefix string, first *int) ([]*model.MetricGroup, error) {
	size, err := pageSize(first, tracking.MaxSeriesPage, tracking.MaxSeriesPage)
	if err != nil {
		return nil, err
	}
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
