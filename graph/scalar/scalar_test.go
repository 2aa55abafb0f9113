package scalar_test

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cairnml/cairn/graph/scalar"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/metric"
)

func text(m graphql.Marshaler) string {
	var b strings.Builder
	m.MarshalGQL(&b)
	return b.String()
}

// decoded is a JSON value as a request's variables give it.
func decoded(t require.TestingT, json string) any {
	v, err := decode(json)
	require.NoError(t, err)
	return v
}

func decode(text string) (any, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

func TestMetricValueSurvives(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		bits := rapid.Uint64().Draw(t, "bits")
		v := math.Float64frombits(bits)
		got, err := scalar.UnmarshalMetricValue(decoded(t, text(scalar.MarshalMetricValue(v))))
		require.NoError(t, err)
		if math.IsNaN(v) {
			require.True(t, math.IsNaN(got))
			return
		}
		require.Equal(t, bits, math.Float64bits(got))
	})
}

func TestMetricValueRefuses(t *testing.T) {
	t.Parallel()
	for _, bad := range []any{"abc", "nan", "1", true, json.Number("1e400"), nil, []any{1}} {
		_, err := scalar.UnmarshalMetricValue(bad)
		require.Equal(t, errs.Invalid, errs.KindOf(err), "%v", bad)
		require.ErrorContains(t, err, "is not a metric value", "%v", bad)
	}
}

func TestArraysSurvive(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		// Also of more values than are written at a time.
		bits := slices.Repeat(rapid.SliceOf(rapid.Uint64()).Draw(t, "bits"), rapid.SampledFrom([]int{1, 256, 1000}).Draw(t, "times"))
		floats, ints := make([]float64, len(bits)), make([]int64, len(bits))
		for i, b := range bits {
			floats[i], ints[i] = math.Float64frombits(b), int64(b)
		}
		gotFloats, err := scalar.UnmarshalFloat64Array(decoded(t, text(scalar.MarshalFloat64Array(floats))))
		require.NoError(t, err)
		gotInts, err := scalar.UnmarshalInt64Array(decoded(t, text(scalar.MarshalInt64Array(ints))))
		require.NoError(t, err)
		require.Equal(t, ints, gotInts)
		require.Len(t, gotFloats, len(floats))
		for i, b := range bits {
			require.Equal(t, b, math.Float64bits(gotFloats[i]), "every bit, also of a NaN")
		}
	})
}

func TestArraysRefuse(t *testing.T) {
	t.Parallel()
	for _, bad := range []any{"AAAA", "%%%", 5, nil, []any{1.5}} {
		_, err := scalar.UnmarshalFloat64Array(bad)
		require.Equal(t, errs.Invalid, errs.KindOf(err), "%v", bad)
		_, err = scalar.UnmarshalInt64Array(bad)
		require.Equal(t, errs.Invalid, errs.KindOf(err), "%v", bad)
	}
}

func TestStepSurvives(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		step := metric.Step{Units: rapid.Int64().Draw(t, "units"), Scale: int8(rapid.IntRange(0, metric.MaxStepScale).Draw(t, "scale"))}
		got, err := scalar.UnmarshalStep(decoded(t, text(scalar.MarshalStep(step))))
		require.NoError(t, err)
		require.Equal(t, step.Normal(), got.Normal())
	})
}

func TestStepReads(t *testing.T) {
	t.Parallel()
	for in, want := range map[any]metric.Step{
		int64(7): {Units: 7}, "0.25": {Units: 25, Scale: 2}, json.Number("1e3"): {Units: 1000}, 0.1: {Units: 1, Scale: 1},
		json.Number("9223372036854775807"): {Units: math.MaxInt64}, "-1.5": {Units: -15, Scale: 1},
	} {
		got, err := scalar.UnmarshalStep(in)
		require.NoError(t, err, "%v", in)
		require.Equal(t, want, got, "%v", in)
	}
	for _, bad := range []any{"abc", "0.1234567", true, json.Number("9223372036854775808"), nil} {
		_, err := scalar.UnmarshalStep(bad)
		require.Equal(t, errs.Invalid, errs.KindOf(err), "%v", bad)
	}
}

func TestTime(t *testing.T) {
	t.Parallel()
	require.Equal(t, `"2023-11-14T22:13:20.123Z"`, text(scalar.MarshalTime(1_700_000_000_123)))
	rapid.Check(t, func(t *rapid.T) {
		ms := rapid.Int64().Draw(t, "ms")
		got, err := scalar.UnmarshalTime(decoded(t, text(scalar.MarshalTime(ms))))
		require.NoError(t, err)
		require.Equal(t, ms, got, "years that RFC 3339 has no form for included")
	})
	got, err := scalar.UnmarshalTime("2023-11-14T23:13:20.123456+01:00")
	require.NoError(t, err)
	require.Equal(t, int64(1_700_000_000_123), got)
	for _, bad := range []any{"yesterday", true, json.Number("1.5"), nil} {
		_, err := scalar.UnmarshalTime(bad)
		require.Equal(t, errs.Invalid, errs.KindOf(err), "%v", bad)
	}
}

func TestInt64(t *testing.T) {
	t.Parallel()
	for in, want := range map[any]int64{
		5: 5, int64(-1): -1, "9223372036854775807": math.MaxInt64, json.Number("-9223372036854775808"): math.MinInt64,
	} {
		got, err := scalar.UnmarshalInt64(in)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	require.Equal(t, "9223372036854775807", text(scalar.MarshalInt64(math.MaxInt64)))
	for _, bad := range []any{1.5, "x", json.Number("1.5"), "9223372036854775808", nil} {
		_, err := scalar.UnmarshalInt64(bad)
		require.Equal(t, errs.Invalid, errs.KindOf(err), "%v", bad)
	}
}
