package search

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
)

func encodeRaw(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// exactMoments computes mean and deviation with numbers of 2,000 bits.
func exactMoments(values []float64) (mean, std float64) {
	up, down := slices.Contains(values, math.Inf(1)), slices.Contains(values, math.Inf(-1))
	if up || down {
		return map[bool]float64{up && down: math.NaN(), up && !down: math.Inf(1), down && !up: math.Inf(-1)}[true], math.NaN()
	}
	wide := func(f float64) *big.Float { return new(big.Float).SetPrec(4500).SetFloat64(f) }
	sum := wide(0)
	for _, v := range values {
		sum.Add(sum, wide(v))
	}
	center := sum.Quo(sum, wide(float64(len(values))))
	squares := wide(0)
	for _, v := range values {
		d := wide(v)
		d.Sub(d, center)
		squares.Add(squares, d.Mul(d, d))
	}
	mean, _ = center.Float64()
	if len(values) > 1 {
		squares.Quo(squares, wide(float64(len(values)-1)))
		std, _ = squares.Sqrt(squares).Float64()
	}
	return mean, std
}

// near compares with a tolerance of what the largest of the values allows.
func near(t require.TestingT, want, got float64, values []float64, what string) {
	if math.IsNaN(want) || math.IsInf(want, 0) {
		require.Equal(t, math.IsNaN(want), math.IsNaN(got), "%s of %v is %v, not %v", what, values, got, want)
		require.Equal(t, math.IsInf(want, 1), math.IsInf(got, 1), "%s of %v is %v, not %v", what, values, got, want)
		require.Equal(t, math.IsInf(want, -1), math.IsInf(got, -1), "%s of %v is %v, not %v", what, values, got, want)
		return
	}
	size := 0.0
	for _, v := range values {
		size = max(size, math.Abs(v))
	}
	// The least doubles are as far apart as they are large.
	require.LessOrEqual(t, math.Abs(want-got), max(size*1e-14, math.SmallestNonzeroFloat64), "%s of %v is %v, not %v", what, values, got, want)
}

func checkMoments(t require.TestingT, values []float64, m Moments) {
	numbers := slices.DeleteFunc(slices.Clone(values), math.IsNaN)
	require.Equal(t, len(numbers), m.Count)
	require.Equal(t, len(values)-len(numbers), m.NaNs)
	mean, ok := m.Mean()
	require.Equal(t, len(numbers) > 0, ok)
	std, hasStd := m.Std()
	require.Equal(t, len(numbers) > 1, hasStd)
	least, hasLeast := m.Min()
	greatest, hasGreatest := m.Max()
	require.Equal(t, []bool{ok, ok}, []bool{hasLeast, hasGreatest})
	if !ok {
		return
	}
	require.Equal(t, []float64{slices.Min(numbers), slices.Max(numbers)}, []float64{least, greatest})
	wantMean, wantStd := exactMoments(numbers)
	near(t, wantMean, mean, numbers, "mean")
	if hasStd {
		near(t, wantStd, std, numbers, "deviation")
	}
}

// Mean and deviation stand against exact ones, where sums of squares would have lost all digits, or overflowed.
func TestMoments(t *testing.T) {
	t.Parallel()
	of := func(values []float64) Moments {
		var m Moments
		for _, v := range values {
			m.add(v)
		}
		return m
	}
	offset := []float64{1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16}
	m := of(offset)
	std, _ := m.Std()
	require.InDelta(t, math.Sqrt(30), std, 1e-9, "the deviation of a sample: 90 divided by 3")
	mean, _ := m.Mean()
	require.InDelta(t, 1e9+10, mean, 0)
	for _, values := range [][]float64{
		{1e-200, 3e-200}, {3e-200, 1e-200, 0}, {1e200, 3e200}, {5e-324, 0}, {math.MaxFloat64, math.MaxFloat64 / 2},
		{0, 0, 1e-300, 1e-250}, {1e-300, 1e300, 1}, {math.MaxFloat64, -math.MaxFloat64},
	} {
		checkMoments(t, values, of(values))
	}
	// Of whatever size the values are, they are as exact as values about 1.
	rapid.Check(t, func(t *rapid.T) {
		exponent := rapid.IntRange(-1074, 1020).Draw(t, "exponent")
		var values []float64
		for _, v := range rapid.SliceOfN(rapid.Float64Range(-8, 8), 0, 30).Draw(t, "values") {
			values = append(values, math.Ldexp(v, exponent))
		}
		checkMoments(t, values, of(values))
	})
	rapid.Check(t, func(t *rapid.T) {
		one := rapid.OneOf(rapid.Float64(), rapid.SampledFrom(values), rapid.Float64Range(1e9, 1e9+1),
			rapid.SampledFrom([]float64{math.MaxFloat64, -math.MaxFloat64, 0x1p500, 0x1p501, 1e150}))
		if rapid.Bool().Draw(t, "finite") {
			one = one.Filter(func(v float64) bool { return !math.IsInf(v, 0) && !math.IsNaN(v) })
		}
		values := rapid.SliceOfN(one, 0, 30).Draw(t, "values")
		checkMoments(t, values, of(values))
	})
}

type naiveGroup struct {
	keys   []*string
	runs   int
	values [][]float64
}

func (n *naive) groups(runs []*naiveRun, by, metrics []Operand) map[string]*naiveGroup {
	out := map[string]*naiveGroup{}
	for _, r := range runs {
		g := &naiveGroup{values: make([][]float64, len(metrics))}
		for _, o := range by {
			text, ok := n.text(r, o)
			if !ok {
				g.keys = append(g.keys, nil)
				continue
			}
			g.keys = append(g.keys, &text)
		}
		if same := out[nameOf(g.keys)]; same != nil {
			g = same
		}
		out[nameOf(g.keys)] = g
		g.runs++
		for i, o := range metrics {
			if v, ok := n.metric(r, o); ok {
				g.values[i] = append(g.values[i], v)
			}
		}
	}
	return out
}

func nameOf(keys []*string) string {
	var b strings.Builder
	for _, k := range keys {
		if k == nil {
			b.WriteString("-,")
			continue
		}
		fmt.Fprintf(&b, "%q,", *k)
	}
	return b.String()
}

// before tells whether a group may stand before another in an order.
func before(a, b Group, q AggregateQuery, metric int, by []Operand) bool {
	class := func(v float64, ok bool) int {
		switch {
		case !ok:
			return 2
		case math.IsNaN(v):
			return 1
		}
		return 0
	}
	value := func(g Group) (float64, bool) {
		switch q.By {
		case ByMean:
			return g.Metrics[metric].Mean()
		case ByStd:
			return g.Metrics[metric].Std()
		case ByMin:
			return g.Metrics[metric].Min()
		case ByMax:
			return g.Metrics[metric].Max()
		case ByKeys:
			return 0, true
		}
		return float64(g.Runs), true
	}
	va, oka := value(a)
	vb, okb := value(b)
	if ca, cb := class(va, oka), class(vb, okb); ca != cb {
		return ca < cb
	} else if ca == 0 && va != vb {
		return (va < vb) == q.Ascending
	}
	for i, o := range by {
		x, y := a.Keys[i], b.Keys[i]
		if x == nil || y == nil {
			if (x == nil) != (y == nil) {
				return y == nil
			}
			continue
		}
		if *x == *y {
			continue
		}
		up := q.By != ByKeys || q.Ascending
		if o.Entity == Param {
			m, isX := store.Number(*x)
			n, isY := store.Number(*y)
			if isX != isY {
				return isX
			}
			if m != n {
				return (m < n) == up
			}
		}
		return (*x < *y) == up
	}
	return false // the same group twice
}

// Whatever is grouped by whatever, on whichever way the values are read, the groups are those of a look at each run.
func TestAggregatesEqualNaiveGroups(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n := newFacetWorld(t, db, 60)
		s, ctx, gen, experiments := New(db), context.Background(), worldGen(n), experimentsOf(n)
		rapid.Check(t, func(t *rapid.T) {
			q := AggregateQuery{
				By:        rapid.SampledFrom([]GroupOrder{"", ByCount, ByKeys, ByMean, ByMin, ByMax, ByStd}).Draw(t, "by"),
				Ascending: rapid.Bool().Draw(t, "ascending"), First: rapid.SampledFrom([]int{1, 3, 100}).Draw(t, "first"),
				listed: rapid.SampledFrom([]int{maxListed, 3}).Draw(t, "listed"),
			}
			var found []*naiveRun
			q.Runs, found = n.drawRuns(t, gen, experiments)
			var by, metrics []Operand
			for range rapid.IntRange(0, 3).Draw(t, "keys") {
				if o := textOperand(t, gen); !slices.Contains(by, o) {
					by, q.GroupBy = append(by, o), append(q.GroupBy, o.String())
				}
			}
			for range rapid.IntRange(1, 3).Draw(t, "metrics") {
				o := Operand{Entity: Metric, Key: gen.metrics.Draw(t, "metric"), Func: rapid.SampledFrom(functions).Draw(t, "func")}
				if !slices.Contains(metrics, o) {
					metrics, q.Metrics = append(metrics, o), append(q.Metrics, o.String())
				}
			}
			metric := len(metrics) - 1
			if !slices.Contains([]GroupOrder{"", ByCount, ByKeys}, q.By) {
				q.OrderMetric = q.Metrics[metric]
			}
			want := n.groups(found, by, metrics)
			var got []Group
			for {
				page, err := s.Aggregate(ctx, q)
				require.NoError(t, err, "%+v", q)
				require.Equal(t, []int{len(want), len(found)}, []int{page.Total, page.Runs})
				if got = append(got, page.Groups...); !page.HasNext {
					break
				}
				require.Len(t, page.Groups, q.First)
				q.After = page.Cursors[q.First-1]
			}
			require.Len(t, got, len(want))
			for i, g := range got {
				w := want[nameOf(g.Keys)]
				require.NotNil(t, w, "%s", nameOf(g.Keys))
				require.Equal(t, w.runs, g.Runs)
				for i, values := range w.values {
					checkMoments(t, values, g.Metrics[i])
				}
				if i > 0 {
					require.True(t, before(got[i-1], g, q, metric, by), "%+v before %+v by %s", got[i-1], g, cmp.Or(q.By, ByCount))
				}
			}
		})
	})
}

