package tracking_test

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"sort"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/live"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
)

var ctx = context.Background()

func newService(t *testing.T, db *store.DB) *tracking.Service {
	t.Helper()
	s := tracking.New(db, live.NewHub())
	t.Cleanup(s.Close)
	return s
}

func newRun(t require.TestingT, s *tracking.Service) *ent.Run {
	r, err := s.CreateRun(ctx, tracking.CreateRun{})
	require.NoError(t, err)
	return r
}

// naive keeps every point in a list: what the engine must be equal to.
type naive struct {
	points map[string][]metric.Point
	own    map[string]bool
}

func newNaive() *naive { return &naive{points: map[string][]metric.Point{}, own: map[string]bool{}} }

// batch adds the columns of one batch and gives the keys whose points gave way to the user's own.
func (n *naive) batch(columns []metric.Columns) (replaced []string) {
	for _, c := range columns {
		if c.Len() == 0 || c.KeepExisting || n.own[c.Key] {
			continue
		}
		n.own[c.Key] = true
		if len(n.points[c.Key]) > 0 {
			replaced = append(replaced, c.Key)
		}
		delete(n.points, c.Key)
	}
	for _, c := range columns {
		if c.KeepExisting != n.own[c.Key] {
			n.add(c)
		}
	}
	return replaced
}

