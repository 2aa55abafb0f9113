package metric_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/internal/live"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
)

var ctx = context.Background()

func newService(t interface{ Cleanup(func()) }, db *store.DB) *tracking.Service {
	s := tracking.New(db, live.NewHub())
	t.Cleanup(s.Close)
	return s
}

func newRun(t require.TestingT, s *tracking.Service) *ent.Run {
	r, err := s.CreateRun(ctx, tracking.CreateRun{})
	require.NoError(t, err)
	return r
}

func pointsOf(c metric.Columns) []metric.Point {
	out := make([]metric.Point, c.Len())
	for i := range out {
		out[i] = c.At(i)
	}
	return out
}

// naive keeps every point in a list: what the engine must be equal to.
type naive struct {
	points map[string][]metric.Point
	own    map[string]bool
}

func newNaive() *naive { return &naive{points: map[string][]metric.Point{}, own: map[string]bool{}} }

// batch adds the columns of one batch and gives the keys whose points gave way to the user's own.
func (n *naive) batch(columns []metric.Columns) (replaced []string) {
	users, repeated := map[string]bool{}, map[string]bool{}
	for _, c := range columns {
		if c.Len() == 0 || c.KeepExisting {
			continue
		}
		if !users[c.Key] {
			users[c.Key], repeated[c.Key] = true, !n.own[c.Key]
		}
		repeated[c.Key] = repeated[c.Key] && n.hasAll(c)
	}
	for key := range users {
		if repeated[key] || n.own[key] {
			continue
		}
		n.own[key] = true
		if len(n.points[key]) > 0 {
			replaced = append(replaced, key)
		}
		delete(n.points, key)
	}
	for _, c := range columns {
		if c.KeepExisting != n.own[c.Key] && (!c.KeepExisting || !users[c.Key]) {
			n.add(c)
		}
	}
	return replaced
}

func (n *naive) hasAll(c metric.Columns) bool {
	return !slices.ContainsFunc(pointsOf(c), func(p metric.Point) bool { return !n.has(c.Key, p) })
}

func (n *naive) has(key string, p metric.Point) bool {
	p.Step = p.Step.Normal()
	return slices.ContainsFunc(n.points[key], func(q metric.Point) bool {
		return q.Step == p.Step && q.Time == p.Time && math.Float64bits(q.Value) == math.Float64bits(p.Value)
	})
}

func (n *naive) add(c metric.Columns) {
	for i := range c.Values {
		p := c.At(i)
		p.Step = p.Step.Normal()
		if !n.has(c.Key, p) {
			n.points[c.Key] = append(n.points[c.Key], p)
		}
	}
}

func stepFloat(s metric.Step) float64 { return float64(s.Units) / math.Pow10(int(s.Scale)) }

// order is by (step, time, value), NaN before all numbers.
func order(a, b metric.Point) int {
	value := cmp.Compare(a.Value, b.Value) // cmp orders NaN first
	return cmp.Or(cmp.Compare(stepFloat(a.Step), stepFloat(b.Step)), cmp.Compare(a.Time, b.Time), value)
}

var someValue = rapid.OneOf(rapid.SampledFrom([]float64{0, 1, -1, 0.5, math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, 5e-324}),
	rapid.Float64())

// someColumns has few keys, steps and times, so that points repeat, go back and collide; or a stretch in order.
var someColumns = rapid.Custom(func(t *rapid.T) metric.Columns {
	if rapid.IntRange(0, 2).Draw(t, "in order") == 0 {
		c := metric.Columns{Key: rapid.SampledFrom([]string{"loss", "val/acc", "lr"}).Draw(t, "key"),
			KeepExisting: rapid.IntRange(0, 3).Draw(t, "adapter") == 0}
		start := rapid.Int64Range(0, 100).Draw(t, "start")
		for i := range rapid.Int64Range(1, 40).Draw(t, "n") {
			c.Steps, c.Times = append(c.Steps, start+i), append(c.Times, 2000+start+i)
			c.Values = append(c.Values, someValue.Draw(t, "value"))
		}
		return c
	}
	n := rapid.IntRange(0, 6).Draw(t, "n")
	c := metric.Columns{Key: rapid.SampledFrom([]string{"loss", "学习率", "val/acc"}).Draw(t, "key"),
		StepScale:    rapid.SampledFrom([]int8{0, 0, 0, 0, 0, 1, 6}).Draw(t, "scale"),
		KeepExisting: rapid.Bool().Draw(t, "adapter")}
	for range n {
		c.Steps = append(c.Steps, rapid.Int64Range(-3, 30).Draw(t, "step"))
		c.Times = append(c.Times, rapid.Int64Range(1000, 1003).Draw(t, "time"))
		c.Values = append(c.Values, someValue.Draw(t, "value"))
	}
	return c
})

