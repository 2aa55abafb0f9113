package tracking_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

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
				errs.Invalid, `Changing param values is not allowed. Param with key="lr"`},
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
		batches, points := s.Logged()
		require.Equal(t, []int64{2, 5}, []int64{batches, points})
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
			points, err := reader.History(ctx, run.ID, "a", 0, writers*calls)
			require.NoError(t, err)
			require.Equal(t, -1, points.Next)
			ids := map[string]bool{}
			for i := range points.Values {
				ids[fmt.Sprint(points.At(i))] = true
			}
			require.Len(t, ids, points.Len())
			total += points.Len()
			fresh, err := s.Run(ctx, run.RunID)
			require.NoError(t, err)
			rows, err := s.SeriesOf(ctx, []int{run.ID}, []string{"a"})
			require.NoError(t, err)
			require.EqualValues(t, points.Len(), rows[run.ID][0].Count)
			require.EqualValues(t, points.Len(), fresh.MetricSequence, "each call was one batch")
		}
		require.Equal(t, writers*calls, total)
	})
}