func (n *naive) add(c metric.Columns) {
	for i := range c.Values {
		p := c.At(i)
		p.Step = p.Step.Normal()
		if !slices.ContainsFunc(n.points[c.Key], func(q metric.Point) bool {
			return q.Step == p.Step && q.Time == p.Time && math.Float64bits(q.Value) == math.Float64bits(p.Value)
		}) {
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

// someColumns has few keys, steps and times, so that points repeat, go back and collide.
var someColumns = rapid.Custom(func(t *rapid.T) metric.Columns {
	n := rapid.IntRange(0, 6).Draw(t, "n")
	c := metric.Columns{Key: rapid.SampledFrom([]string{"loss", "学习率", "val/acc"}).Draw(t, "key"),
		StepScale: rapid.SampledFrom([]int8{0, 0, 0, 1, 6}).Draw(t, "scale"), KeepExisting: rapid.Bool().Draw(t, "adapter")}
	for range n {
		c.Steps = append(c.Steps, rapid.Int64Range(-3, 30).Draw(t, "step"))
		c.Times = append(c.Times, rapid.Int64Range(1000, 1003).Draw(t, "time"))
		c.Values = append(c.Values, someValue.Draw(t, "value"))
	}
	return c
})

// TestMetricsEqualNaiveModel: for any batches in any order, history, summaries, series and appended points are those of a
// model that keeps every row.
func TestMetricsEqualNaiveModel(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, reader := newService(t, db), metric.NewReader(db)
		rapid.Check(t, func(t *rapid.T) {
			run := newRun(t, s)
			model, followed := newNaive(), newNaive()
			cursor := metric.Cursor{}
			for range rapid.IntRange(1, 6).Draw(t, "batches") {
				columns := rapid.SliceOfN(someColumns, 1, 4).Draw(t, "columns")
				_, err := s.LogBatch(ctx, tracking.Batch{RunID: run.RunID, Columns: columns})
				require.NoError(t, err)
				for _, key := range model.batch(columns) {
					delete(followed.points, key) // the run changed: who follows it reads the series anew
				}
				if rapid.Bool().Draw(t, "restart") {
					s = tracking.New(db, live.NewHub()) // forgets what it knew of the series
				}
				if rapid.Bool().Draw(t, "follow") {
					cursor = follow(t, reader, run, cursor, followed)
				}
			}
			follow(t, reader, run, cursor, followed)
			requireHistory(t, reader, run, model)
			requireSummaries(t, s, run, model)
			requireSeries(t, reader, run, model)
			for key, points := range model.points {
				require.Equal(t, text(points), text(followed.points[key]), "appended points of %s", key)
			}
		})
	})
}

func follow(t require.TestingT, r *metric.Reader, run *ent.Run, cursor metric.Cursor, into *naive) metric.Cursor {
	for more := true; more; {
		var appended []metric.Appended
		var err error
		appended, cursor, more, err = r.Since(ctx, []*ent.Run{run}, nil, cursor, 3)
		require.NoError(t, err)
		for _, a := range appended {
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
			page, next, err := r.History(ctx, run.ID, key, from, 4)
			require.NoError(t, err)
			got = append(got, page...)
			from = next
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

func column(key string, values ...float64) metric.Columns {
	c := metric.Columns{Key: key}
	for i, v := range values {
		c.Steps = append(c.Steps, int64(i))
		c.Times = append(c.Times, int64(1000+i))
		c.Values = append(c.Values, v)
	}
	return c
}

func TestBatchIsStoredAsAWhole(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newService(t, db)
		run := newRun(t, s)
		log := func(b tracking.Batch) error {
			b.RunID = run.RunID
			_, err := s.LogBatch(ctx, b)
			return err
		}
		require.NoError(t, log(tracking.Batch{Params: []tracking.Param{{Key: "lr", Value: "0.1"}}}))
		require.NoError(t, log(tracking.Batch{Params: []tracking.Param{{Key: "lr", Value: "0.1"}}}), "the same value again")
		require.NoError(t, log(tracking.Batch{Params: []tracking.Param{{Key: "lr", Value: "9", KeepExisting: true}}}))

		long := string(make([]byte, 251))
		for name, tc := range map[string]struct {
			batch tracking.Batch
			kind  errs.Kind
			want  string
		}{
			"changed param": {tracking.Batch{Params: []tracking.Param{{Key: "new", Value: "1"}, {Key: "lr", Value: "0.2"}}},
				errs.Conflict, `Changing param values is not allowed. Param with key="lr"`},
			"param twice": {tracking.Batch{Params: []tracking.Param{{Key: "a", Value: "1"}, {Key: "a", Value: "1"}}}, errs.Invalid, "Duplicate parameter keys"},
			"long key":    {tracking.Batch{Params: []tracking.Param{{Key: "k" + fmt.Sprintf("%0250d", 0), Value: "1"}}}, errs.Invalid, "251 characters: at most 250"},
			"odd key":     {tracking.Batch{Tags: []tracking.Tag{{Key: "a\tb", Value: "1"}}}, errs.Invalid, "names may hold letters"},
			"path key":    {tracking.Batch{Tags: []tracking.Tag{{Key: "a/../b", Value: "1"}}}, errs.Invalid, `write it as "b"`},
			"empty key":   {tracking.Batch{Columns: []metric.Columns{column("", 1)}}, errs.Invalid, "the name is missing"},
			"nul":         {tracking.Batch{Tags: []tracking.Tag{{Key: "a", Value: "x\x00"}}}, errs.Invalid, "NUL"},
			"not utf-8":   {tracking.Batch{Tags: []tracking.Tag{{Key: "a", Value: "\xff"}}}, errs.Invalid, "UTF-8"},
			"nul key":     {tracking.Batch{Tags: []tracking.Tag{{Key: long, Value: ""}}}, errs.Invalid, "at most 250"},
			"long value": {tracking.Batch{Params: []tracking.Param{{Key: "v", Value: string(make([]byte, tracking.MaxValue+1))}}},
				errs.Invalid, "at most 65536 are allowed"},
			"uneven columns": {tracking.Batch{Columns: []metric.Columns{{Key: "x", Values: []float64{1}}}}, errs.Invalid, "they must be as many"},
			"many of models": {tracking.Batch{Models: make([]tracking.ModelMetric, tracking.MaxModelMetrics+1)}, errs.Invalid, "at most 1000 go into one batch"},
			"no sequence":    {tracking.Batch{Client: "c"}, errs.Invalid, "client and sequence go together"},
			"unknown model":  {tracking.Batch{Models: []tracking.ModelMetric{{ModelID: "m-1", Key: "a"}}}, errs.NotFound, "Logged model"},
		} {
			tc.batch.Tags = append(tc.batch.Tags, tracking.Tag{Key: "half", Value: "1"})
			tc.batch.Columns = append(tc.batch.Columns, column("half", 1))
			err := log(tc.batch)
			require.Equal(t, tc.kind, errs.KindOf(err), "%s: %v", name, err)
			require.ErrorContains(t, err, tc.want, name)
		}
		params, err := s.ParamsOf(ctx, []int{run.ID}, nil)
		require.NoError(t, err)
		require.Len(t, params[run.ID], 1)
		require.Equal(t, "0.1", params[run.ID][0].Value)
		require.InDelta(t, 0.1, *params[run.ID][0].Number, 0)
		tags, err := s.TagsOf(ctx, []int{run.ID}, []string{"half"})
		require.NoError(t, err)
		require.Empty(t, tags)
		series, err := s.SeriesOf(ctx, []int{run.ID}, nil)
		require.NoError(t, err)
		require.Empty(t, series)

		_, err = s.LogBatch(ctx, tracking.Batch{RunID: "00000000000000000000000000000000"})
		require.Equal(t, errs.NotFound, errs.KindOf(err))
	})
}

func TestRepeatedBatchChangesNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newService(t, db)
		run := newRun(t, s)
		batch := tracking.Batch{RunID: run.RunID, Columns: []metric.Columns{column("loss", 3, 2)}, Client: "agent", Sequence: 1}
		first, err := s.LogBatch(ctx, batch)
		require.NoError(t, err)
		require.True(t, first.Stored)
		batch.Columns = []metric.Columns{column("loss", 9, 9, 9)}
		again, err := s.LogBatch(ctx, batch)
		require.NoError(t, err)
		require.Equal(t, tracking.BatchResult{Stored: false, Sequence: first.Sequence}, again)
		batch.Sequence = 2
		next, err := s.LogBatch(ctx, batch)
		require.NoError(t, err)
		require.True(t, next.Stored)
	})
}

