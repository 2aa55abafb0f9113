package mlflow

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/metric"
)

// batchBody is a log-batch of 1,000 points as the Python client writes it, of so many metrics.
func batchBody(keys int) []byte {
	var b strings.Builder
	b.WriteString(`{"run_id": "0123456789abcdef0123456789abcdef", "metrics": [`)
	for i := range 1000 {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, `{"key": "metric_%d", "value": %.17g, "timestamp": %d, "step": %d}`, i%keys, 1/float64(i+3), 1_700_000_000_000+i, i/keys)
	}
	b.WriteString("]}")
	return []byte(b.String())
}

func decodePoints(tb testing.TB, body []byte) []metric.Columns {
	var all *points
	r := reader{data: body}
	require.NoError(tb, r.message(func(key []byte) (err error) {
		if string(key) == "metrics" {
			all, err = r.points()
			return err
		}
		return r.skip()
	}))
	return all.columns()
}

func BenchmarkDecodeLogBatch(b *testing.B) {
	for _, keys := range []int{1, 20} {
		body := batchBody(keys)
		b.Run(fmt.Sprintf("cairn/keys=%d", keys), func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				decodePoints(b, body)
			}
		})
		b.Run(fmt.Sprintf("encoding-json/keys=%d", keys), func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				var v struct {
					RunID   string `json:"run_id"`
					Metrics []struct {
						Key       string  `json:"key"`
						Value     float64 `json:"value"`
						Timestamp int64   `json:"timestamp"`
						Step      int64   `json:"step"`
					} `json:"metrics"`
				}
				require.NoError(b, json.Unmarshal(body, &v))
			}
		})
	}
}

func BenchmarkEncodeHistory(b *testing.B) {
	history := metric.Columns{}
	for i := range int64(25_000) {
		history.Values = append(history.Values, 1/float64(i+3))
		history.Steps, history.Times = append(history.Steps, i), append(history.Times, 1_700_000_000_000+i)
	}
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		out = appendHistory(out[:0], "loss", history, -1)
	}
	b.SetBytes(int64(len(out)))
}

// A thousand points cost a handful of allocations, whatever their number.
func TestDecodingPointsAllocatesLittle(t *testing.T) {
	for keys, limit := range map[int]float64{1: 24, 20: 64} {
		body := batchBody(keys)
		require.LessOrEqual(t, testing.AllocsPerRun(20, func() { decodePoints(t, body) }), limit)
	}
}
