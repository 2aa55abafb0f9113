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

func TestBrokenPayloadsAreErrorsNotPanics(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"fit.start", "fit.data", "fit.points", "fit.metrics", "fit.model", "fit.end", "checkpoint", "data.opaque"} {
		_, err := adapter{}.NewSession(sdk.SessionInfo{}).Observe(
			sdk.Observation{Kind: kind, Fit: "f1", Payload: json.RawMessage(`[1]`), Time: time.UnixMilli(0)})
		require.Error(t, err, kind)
	}
}
