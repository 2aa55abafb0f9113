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
	kinds := []string{"fit.start", "fit.data", "fit.points", "fit.model", "fit.end", "optimizer", "scheduler", "loader", "data.opaque", "checkpoint", "writer.file"}
	for _, kind := range kinds {
		_, err := adapter{}.NewSession(sdk.SessionInfo{}).Observe(
			sdk.Observation{Kind: kind, Fit: "f1", Payload: json.RawMessage(`[1]`), Time: time.UnixMilli(0)})
		require.Error(t, err, kind)
	}
}

func TestCheckpointsStayInTheirFolder(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"last.pt": "checkpoints/last.pt", "../../x": "checkpoints/x", `a\b`: "checkpoints/a_b"} {
		payload, err := json.Marshal(map[string]any{"name": name})
		require.NoError(t, err)
		records, err := adapter{}.NewSession(sdk.SessionInfo{}).Observe(
			sdk.Observation{Kind: "checkpoint", Fit: "f1", Payload: payload, Files: map[string]string{"checkpoint": "/f/c"}})
		require.NoError(t, err)
		file, ok := records[0].(sdk.File)
		require.True(t, ok)
		require.Equal(t, want, file.Path)
	}
	_, err := adapter{}.NewSession(sdk.SessionInfo{}).Observe(sdk.Observation{Kind: "checkpoint", Fit: "f1", Payload: json.RawMessage(`{"name": ".."}`)})
	require.Error(t, err)
}

func TestWhatIsWrittenStaysInItsFolder(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"images/a/3.png": "tensorboard/images/a/3.png", "images/../../x/0.png": "tensorboard/images/x/0.png",
		`text/a\b: c/1.txt`: "tensorboard/text/a_b_ c/1.txt", "/images// /.1.png": "tensorboard/images/1.png",
	} {
		payload, err := json.Marshal(map[string]any{"path": path})
		require.NoError(t, err)
		records, err := adapter{}.NewSession(sdk.SessionInfo{}).Observe(
			sdk.Observation{Kind: "writer.file", Fit: "f1", Payload: payload, Files: map[string]string{"content": "/f/c"}})
		require.NoError(t, err)
		require.Equal(t, []sdk.Record{sdk.File{Path: want, Source: "/f/c"}}, records)
	}
}
