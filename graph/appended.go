package graph

import (
	"context"
	"slices"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/run"
	"github.com/cairnml/cairn/graph/model"
	"github.com/cairnml/cairn/internal/live"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/tracking"
)

// eventPoints is how many points an event has at least before it is sent with more waiting. Batches are not divided, so it
// may have up to one batch more.
const eventPoints = 10_000

// followMetrics answers Subscription.metricsAppended: what lies behind the cursor, then what comes; with untilEnded, until the
// runs have ended.
func (r *Resolver) followMetrics(
	ctx context.Context, runs, keys []string, after *string, maxRate *float64, untilEnded bool,
) (<-chan *model.MetricsAppended, error) {
	pace, err := eventPace(maxRate)
	if err != nil {
		return nil, err
	}
	ids, err := runIDs(runs)
	if err != nil {
		return nil, err
	}
	cursor, err := metric.ParseCursor(valueOr(after, ""))
	if err != nil {
		return nil, err
	}
	followed, err := r.Tracking.Runs(ctx, ids)
	if err != nil {
		return nil, err
	}
	if err := r.Metrics.CheckCursor(ctx, followed, cursor); err != nil {
		return nil, err
	}
	return follow(ctx, r, following[model.MetricsAppended]{
		match: func(e live.Event) bool { return e.Metrics || untilEnded && e.Changed }, runs: ids, interval: pace,
		read: func(ctx context.Context) (*model.MetricsAppended, bool, error) {
			ended := false
			if untilEnded {
				// The runs first: of those that have ended then, all points that came before their end are there.
				if followed, err = r.Tracking.Runs(ctx, ids); err != nil {
					return nil, false, err
				}
				ended = !slices.ContainsFunc(followed, isOpen)
			}
			news, err := r.Metrics.Since(ctx, followed, keys, cursor, eventPoints)
			if err != nil {
				return nil, false, err
			}
			cursor = news.Next
			if len(news.Series) == 0 && len(news.Incomplete) == 0 {
				if ended && !news.More {
					err = errFollowed
				}
				return nil, news.More, err
			}
			return appendedEvent(&news), news.More || ended, nil
		},
	}), nil
}

// isOpen tells whether a run is there and has not ended.
func isOpen(r *ent.Run) bool {
	return !tracking.Ended(r.Status) && r.LifecycleStage == run.LifecycleStageActive
}

func appendedEvent(news *metric.Followed) *model.MetricsAppended {
	out := &model.MetricsAppended{
		Series: make([]*model.AppendedSeries, len(news.Series)), Cursor: news.Next.String(), IncompleteRuns: append([]string{}, news.Incomplete...),
	}
	for i := range news.Series {
		a := &news.Series[i]
		// Others who follow the run got the same columns.
		out.Series[i] = a.Once(func() any { return model.NewAppendedSeries(a.RunID, &a.Columns) }).(*model.AppendedSeries) //nolint:forcetypeassert // made here
	}
	return out
}
