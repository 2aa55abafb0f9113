package training

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/plugins/sdk"
)

func TestPointsAreExact(t *testing.T) {
	t.Parallel()
	// As Python packs them: array("q", [3, -4]), array("q", [1000, 2000]), array("d", [0.1, nan]).
	got, err := Points(sdk.Observation{Payload: json.RawMessage(`{"series": [
		{"key": "loss", "steps": "AwAAAAAAAAD8/////////w==", "times": "6AMAAAAAAADQBwAAAAAAAA==", "values": "mpmZmZmZuT8AAAAAAAD4fw=="},
		{"key": "steps a second", "measurement": true, "steps": "AwAAAAAAAAA=", "times": "6AMAAAAAAAA=", "values": "mpmZmZmZuT8="}]}`)})
	require.NoError(t, err)
	require.Len(t, got, 3)
	require.Equal(t, sdk.Metric{Key: "loss", Value: 0.1, Step: 3, Time: time.UnixMilli(1000)}, got[0])
	second, ok := got[1].(sdk.Metric)
	require.True(t, ok)
	require.True(t, math.IsNaN(second.Value))
	require.EqualValues(t, -4, second.Step)
	require.Equal(t, sdk.Metric{Key: "steps a second", Value: 0.1, Step: 3, Time: time.UnixMilli(1000), Measurement: true}, got[2])
}

func TestDamagedPointsAreRefused(t *testing.T) {
	t.Parallel()
	for _, payload := range []string{
		`{"series": [{"key": "a", "steps": "AwAAAAAAAAA=", "times": "", "values": ""}]}`,
		`{"series": [{"key": "a", "steps": "AwA="}]}`,
		`{"series": [{"key": "a", "steps": "?"}]}`,
	} {
		_, err := Points(sdk.Observation{Payload: json.RawMessage(payload)})
		require.Error(t, err, payload)
	}
}
