package graph

import (
	"context"
	"fmt"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/graph/model"
	"github.com/cairnml/cairn/graph/page"
	"github.com/cairnml/cairn/internal/search"
)

// Lists below the objects of a list: each is loaded for all siblings at once, and so are their totals.

// runsOf answers Experiment.runs. A cursor belongs to one experiment, so a page behind one is read for that experiment
// alone.
func (r *Resolver) runsOf(
	ctx context.Context, e *ent.Experiment, filter *string, orderBy []string, view *model.View, topLevel bool, first *int, after *string,
) (*page.RunConnection, error) {
	q := runsQuery(filter, orderBy, view, topLevel, first, after)
	if q.After != "" {
		q.Experiments = []int{e.ID}
		return r.listRuns(ctx, q, after)
	}
	what := fmt.Sprintf("runs %q %q %s %t %d", q.Filter, q.OrderBy, q.View, q.TopLevel, q.First)
	pages, err := forSiblings(ctx, e, what, ofExperiments(func(ctx context.Context, ids []int) (map[int]search.RunPage, error) {
		pages, err := r.Search.RunsByExperiment(ctx, q, ids)
		announcePages(ctx, pages)
		return pages, err
	}))
	if err != nil {
		return nil, err
	}
	return runConnection(pages, after, func(ctx context.Context) (int, error) {
		return forSiblings(ctx, e, "count "+what, ofExperiments(func(ctx context.Context, ids []int) (map[int]int, error) {
			return r.Search.CountRunsByExperiment(ctx, q, ids)
		}))
	}), nil
}

// childrenOf answers Run.children.
func (r *Resolver) childrenOf(ctx context.Context, run *ent.Run, first *int, after *string) (*page.RunConnection, error) {
	size := valueOr(first, defaultChildren)
	count := func(ctx context.Context) (int, error) {
		return forSiblings(ctx, run, "count children", byRunID(r.Search.CountChildren))
	}
	if cursor := valueOr(after, ""); cursor != "" {
		found, err := r.Search.Children(ctx, run.RunID, size, cursor)
		if err != nil {
			return nil, err
		}
		announce(ctx, found.Runs)
		return runConnection(found, after, count), nil
	}
	found, err := forSiblings(ctx, run, fmt.Sprintf("children %d", size),
		byRunID(func(ctx context.Context, parents []string) (map[string]search.RunPage, error) {
			pages, err := r.Search.ChildrenOfEach(ctx, parents, size)
			announcePages(ctx, pages)
			return pages, err
		}))
	if err != nil {
		return nil, err
	}
	return runConnection(found, after, count), nil
}

// announcePages makes the runs of all pages siblings.
func announcePages[K comparable](ctx context.Context, pages map[K]search.RunPage) {
	var all []*ent.Run
	for _, p := range pages {
		all = append(all, p.Runs...)
	}
	announce(ctx, all)
}

// byRunID adapts a read of the core, keyed by run id, to runs.
func byRunID[V any](read func(ctx context.Context, ids []string) (map[string]V, error)) func(context.Context, []*ent.Run) (map[*ent.Run]V, error) {
	return func(ctx context.Context, runs []*ent.Run) (map[*ent.Run]V, error) {
		ids := make([]string, len(runs))
		for i, run := range runs {
			ids[i] = run.RunID
		}
		found, err := read(ctx, ids)
		if err != nil {
			return nil, err
		}
		return lookUp(runs, found, func(run *ent.Run) string { return run.RunID }), nil
	}
}

// logOf answers Run.log.
func (r *Resolver) logOf(ctx context.Context, run *ent.Run, after int64, first *int) ([]*model.RunLogChunk, error) {
	size := valueOr(first, defaultLogPieces)
	found, err := forSiblings(ctx, run, fmt.Sprintf("log %d %d", after, size),
		ofRuns(func(ctx context.Context, runs []int) (map[int][]*ent.RunLogChunk, error) {
			return r.Tracking.RunLogsOf(ctx, runs, after, size)
		}))
	return shownLog(run.RunID, found), err
}

func shownLog(runID string, pieces []*ent.RunLogChunk) []*model.RunLogChunk {
	out := make([]*model.RunLogChunk, len(pieces))
	for i, c := range pieces {
		out[i] = &model.RunLogChunk{
			Sequence: c.Sequence, Stream: model.LogStream(c.Stream), Time: c.CreatedAt, Text: string(c.Data),
			Cursor: logCursor(runID, c.Sequence),
		}
	}
	return out
}