// someAgain adds points that are there, as the user's own.
func (n *naive) someAgain(t *rapid.T, columns []metric.Columns) []metric.Columns {
	for _, key := range slices.Sorted(maps.Keys(n.points)) {
		points := n.points[key]
		if len(points) == 0 || !rapid.Bool().Draw(t, "again "+key) {
			continue
		}
		again := metric.Columns{Key: key}
		for range rapid.IntRange(1, 3).Draw(t, "points") {
			require.NoError(t, again.Append(points[rapid.IntRange(0, len(points)-1).Draw(t, "point")]))
		}
		columns = append(columns, again)
	}
	return columns
}

// TestMetricsEqualNaiveModel: for any batches in any order, with compaction, kills of it and restarts in between, history,
// summaries, series and appended points are those of a model that keeps every row.
func TestMetricsEqualNaiveModel(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, reader := newService(t, db), metric.NewReader(db)
		reader.HoldAtOnce(20)
		rapid.Check(t, func(t *rapid.T) {
			run := newRun(t, s)
			model, followed := newNaive(), newNaive()
			cursor := metric.Cursor{}
			for range rapid.IntRange(1, 12).Draw(t, "batches") {
				columns := rapid.SliceOfN(someColumns, 1, 4).Draw(t, "columns")
				if rapid.Bool().Draw(t, "again") {
					columns = model.someAgain(t, columns)
				}
				_, err := s.LogBatch(ctx, tracking.Batch{RunID: run.RunID, Columns: columns})
				require.NoError(t, err)
				for _, key := range model.batch(columns) {
					delete(followed.points, key) // the run changed: who follows it reads the series anew
				}
				if rapid.Bool().Draw(t, "restart") {
					s = newService(t, db) // forgets what it knew of the series
				}
				if rapid.Bool().Draw(t, "follow") {
					cursor = follow(t, reader, run, cursor, followed)
				}
				if rapid.Bool().Draw(t, "compact") {
					compactSome(t, db, rapid.IntRange(0, 6).Draw(t, "writes"))
					requireHistory(t, reader, run, model)
					requireSound(t, db, run)
				}
			}
			follow(t, reader, run, cursor, followed)
			if rapid.Bool().Draw(t, "compact whole") {
				require.NoError(t, metric.CompactAll(ctx, db, slog.New(slog.DiscardHandler), nil))
				pending, err := store.PendingRuns(ctx, db.Read(), 0, 10)
				require.NoError(t, err)
				require.Empty(t, pending)
			}
			requireSound(t, db, run)
			requireHistory(t, reader, run, model)
			requireSummaries(t, s, run, model)
			requireSeries(t, reader, run, model)
			requireBuckets(t, reader, run, model)
			requireSamples(t, reader, run, model)
			requireFirstPoints(t, reader, run, model)
			for key, points := range model.points {
				require.Equal(t, text(points), text(followed.points[key]), "appended points of %s", key)
			}
			again := newNaive()
			follow(t, reader, run, metric.Cursor{}, again)
			require.Len(t, again.points, len(model.points))
			requireExport(t, db, s, reader, run, model) // goes on with the run
		})
	})
}

var errKilled = errors.New("killed")

// compactSome folds what there is, and dies before a transaction.
func compactSome(t require.TestingT, db *store.DB, writes int) {
	err := metric.CompactUntil(ctx, db, func() error {
		if writes--; writes < 0 {
			return errKilled
		}
		return nil
	})
	if err != nil {
		require.ErrorIs(t, err, errKilled)
	}
}

