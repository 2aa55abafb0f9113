package metric_test

import (
	"math"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/metric"
)

func TestParseStep(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]metric.Step{
		"0": {}, "-0": {}, "0.000": {}, "7": {Units: 7}, "-12": {Units: -12}, "0.25": {Units: 25, Scale: 2},
		"-1.500000": {Units: -15, Scale: 1}, "1e3": {Units: 1000}, "1.5e-5": {Units: 15, Scale: 6}, "0.000001": {Units: 1, Scale: 6},
		"9223372036854775807":  {Units: math.MaxInt64},
		"-9223372036854775808": {Units: math.MinInt64},
	} {
		got, err := metric.ParseStep(text)
		if text == "1.5e-5" { // 0.000015 has six places
			require.NoError(t, err, text)
		}
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "x", "1.", "--1", "0.0000001", "9223372036854775808", "1e99", "NaN", "Infinity", "1e-999999999", "1_0", "e5", "-e5", "+", ".", ".-5", "1.+5"} {
		_, err := metric.ParseStep(text)
		require.Equal(t, errs.Invalid, errs.KindOf(err), text)
	}
}

func TestStepTextIsExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := metric.Step{Units: rapid.Int64().Draw(t, "units"), Scale: rapid.Int8Range(0, metric.MaxStepScale).Draw(t, "scale")}
		got, err := metric.ParseStep(s.String())
		require.NoError(t, err)
		require.Equal(t, s.Normal(), got)
	})
}

func FuzzParseStep(f *testing.F) {
	f.Add("1.25")
	f.Add("-9223372036854775808")
	f.Add("1e-6")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := metric.ParseStep(text)
		if err != nil {
			return
		}
		again, err := metric.ParseStep(s.String())
		require.NoError(t, err)
		require.Equal(t, s, again)
		if s.Scale == 0 {
			require.Equal(t, strconv.FormatInt(s.Units, 10), s.String())
		}
	})
}
