package mlflow

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/metric"
)

// readBatch reads the metrics of a log-batch.
func readBatch(body []byte) ([]metric.Columns, int, error) {
	var all *points
	r := reader{data: body}
	err := r.message(func(key []byte) (err error) {
		if string(key) == "metrics" {
			all, err = r.points()
			return err
		}
		return r.skip()
	})
	return all.columns(), all.len(), err
}

// A body of points is refused with an error for users, or gives as many points as encoding/json finds, and writing those
// again gives them back.
func FuzzLogBatch(f *testing.F) {
	for _, seed := range []string{
		`{"run_id":"r","metrics":[{"key":"a","value":1.5,"timestamp":3,"step":-2},{"key":"b","value":"NaN","timestamp":"4"},{"key":"a","value":-0.0,"timestamp":5}]}`,
		`{"metrics":[]}`, `{"metrics":null}`, `{"metrics":[{}]}`, `{"metrics":[null]}`, `{"metrics":[{"key":"a","value":1e999,"timestamp":1}]}`,
		`{"metrics":[{"key":"a","value":Infinity,"timestamp":1e3,"step":null,"model_id":"m-1"}],"metrics":[]}`,
		`{"metrics":[{"key":"\u5b66/x","value":5e-324,"timestamp":9223372036854775807,"step":"-9223372036854775808"}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		columns, n, err := readBatch(body)
		if err != nil {
			require.Equal(t, errs.Invalid, errs.KindOf(err), err)
			return
		}
		var generic struct {
			Metrics []json.RawMessage `json:"metrics"`
		}
		total := 0
		out := []byte(`{"metrics":[`)
		for i := range columns {
			c := &columns[i]
			require.Len(t, c.Steps, c.Len())
			require.Len(t, c.Times, c.Len())
			for j, v := range c.Values {
				if total++; total > 1 {
					out = append(out, ',')
				}
				out = appendMetric(out, c.Key, v, c.Times[j], c.Steps[j])
			}
		}
		require.Equal(t, n, total)
		if exact := exactly(body); exact != nil && json.Unmarshal(exact, &generic) == nil {
			require.Len(t, generic.Metrics, n)
		}
		again, _, err := readBatch(append(out, `]}`...))
		require.NoError(t, err)
		require.Len(t, again, len(columns))
		for i := range columns {
			require.Equal(t, columns[i].Steps, again[i].Steps)
			require.Equal(t, columns[i].Times, again[i].Times)
			for j, v := range columns[i].Values {
				if math.IsNaN(v) {
					require.True(t, math.IsNaN(again[i].Values[j]))
				} else {
					require.Equal(t, math.Float64bits(v), math.Float64bits(again[i].Values[j]))
				}
			}
		}
	})
}

// exactly gives a body whose last "metrics" encoding/json finds under just this name: it takes "Metrics" for it too.
func exactly(body []byte) []byte {
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil {
		return nil
	}
	out, err := json.Marshal(map[string]json.RawMessage{"metrics": members["metrics"]})
	if err != nil {
		return nil
	}
	return out
}