func follow(t require.TestingT, r *metric.Reader, run *ent.Run, cursor metric.Cursor, into *naive) metric.Cursor {
	for more := true; more; {
		news, err := r.Since(ctx, []*ent.Run{run}, nil, cursor, 3)
		require.NoError(t, err)
		require.Empty(t, news.Incomplete)
		cursor, more = news.Next, news.More
		for _, a := range news.Series {
			before := len(into.points[a.Key])
			into.add(a.Columns)
			require.Len(t, into.points[a.Key], before+a.Len(), "a point came twice")
		}
	}
	return cursor
}

func text(points []metric.Point) []string {
	out := make([]string, len(points))
	for i, p := range points {
		out[i] = fmt.Sprintf("%s %d %x", p.Step, p.Time, math.Float64bits(p.Value))
	}
	return out
}

func requireHistory(t require.TestingT, r *metric.Reader, run *ent.Run, model *naive) {
	for key, want := range model.points {
		var got []metric.Point
		for from := 0; from >= 0; {
			page, err := r.History(ctx, run.ID, key, from, 4)
			require.NoError(t, err)
			require.False(t, page.Incomplete)
			got = append(got, pointsOf(page.Columns)...)
			from = page.Next
		}
		require.Equal(t, text(want), text(got), "history of %s", key)
	}
}

func requireSummaries(t require.TestingT, s *tracking.Service, run *ent.Run, model *naive) {
	rows, err := s.SeriesOf(ctx, []int{run.ID}, nil)
	require.NoError(t, err)
	for _, row := range rows[run.ID] {
		points := slices.Clone(model.points[row.Key])
		require.EqualValues(t, len(points), row.Count, row.Key)
		if len(points) == 0 {
			continue
		}
		slices.SortFunc(points, order)
		requireExtreme(t, points[0], row.FirstStep, row.FirstTime, row.FirstValue, row.FirstNan, row.StepScale)
		requireExtreme(t, points[len(points)-1], row.LastStep, row.LastTime, row.LastValue, row.LastNan, row.StepScale)
		numbers := slices.DeleteFunc(points, func(p metric.Point) bool { return math.IsNaN(p.Value) })
		require.EqualValues(t, len(numbers), row.Count-row.NanCount)
		if len(numbers) == 0 {
			require.Nil(t, row.MinValue)
			require.Nil(t, row.MaxValue)
			continue
		}
		// Sorted by step already: of equal values the first step counts.
		least := slices.MinFunc(numbers, func(a, b metric.Point) int { return cmp.Compare(a.Value, b.Value) })
		greatest := slices.MaxFunc(numbers, func(a, b metric.Point) int {
			return cmp.Or(cmp.Compare(a.Value, b.Value), -cmp.Compare(stepFloat(a.Step), stepFloat(b.Step)))
		})
		require.Equal(t, least.Value, *row.MinValue)
		require.Equal(t, least.Step.Normal(), metric.Step{Units: row.MinStep, Scale: row.StepScale}.Normal())
		require.Equal(t, greatest.Value, *row.MaxValue)
		require.Equal(t, greatest.Step.Normal(), metric.Step{Units: row.MaxStep, Scale: row.StepScale}.Normal())
	}
}

func requireExtreme(t require.TestingT, want metric.Point, step, time int64, value *float64, nan bool, scale int8) {
	require.Equal(t, want.Step.Normal(), metric.Step{Units: step, Scale: scale}.Normal())
	require.Equal(t, want.Time, time)
	require.Equal(t, math.IsNaN(want.Value), nan)
	if !nan {
		require.Equal(t, want.Value, *value)
	}
}

func requireSeries(t require.TestingT, r *metric.Reader, run *ent.Run, model *naive) {
	series, _, err := r.Series(ctx, metric.SeriesQuery{Runs: []*ent.Run{run}, MaxPoints: 1000})
	require.NoError(t, err)
	for _, s := range series {
		require.True(t, s.Exact)
		points := slices.Clone(model.points[s.Key])
		slices.SortStableFunc(points, func(a, b metric.Point) int {
			return cmp.Or(cmp.Compare(stepFloat(a.Step), stepFloat(b.Step)), cmp.Compare(a.Time, b.Time))
		})
		got := make([]metric.Point, len(s.Steps))
		for i := range s.Steps {
			got[i] = metric.Point{Value: s.Last[i], Step: metric.Step{Units: s.Steps[i], Scale: s.StepScale}, Time: s.Times[i]}
		}
		require.Equal(t, text(points), text(got))
	}
}

