package graph

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"slices"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/graph/model"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/live"
	"github.com/cairnml/cairn/internal/search"
)

const (
	// eventChanges bounds the runs of one event.
	eventChanges = 500
	// rememberedRuns bounds what a subscription remembers of the runs it told of. Beyond it, it forgets all: then a run may
	// be told to have entered, or left, a second time.
	rememberedRuns = 10_000
)

// changeFeed is the state of one Subscription.runsChanged.
type changeFeed struct {
	resolver *Resolver
	query    search.RunsQuery
	next     int64
	// greet: the first event has the cursor alone, so that a client can reconnect before anything has changed.
	greet bool
	// matched is whether a run that was told of matched then.
	matched map[string]bool
}

// followRuns answers Subscription.runsChanged.
func (r *Resolver) followRuns(ctx context.Context, query search.RunsQuery, after *string, maxRate *float64) (<-chan *model.RunsChanged, error) {
	pace, err := eventPace(maxRate)
	if err != nil {
		return nil, err
	}
	ids := query.Experiments
	f := following[model.RunsChanged]{
		match:    func(e live.Event) bool { return e.Changed && (ids == nil || slices.Contains(ids, e.ExperimentID)) },
		interval: pace,
	}
	if query.First > 0 {
		w, err := newWindow(ctx, r, query)
		if err != nil {
			return nil, err
		}
		f.read, f.interval, f.idle = w.read, max(pace, windowInterval), windowInterval
		return follow(ctx, r, f), nil
	}
	feed := &changeFeed{resolver: r, matched: map[string]bool{}, query: query}
	if _, err := r.Search.MatchRuns(ctx, feed.query, nil); err != nil { // an invalid filter is told at once
		return nil, err
	}
	if feed.next, feed.greet, err = r.changesFrom(ctx, query.Experiments, after); err != nil {
		return nil, err
	}
	f.read = feed.read
	return follow(ctx, r, f), nil
}

// changesFrom gives the number behind which a subscription to changes begins: that of its cursor, or, without one, that of the newest
// change, which the first event then tells of.
func (r *Resolver) changesFrom(ctx context.Context, experiments []int, after *string) (from int64, greet bool, err error) {
	text := valueOr(after, "")
	if text == "" {
		from, err = r.Tracking.ChangeHead(ctx)
		return from, true, err
	}
	if from, err = parseChangeCursor(text); err == nil {
		err = r.Tracking.CheckChangesFrom(ctx, experiments, from)
	}
	return from, false, err
}

func (f *changeFeed) read(ctx context.Context) (*model.RunsChanged, bool, error) {
	if f.greet {
		f.greet = false
		return &model.RunsChanged{Changes: []*model.RunChange{}, Cursor: changeCursor(f.next)}, true, nil
	}
	changed, err := f.resolver.Tracking.ChangesSince(ctx, f.query.Experiments, f.next, eventChanges)
	if err != nil || changed.Next == f.next {
		return nil, false, err
	}
	found, err := f.resolver.Search.MatchRuns(ctx, f.query, changed.Runs)
	if err != nil {
		return nil, false, err
	}
	f.next = changed.Next
	changes := f.tell(changed.Runs, found)
	if len(changes) == 0 {
		return nil, changed.More, nil
	}
	return &model.RunsChanged{Changes: changes, Cursor: changeCursor(f.next)}, changed.More, nil
}

// tell says of each changed run what became of it.
func (f *changeFeed) tell(changed []string, found []*ent.Run) []*model.RunChange {
	matching := make(map[string]*ent.Run, len(found))
	for _, run := range found {
		matching[run.RunID] = run
	}
	var out []*model.RunChange
	for _, id := range changed {
		matched, known := f.matched[id]
		run := matching[id]
		switch {
		case run != nil && matched:
			out = append(out, &model.RunChange{Kind: model.RunChangeKindUpdated, RunID: id, Run: run})
		case run != nil:
			out = append(out, &model.RunChange{Kind: model.RunChangeKindEntered, RunID: id, Run: run})
		case matched || !known:
			// Of a run that it was not told of, the client may know from a list that it read before.
			out = append(out, &model.RunChange{Kind: model.RunChangeKindLeft, RunID: id})
		}
		if !known && len(f.matched) >= rememberedRuns {
			clear(f.matched)
		}
		f.matched[id] = run != nil
	}
	return out
}

// announceChanged makes the runs of an event siblings.
func announceChanged(ctx context.Context, event *model.RunsChanged) []*model.RunChange {
	runs := make([]*ent.Run, 0, len(event.Changes))
	for _, change := range event.Changes {
		if change.Run != nil {
			runs = append(runs, change.Run)
		}
	}
	announce(ctx, runs)
	return event.Changes
}

const changeCursorVersion = 1

func changeCursor(sequence int64) string {
	return base64.RawURLEncoding.EncodeToString(binary.AppendUvarint([]byte{changeCursorVersion}, uint64(max(sequence, 0))))
}

func parseChangeCursor(text string) (int64, error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil && len(raw) > 1 && raw[0] == changeCursorVersion {
		if sequence, n := binary.Uvarint(raw[1:]); n == len(raw)-1 && int64(sequence) >= 0 {
			return int64(sequence), nil
		}
	}
	return 0, errs.Field("after", "is not a cursor of this subscription: start again without it")
}
