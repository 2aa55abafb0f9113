package tracking_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
)

// TestPagesAndFoldersOfMetrics: pages and folders of metrics are those of a list of all keys, ordered by bytes on both databases.
func TestPagesAndFoldersOfMetrics(t *testing.T) {
	t.Parallel()
	keys := []string{"Zeta", "a", "a b", "a/b/c", "a/b/d", "a/x", "a-b", "b/1", "ab", "é/学习率", "é/x", "学习率", "z/𝔘"}
	for i := range 30 {
		keys = append(keys, fmt.Sprintf("layer/%02d/weight", i))
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newService(t, db)
		var runs []int
		for range 2 {
			run := newRun(t, s)
			runs = append(runs, run.ID)
			var columns []metric.Columns
			for _, key := range keys {
				columns = append(columns, column(key, 1, 2))
			}
			_, err := s.LogBatch(ctx, tracking.Batch{RunID: run.RunID, Columns: columns})
			require.NoError(t, err)
		}
		for _, prefix := range []string{"", "a", "a/", "a/b/", "layer/", "é/", "none", "学"} {
			var want []string
			groups := map[string]int{}
			for _, key := range slices.Sorted(slices.Values(keys)) {
				if !strings.HasPrefix(key, prefix) {
					continue
				}
				want = append(want, key)
				if below, _, folder := strings.Cut(key[len(prefix):], "/"); folder {
					groups[prefix+below+"/"]++
				} else {
					groups[key]++
				}
			}
			for _, some := range [][]int{runs[:1], runs} {
				counts, err := s.CountSeriesOf(ctx, some, prefix)
				require.NoError(t, err)
				folders, err := s.SeriesGroupsOf(ctx, some, prefix, 1000)
				require.NoError(t, err)
				begin, err := s.SeriesGroupsOf(ctx, some, prefix, 2)
				require.NoError(t, err)
				for _, run := range some {
					require.Equal(t, folders[run][:min(2, len(folders[run]))], begin[run], prefix)
					require.Equal(t, len(want), counts[run], prefix)
					got := map[string]int{}
					var names []string
					for _, g := range folders[run] {
						got[g.Prefix] = g.Metrics
						names = append(names, g.Prefix)
						require.Equal(t, strings.HasSuffix(g.Prefix, "/"), g.Folder)
					}
					require.Equal(t, groups, got, "groups below %q", prefix)
					require.True(t, slices.IsSorted(names), "%q", names)
				}
				var got []string
				for after, more := "", true; more; {
					pages, err := s.SeriesPageOf(ctx, some, prefix, after, 4)
					require.NoError(t, err)
					page := pages[some[len(some)-1]]
					for _, m := range page.Series {
						got, after = append(got, m.Key), m.Key
						require.EqualValues(t, 2, *m.LastValue)
					}
					more = page.HasNext
				}
				require.Equal(t, want, got, "pages below %q", prefix)
				var keys []string
				for after, more := "", true; more; {
					columns, err := s.SeriesColumnsOf(ctx, some, prefix, after, 4)
					require.NoError(t, err)
					c := columns[some[len(some)-1]]
					if c == nil {
						break
					}
					keys, after, more = append(keys, c.Keys...), c.Keys[len(c.Keys)-1], c.HasNext
				}
				require.Equal(t, want, keys, "columns below %q", prefix)
			}
		}
		_, err := s.SeriesPageOf(ctx, runs, "", "", 1001)
		require.Equal(t, errs.Invalid, errs.KindOf(err))
		_, err = s.SeriesPageOf(ctx, runs, "", "a\x00b", 10)
		require.Equal(t, errs.Invalid, errs.KindOf(err))
		_, err = s.SeriesGroupsOf(ctx, runs, strings.Repeat("a", 251), 1)
		require.Equal(t, errs.Invalid, errs.KindOf(err))
	})
}

// TestColumnsOfMetrics: a row of the columns says what the metric's summary says, to the bit.
func TestColumnsOfMetrics(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newService(t, db)
		run := newRun(t, s)
		_, err := s.LogBatch(ctx, tracking.Batch{RunID: run.RunID, Columns: []metric.Columns{
			{Key: "loss", StepScale: 2, Steps: []int64{25, 150, -50}, Times: []int64{1, 2, 3}, Values: []float64{0.1, -3, 7}},
			{Key: "nothing", Steps: []int64{4}, Times: []int64{5}, Values: []float64{math.NaN()}},
			{Key: "rises", Steps: []int64{1, 2}, Times: []int64{8, 9}, Values: []float64{1, math.Inf(1)}},
		}})
		require.NoError(t, err)
		found, err := s.SeriesColumnsOf(ctx, []int{run.ID}, "", "", tracking.MaxSeriesColumns)
		require.NoError(t, err)
		c := found[run.ID]
		require.Equal(t, []string{"loss", "nothing", "rises"}, c.Keys)
		require.Equal(t, []int64{3, 1, 2}, c.Counts)
		require.Equal(t, []int64{2, 0, 0}, c.StepScales)
		require.Equal(t, "[-3 NaN +Inf]", fmt.Sprint(c.LastValues))
		require.Equal(t, []int64{150, 4, 2}, c.LastSteps)
		require.Equal(t, []int64{2, 5, 9}, c.LastTimes)
		require.Equal(t, "[-3 NaN 1]", fmt.Sprint(c.MinValues))
		require.Equal(t, "[7 NaN +Inf]", fmt.Sprint(c.MaxValues))
		require.Equal(t, []int64{150, 1}, []int64{c.MinSteps[0], c.MinSteps[2]})
		require.Equal(t, []int64{-50, 2}, []int64{c.MaxSteps[0], c.MaxSteps[2]})
		require.False(t, c.HasNext)
		for _, limit := range []int{0, tracking.MaxSeriesColumns + 1} {
			_, err = s.SeriesColumnsOf(ctx, []int{run.ID}, "", "", limit)
			require.Equal(t, errs.Invalid, errs.KindOf(err))
			require.ErrorContains(t, err, "1 to 100000")
		}
		_, err = s.SeriesColumnsOf(ctx, []int{1, 2, 3}, "", "", tracking.MaxSeriesColumns)
		require.Equal(t, errs.Invalid, errs.KindOf(err))
		require.ErrorContains(t, err, "200000")
	})
}