// requireBuckets asks for series in few buckets, in ranges and along times, and holds what comes against all points.
func requireBuckets(t *rapid.T, r *metric.Reader, run *ent.Run, model *naive) {
	q := metric.SeriesQuery{
		Runs: []*ent.Run{run}, MaxPoints: rapid.IntRange(1, 12).Draw(t, "maxPoints"),
		Axis: rapid.SampledFrom([]metric.Axis{metric.ByStep, metric.ByTime, metric.ByRelativeTime}).Draw(t, "axis"),
	}
	inRange := func(metric.Point) bool { return true }
	switch {
	case rapid.Bool().Draw(t, "whole"):
	case q.Axis == metric.ByStep:
		from, to := metric.IntStep(rapid.Int64Range(-5, 60).Draw(t, "from")), metric.IntStep(rapid.Int64Range(60, 150).Draw(t, "to"))
		q.From, q.To = &from, &to
		inRange = func(p metric.Point) bool {
			return stepFloat(p.Step) >= stepFloat(from) && stepFloat(p.Step) <= stepFloat(to)
		}
	default:
		from, start := rapid.Int64Range(900, 2100).Draw(t, "fromTime"), int64(0)
		if q.Axis == metric.ByRelativeTime {
			start = run.StartTime
			from -= start
		}
		q.FromTime = &from
		inRange = func(p metric.Point) bool { return p.Time-start >= from }
	}
	series, _, err := r.Series(ctx, q)
	require.NoError(t, err)
	for _, s := range series {
		points := slices.DeleteFunc(slices.Clone(model.points[s.Key]), func(p metric.Point) bool { return !inRange(p) })
		arrived := slices.Clone(points)
		slices.SortStableFunc(points, func(a, b metric.Point) int {
			bySteps := cmp.Compare(stepFloat(a.Step), stepFloat(b.Step))
			if q.Axis == metric.ByStep {
				return cmp.Or(bySteps, cmp.Compare(a.Time, b.Time))
			}
			return cmp.Or(cmp.Compare(a.Time, b.Time), bySteps)
		})
		require.EqualValues(t, len(points), s.Total)
		require.LessOrEqual(t, len(s.Counts), q.MaxPoints)
		at := 0
		for i, count := range s.Counts {
			at += int(count)
			if i+1 < len(s.Counts) && len(points) > 0 && slices.Equal(text(points), text(arrived)) {
				require.Equal(t, s.Counts[0], count, "buckets of points in order are of one size")
				require.Zero(t, count&(count-1), "a power of two")
			}
		}
		require.Equal(t, len(points), at)
		if at == 0 {
			continue
		}
		last := len(s.Counts) - 1
		require.Equal(t, text(points[:1]), text([]metric.Point{{Value: s.First[0], Step: metric.Step{Units: s.Steps[0], Scale: s.StepScale}, Time: s.Times[0]}}))
		require.Equal(t, text(points[len(points)-1:]), text([]metric.Point{{
			Value: s.Last[last], Step: metric.Step{Units: s.LastSteps[last], Scale: s.StepScale}, Time: s.LastTimes[last]}}))
		least, greatest := extremes(points, func(p metric.Point) (float64, float64) { return p.Value, p.Value })
		buckets := make([]int, len(s.Min))
		for i := range buckets {
			buckets[i] = i
		}
		gotLeast, gotGreatest := extremes(buckets, func(i int) (float64, float64) { return s.Min[i], s.Max[i] })
		require.Equal(t, math.Float64bits(least), math.Float64bits(gotLeast), "the chart's minimum")
		require.Equal(t, math.Float64bits(greatest), math.Float64bits(gotGreatest), "the chart's maximum")
	}
}

// extremes ignores NaN, and gives one when there is nothing else.
func extremes[T any](items []T, of func(T) (float64, float64)) (least, greatest float64) {
	least, greatest = math.NaN(), math.NaN()
	for _, item := range items {
		low, high := of(item)
		if low < least || math.IsNaN(least) && !math.IsNaN(low) {
			least = low
		}
		if high > greatest || math.IsNaN(greatest) && !math.IsNaN(high) {
			greatest = high
		}
	}
	return least, greatest
}
