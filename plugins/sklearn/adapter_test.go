package main

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
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

// replay gives all records of a recording.
func replay(t *testing.T, name string) []sdk.Record {
	t.Helper()
	session := adapter{}.NewSession(sdk.SessionInfo{})
	var records []sdk.Record
	for _, o := range sdktest.Load(t, "testdata/"+name+".jsonl") {
		got, err := session.Observe(o)
		require.NoError(t, err)
		records = append(records, got...)
	}
	return records
}

func TestEveryCandidateIsAChildRun(t *testing.T) {
	t.Parallel()
	begun, ended := map[string]bool{}, map[string]string{}
	scores := map[string]int{}
	var table string
	var starts []int64
	for _, record := range replay(t, "search") {
		switch r := record.(type) {
		case sdk.ChildRun:
			begun[r.Run] = true
			starts = append(starts, r.Start.UnixMilli())
		case sdk.ChildEnd:
			ended[r.Run] = r.Status
		case sdk.Metric:
			if strings.HasPrefix(r.Key, "split") {
				scores[r.Run]++
			}
		case sdk.File:
			if r.Path == "cv_results.csv" {
				table = string(r.Data)
			}
		}
	}
	require.Len(t, begun, 4)
	for i, start := range starts {
		require.Equal(t, starts[0]+int64(i), start, "lists of children are sorted by it")
	}
	require.Equal(t, map[string]string{
		"candidate-0": sdk.Finished, "candidate-1": sdk.Failed, "candidate-2": sdk.Finished, "candidate-3": sdk.Failed,
	}, ended, "candidates whose every fit raised have failed")
	require.Equal(t, map[string]int{"candidate-0": 3, "candidate-1": 3, "candidate-2": 3, "candidate-3": 3}, scores)
	require.Len(t, strings.Split(strings.TrimSpace(table), "\n"), 5)
}

func TestPicturesAreWellFormed(t *testing.T) {
	t.Parallel()
	drawn := 0
	for _, record := range replay(t, "classifier") {
		file, ok := record.(sdk.File)
		if !ok || !strings.HasSuffix(file.Path, ".svg") {
			continue
		}
		drawn++
		decoder := xml.NewDecoder(strings.NewReader(string(file.Data)))
		for {
			_, err := decoder.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err, file.Path)
		}
	}
	require.Equal(t, 2, drawn)
}

func TestLabelsCannotBreakOutOfAPicture(t *testing.T) {
	t.Parallel()
	c := confusion{Labels: []string{"<script>alert(1)</script>", "\"&'\x00"}, Counts: [][]int64{{1, 0}, {0, 0}}}
	drawn := string(c.draw())
	require.NotContains(t, drawn, "<script>")
	require.NoError(t, xml.Unmarshal([]byte(drawn), new(struct{})))
}

func TestBrokenPayloadsAreErrorsNotPanics(t *testing.T) {
	t.Parallel()
	kinds := []string{"fit.start", "fit.data", "eval.data", "fit.metrics", "fit.confusion", "fit.importance", "fit.model",
		"search.candidates", "search.best", "cv.folds", "cv.point", "eval.metric", "fit.end"}
	for _, kind := range kinds {
		session := adapter{}.NewSession(sdk.SessionInfo{})
		_, err := session.Observe(sdk.Observation{Kind: kind, Fit: "f1", Payload: json.RawMessage(`[1]`), Time: time.UnixMilli(0)})
		require.Error(t, err, kind)
	}
	session := adapter{}.NewSession(sdk.SessionInfo{})
	for kind, payload := range map[string]string{
		"fit.confusion":  `{"labels":["a","b"],"counts":[[1],[2,3]]}`,
		"fit.importance": `{"features":["a"],"values":[1,2]}`,
		"fit.model":      `{"digest":"x"}`,
	} {
		_, err := session.Observe(sdk.Observation{Kind: kind, Payload: json.RawMessage(payload)})
		require.Error(t, err, kind)
	}
	records, err := session.Observe(sdk.Observation{Kind: "from a newer hook", Payload: json.RawMessage(`{}`)})
	require.NoError(t, err)
	require.Empty(t, records)
}

func FuzzObserve(f *testing.F) {
	f.Add("search.candidates", `{"first":0,"total":1,"params":[{"a":"1"}],"results":{"mean_test_score":["NaN"]},"splits":3}`)
	f.Add("fit.confusion", `{"labels":["a"],"counts":[[-1]]}`)
	f.Add("cv.folds", `{"results":{"fit_time":[1e308,"Infinity"]}}`)
	f.Fuzz(func(t *testing.T, kind, payload string) {
		session := adapter{}.NewSession(sdk.SessionInfo{})
		_, err := session.Observe(sdk.Observation{Kind: kind, Payload: json.RawMessage(payload), Files: map[string]string{"model": "/x"}})
		if err == nil {
			_, err = session.Close()
			require.NoError(t, err)
		}
	})
}