// TestWritersOfOneRun: many writers on few runs, each point exactly once, in both directions of every pair of runs.
func TestWritersOfOneRun(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, reader := newService(t, db), metric.NewReader(db)
		runs := []*ent.Run{newRun(t, s), newRun(t, s), newRun(t, s)}
		const writers, calls = 16, 25
		failures := make(chan error, writers*calls)
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := range calls {
					_, err := s.LogBatch(ctx, tracking.Batch{RunID: runs[(w+i)%len(runs)].RunID,
						Columns: []metric.Columns{
							{Key: "a", Steps: []int64{int64(i)}, Times: []int64{int64(w)}, Values: []float64{1}},
							{Key: "b", Steps: []int64{int64(i)}, Times: []int64{int64(w)}, Values: []float64{2}},
						},
						Tags: []tracking.Tag{{Key: "t", Value: fmt.Sprint(w)}}})
					failures <- err
				}
			})
		}
		wg.Wait()
		close(failures)
		for err := range failures {
			require.NoError(t, err)
		}
		total := 0
		for _, run := range runs {
			points, next, err := reader.History(ctx, run.ID, "a", 0, writers*calls)
			require.NoError(t, err)
			require.Equal(t, -1, next)
			ids := text(points)
			sort.Strings(ids)
			require.Len(t, slices.Compact(ids), len(points))
			total += len(points)
			fresh, err := s.Run(ctx, run.RunID)
			require.NoError(t, err)
			rows, err := s.SeriesOf(ctx, []int{run.ID}, []string{"a"})
			require.NoError(t, err)
			require.EqualValues(t, len(points), rows[run.ID][0].Count)
			require.EqualValues(t, len(points), fresh.MetricSequence, "each call was one batch")
		}
		require.Equal(t, writers*calls, total)
	})
}
