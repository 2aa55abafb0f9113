package training

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/plugins/sdk"
)

func TestPointsOfSeveralMetrics(t *testing.T) {
	t.Parallel()
	got, err := Observed(sdk.Observation{Payload: []byte(`{"steps": [3, 4], "times": [1000, 2000],
		"values": {"loss": [0.5, "NaN"], "rows a second": [null, 7]}, "measurements": ["rows a second"]}`)})
	require.NoError(t, err)
	require.Len(t, got, 3)
	require.Equal(t, sdk.Metric{Key: "loss", Value: 0.5, Step: 3, Time: time.UnixMilli(1000)}, got[0])
	require.True(t, math.IsNaN(got[1].(sdk.Metric).Value))
	require.Equal(t, sdk.Metric{Key: "rows a second", Value: 7, Step: 4, Time: time.UnixMilli(2000), Measurement: true}, got[2])
}

func TestPointsOfUnequalLengthAreRefused(t *testing.T) {
	t.Parallel()
	for _, payload := range []string{
		`{"steps": [1, 2], "times": [1], "values": {}}`,
		`{"steps": [1], "times": [1], "values": {"a": []}}`,
	} {
		_, err := Observed(sdk.Observation{Payload: []byte(payload)})
		require.Error(t, err, payload)
	}
}
