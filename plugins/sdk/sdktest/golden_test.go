package sdktest_test

import (
	"bytes"
	"image"
	"image/png"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/plugins/sdk"
	"github.com/cairnml/cairn/plugins/sdk/sdktest"
)

// echo records what it is sent.
type echo struct{}

func (echo) Describe() sdk.Description {
	return sdk.Description{Name: "echo", Version: "1.0.0", Modules: []string{"echo"}, Hook: []byte("x = 1")}
}
func (echo) NewSession(sdk.SessionInfo) sdk.Session { return echoSession{} }

type echoSession struct{}

func (echoSession) Observe(o sdk.Observation) ([]sdk.Record, error) {
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 4, 3))); err != nil {
		return nil, err
	}
	return []sdk.Record{
		sdk.Param{Key: "payload", Value: string(o.Payload)},
		sdk.File{Path: "p.png", Data: picture.Bytes()},
		sdk.File{Path: "m.txt", Source: o.Files["m"]},
	}, nil
}
func (echoSession) Close() ([]sdk.Record, error) { return nil, nil }

func TestGolden(t *testing.T) {
	t.Parallel()
	sdktest.Golden(t, echo{}, "testdata")
}

func TestLoadMakesPathsAbsolute(t *testing.T) {
	t.Parallel()
	observations := sdktest.Load(t, "testdata/echo.jsonl")
	require.Len(t, observations, 2)
	require.FileExists(t, observations[0].Files["m"])
}
