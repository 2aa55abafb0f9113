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

func TestEveryEpochOnce(t *testing.T) {
	t.Parallel()
	session := adapter{}.NewSession(sdk.SessionInfo{})
	steps := map[string][]int64{}
	for _, o := range sdktest.Load(t, "testdata/early.jsonl") {
		records, err := session.Observe(o)
		require.NoError(t, err)
		for _, record := range records {
			if m, ok := record.(sdk.Metric); ok && !m.Measurement && o.Kind == "fit.points" {
				steps[m.Key] = append(steps[m.Key], m.Step)
			}
		}
	}
	want := []int64{0, 1, 2}
	require.Equal(t, map[string][]int64{
		"loss": want, "accuracy": want, "val_loss": want, "val_accuracy": want, "learning_rate": want,
	}, steps)
}

func TestBrokenPayloadsAreErrorsNotPanics(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{
		"fit.start", "fit.params", "built", "fit.data", "eval.data", "data.opaque", "fit.points", "fit.metrics", "fit.model",
		"checkpoint", "eval.metrics", "fit.end",
	} {
		_, err := adapter{}.NewSession(sdk.SessionInfo{}).Observe(
			sdk.Observation{Kind: kind, Fit: "f1", Payload: json.RawMessage(`[1]`), Time: time.UnixMilli(0)})
		require.Error(t, err, kind)
	}
}
