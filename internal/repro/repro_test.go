package repro

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCompare(t *testing.T) {
	t.Parallel()
	series := func(values ...float64) []Point {
		var points []Point
		for i, value := range values {
			points = append(points, Point{string(rune('0' + i)), value})
		}
		return points
	}
	recorded := map[string][]Point{"a": series(1, 2, 3), "b": series(1, math.NaN(), math.Inf(1))}
	for name, c := range map[string]struct {
		again map[string][]Point
		want  Verdict
	}{
		"identical":             {map[string][]Point{"a": series(1, 2, 3), "b": series(1, math.NaN(), math.Inf(1))}, Verdict{Outcome: Identical}},
		"within tolerance":      {map[string][]Point{"a": series(1, 2, 3.000001), "b": series(1, math.NaN(), math.Inf(1))}, Verdict{Outcome: WithinTolerance, Key: "a", Step: "2", Reason: "a is 3.000001 at step 2, and was 3"}},
		"the first step counts": {map[string][]Point{"a": series(1, 2, 4), "b": series(1, 7, math.Inf(1))}, Verdict{Outcome: Diverged, Key: "b", Step: "1", Reason: "b is 7 at step 1, and was NaN"}},
		"infinity":              {map[string][]Point{"a": series(1, 2, 3), "b": series(1, math.NaN(), math.Inf(-1))}, Verdict{Outcome: Diverged, Key: "b", Step: "2", Reason: "b is -Inf at step 2, and was +Inf"}},
		"too short":             {map[string][]Point{"a": series(1, 2), "b": series(1, math.NaN(), math.Inf(1))}, Verdict{Outcome: Diverged, Key: "a", Step: "2", Reason: "a has no point at step 2 any more"}},
		"a key is missing":      {map[string][]Point{"a": series(1, 2, 3)}, Verdict{Outcome: Diverged, Key: "b", Step: "0", Reason: "b has no point at step 0 any more"}},
		"a key more":            {map[string][]Point{"a": series(1, 2, 3), "b": series(1, math.NaN(), math.Inf(1)), "c": series(1)}, Verdict{Outcome: Diverged, Key: "c", Step: "0", Reason: "c has a point at step 0 that the run has not"}},
	} {
		require.Equal(t, c.want, Compare(recorded, c.again, DefaultTolerance), name)
	}
	require.Equal(t, NotReproducible, Compare(nil, recorded, DefaultTolerance).Outcome)
}

func TestReadSeries(t *testing.T) {
	t.Parallel()
	file := "run_id,key,step,time,value\nr,a,10,t,0.1\nr,a,9.5,t,NaN\nr,b,0,t,1\nr,a,10,t,-Infinity\n"
	series, err := ReadSeries(strings.NewReader(file), map[string]bool{"a": true})
	require.NoError(t, err)
	require.Len(t, series, 1)
	require.Equal(t, "9.5", series["a"][0].Step)
	require.True(t, math.IsNaN(series["a"][0].Value))
	require.Equal(t, []Point{{"10", 0.1}, {"10", math.Inf(-1)}}, series["a"][1:])
	for _, damaged := range []string{"", "key\n", "key,step,value\na,1\n", "key,step,value\na,1,x\n"} {
		_, err := ReadSeries(strings.NewReader(damaged), map[string]bool{"a": true})
		require.Error(t, err)
	}
}