func TestAggregatesAreChecked(t *testing.T) {
	t.Parallel()
	s := New(storetest.SQLite(t))
	for want, q := range map[string]AggregateQuery{
		"first: is 0; it is from 1 to 1000":                   {},
		"first: is 1001; it is from 1 to 1000":                {First: MaxFacets + 1},
		"groupBy: names 6; at most 5 are allowed":             {First: 1, GroupBy: make([]string, 6)},
		"metrics: names 21; at most 20 are allowed":           {First: 1, Metrics: make([]string, 21)},
		"groupBy[0]: metrics.a is a metric":                   {First: 1, GroupBy: []string{"metrics.a"}},
		"groupBy[0]: end_time is a time":                      {First: 1, GroupBy: []string{"end_time"}},
		"groupBy[1]: params.a stands in groupBy[0] already":   {First: 1, GroupBy: []string{"params.a", "param.`a`"}},
		"groupBy[1]: at 1: unknown attribute x":               {First: 1, GroupBy: []string{"status", "x"}},
		"metrics[0]: params.a is no metric":                   {First: 1, Metrics: []string{"params.a"}},
		"orderBy.by: is \"MEDIAN\"; it is COUNT, KEYS, MEAN":  {First: 1, By: "MEDIAN"},
		"orderBy.metric: at 1: expected a name":               {First: 1, By: ByMean},
		"orderBy.metric: max(metrics.a) is none of the metri": {First: 1, By: ByMean, Metrics: []string{"metrics.a"}, OrderMetric: "max(metrics.a)"},
		"orderBy.metric: is for MEAN, MIN, MAX and STD, not":  {First: 1, OrderMetric: "metrics.a"},
		"filter: at 1: unknown attribute x":                   {First: 1, Runs: RunsQuery{Filter: "x = 1"}},
		"after: this is not a cursor":                         {First: 1, After: "AA"},
	} {
		_, err := s.Aggregate(context.Background(), q)
		require.ErrorContains(t, err, want)
		require.Equal(t, errs.Invalid, errs.KindOf(err))
	}
	var g grouper
	g.groups = map[string]*Group{}
	for i := range MaxGroups + 1 {
		_, err := g.group([]keyCell{{text: fmt.Append(nil, i)}})
		if i < MaxGroups {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, "groupBy: makes more than 50000 groups")
	}
	g = grouper{groups: map[string]*Group{}}
	_, err := g.group([]keyCell{{text: make([]byte, maxGroupBytes)}})
	require.ErrorContains(t, err, "or more than 67108864 bytes of their keys")
	page, err := s.Aggregate(context.Background(), AggregateQuery{First: 1})
	require.NoError(t, err)
	require.Empty(t, page.Groups, "no run, no group")
	column := groupColumn{known: map[string]uint32{}, of: make([]uint32, MaxGroups+1)}
	for i := range column.of {
		if err = column.put(i, &keyCell{text: fmt.Append(nil, i)}); i < MaxGroups {
			require.NoError(t, err)
		}
	}
	require.ErrorContains(t, err, "groupBy: makes more than 50000 groups")
	require.Len(t, newWorld(t, s.db, 5).runs, 3)
	for most, want := range map[int]string{2: "filter: more than 2 runs match, which is all that are grouped: filter them", 3: ""} {
		_, err := s.Aggregate(context.Background(), AggregateQuery{First: 1, most: most, Runs: RunsQuery{View: All}})
		if want == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, want)
		require.Equal(t, errs.Invalid, errs.KindOf(err))
	}
}
