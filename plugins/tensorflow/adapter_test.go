package main

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/plugins/sdk"
	"github.com/cairnml/cairn/plugins/sdk/sdktest"
)

func TestGolden(t *testing.T) {
	t.Parallel()
	sdktest.Golden(t, adapter{}, "testdata")
}

func TestEveryStepOnce(t *testing.T) {
	t.Parallel()
	session := adapter{}.NewSession(sdk.SessionInfo{})
	steps := map[string][]int64{}
	for _, o := range sdktest.Load(t, "testdata/loop.jsonl") {
		records, err := session.Observe(o)
		require.NoError(t, err)
		for _, record := range records {
			if m, ok := record.(sdk.Metric); ok && !m.Measurement && o.Kind == "fit.points" {
				steps[m.Key] = append(steps[m.Key], m.Step)
			}
		}
	}
	require.Equal(t, map[string][]int64{
		"loss": {0, 1, 2, 3, 4, 5}, "epoch_loss": {0, 1}, "learning_rate": {0}, "epoch": {0, 3},
	}, steps)
}

func TestBrokenPayloadsAreErrorsNotPanics(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"fit.start", "fit.params", "fit.data", "data.opaque", "fit.points", "fit.end"} {
		_, err := adapter{}.NewSession(sdk.SessionInfo{}).Observe(
			sdk.Observation{Kind: kind, Fit: "f1", Payload: json.RawMessage(`[1]`), Time: time.UnixMilli(0)})
		require.Error(t, err, kind)
	}
}
