package graph

import (
	"context"
	"slices"
	"time"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/graph/model"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/search"
)

// windowInterval is the least time between two looks at the first runs of an order, each of which is a search.
const windowInterval = 100 * time.Millisecond

// window is the state of one Subscription.runsChanged with `first`: the runs that come first in an order. The client has a list, and
// each event changes that list into what a search gives.
type window struct {
	resolver *Resolver
	query    search.RunsQuery
	next     int64
	// shown are the ids of the client's list; it has one once it was told that it begins.
	shown []string
	begun bool
}

func newWindow(ctx context.Context, r *Resolver, query search.RunsQuery) (*window, error) {
	// Before the first search: what changes behind it is looked at again.
	head, err := r.Tracking.ChangeHead(ctx)
	return &window{resolver: r, query: query, next: head}, err
}

// windowQuery is what a window searches, or why the arguments do not go together.
func windowQuery(query search.RunsQuery, first *int, orderBy []string, after *string) (search.RunsQuery, error) {
	switch {
	case first == nil && orderBy != nil:
		return query, errs.Field("orderBy", "goes with first alone: without it, every change is told, in the order in which they happened")
	case first != nil && valueOr(after, "") != "":
		return query, errs.Field("after", "does not go with first: leave it out, the first event has all runs of the list")
	}
	query.OrderBy, query.First = orderBy, valueOr(first, 0)
	return query, nil
}

func (w *window) read(ctx context.Context) (*model.RunsChanged, bool, error) {
	next, changed, err := w.changes(ctx)
	if err != nil || w.begun && next == w.next {
		return nil, false, err
	}
	page, err := w.resolver.Search.Runs(ctx, w.query)
	if err != nil {
		return nil, false, err
	}
	out := &model.RunsChanged{Changes: windowChanges(w.shown, page.Runs, changed), Reset: !w.begun, Cursor: changeCursor(next)}
	w.next, w.begun, w.shown = next, true, w.shown[:0]
	for _, run := range page.Runs {
		w.shown = append(w.shown, run.RunID)
	}
	if len(out.Changes) == 0 && !out.Reset {
		return nil, false, nil
	}
	return out, false, nil
}

// changes gives the number up to which changes were read, and those of the client's runs that changed.
func (w *window) changes(ctx context.Context) (next int64, changed map[string]bool, err error) {
	next, changed = w.next, map[string]bool{}
	for more := true; more; {
		changes, err := w.resolver.Tracking.ChangesSince(ctx, w.query.Experiments, next, eventChanges)
		if err != nil {
			return w.next, nil, err
		}
		for _, id := range changes.Runs {
			if slices.Contains(w.shown, id) {
				changed[id] = true
			}
		}
		next, more = changes.Next, changes.More
	}
	return next, changed, nil
}

// windowChanges tells a client that has a list of runs how to make another of it: take out what left or is updated, then put in
// what entered or is updated, at its index. Runs that did not change and keep their order are not told of.
func windowChanges(shown []string, runs []*ent.Run, changed map[string]bool) []*model.RunChange {
	index := make(map[string]int, len(runs))
	for i, run := range runs {
		index[run.RunID] = i
	}
	had := make(map[string]bool, len(shown))
	var unchanged []int // the indexes that they have now, in the order of the client's list
	out := []*model.RunChange{}
	for _, id := range shown {
		had[id] = true
		switch i, stays := index[id]; {
		case !stays:
			out = append(out, &model.RunChange{Kind: model.RunChangeKindLeft, RunID: id})
		case !changed[id]:
			unchanged = append(unchanged, i)
		}
	}
	still := longestIncreasing(unchanged)
	for i, run := range runs {
		if len(still) > 0 && still[0] == i {
			still = still[1:]
			continue
		}
		change := &model.RunChange{Kind: model.RunChangeKindEntered, RunID: run.RunID, Run: run, Index: &i}
		if had[run.RunID] {
			change.Kind = model.RunChangeKindUpdated
		}
		out = append(out, change)
	}
	return out
}

// longestIncreasing gives a longest increasing subsequence of distinct numbers.
func longestIncreasing(numbers []int) []int {
	// ends has, for each length, the place of the least number that ends a subsequence of that length; before, the place of the
	// number in front of each.
	var ends []int
	before := make([]int, len(numbers))
	for place, n := range numbers {
		length, _ := slices.BinarySearchFunc(ends, n, func(end, n int) int { return numbers[end] - n })
		before[place] = -1
		if length > 0 {
			before[place] = ends[length-1]
		}
		if length == len(ends) {
			ends = append(ends, place)
		} else {
			ends[length] = place
		}
	}
	out := make([]int, len(ends))
	if len(ends) > 0 {
		for i, place := len(ends)-1, ends[len(ends)-1]; i >= 0; i, place = i-1, before[place] {
			out[i] = numbers[place]
		}
	}
	return out
}
