package tracking_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/live"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/tracking"
)

// BenchmarkLogBatch is the core's own cost on SQLite, without any shell: one point, a training step of 20 keys, and 1,000
// points of one key a call; from one caller and from sixteen.
func BenchmarkLogBatch(b *testing.B) {
	for _, shape := range []struct {
		name         string
		keys, points int
	}{{"point", 1, 1}, {"step", 20, 1}, {"thousand", 1, 1000}} {
		for _, callers := range []int{1, 16} {
			b.Run(fmt.Sprintf("%s/callers=%d", shape.name, callers), func(b *testing.B) {
				db, err := store.Open(ctx, store.Config{URL: "sqlite:" + filepath.Join(b.TempDir(), "cairn.db")})
				require.NoError(b, err)
				defer db.Close()
				s := tracking.New(db, live.NewHub())
				defer s.Close()
				b.ReportAllocs()
				b.SetParallelism(callers)
				b.ResetTimer()
				b.RunParallel(func(pb *testing.PB) {
					run := newRun(b, s)
					for step := int64(0); pb.Next(); step++ {
						_, err := s.LogBatch(ctx, tracking.Batch{RunID: run.RunID, Columns: shapeOf(shape.keys, shape.points, step)})
						require.NoError(b, err)
					}
				})
			})
		}
	}
}

func shapeOf(keys, points int, step int64) []metric.Columns {
	out := make([]metric.Columns, keys)
	for k := range out {
		c := metric.Columns{Key: fmt.Sprintf("metric-%d", k)}
		for i := range points {
			at := step*int64(points) + int64(i)
			c.Steps, c.Times, c.Values = append(c.Steps, at), append(c.Times, 1_700_000_000_000+at), append(c.Values, 1/float64(at+1))
		}
		out[k] = c
	}
	return out
}
