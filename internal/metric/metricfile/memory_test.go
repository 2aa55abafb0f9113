package metricfile_test

import (
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/internal/live"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/metric/metricfile"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
)

// longRun records a run with a series of n points.
func longRun(t testing.TB, db *store.DB, n int) *ent.Run {
	t.Helper()
	ctx := context.Background()
	service := tracking.New(db, live.NewHub())
	t.Cleanup(service.Close)
	run, err := service.CreateRun(ctx, tracking.CreateRun{})
	require.NoError(t, err)
	random := rand.New(rand.NewPCG(1, 1))
	for first := 0; first < n; first += metric.MaxPoints {
		c := metric.Columns{Key: "loss"}
		for i := first; i < min(first+metric.MaxPoints, n); i++ {
			c.Steps, c.Times, c.Values = append(c.Steps, int64(i)), append(c.Times, 1_700_000_000_000+100*int64(i)), append(c.Values, random.Float64())
		}
		_, err = service.LogBatch(ctx, tracking.Batch{RunID: run.RunID, Columns: []metric.Columns{c}})
		require.NoError(t, err)
	}
	return run
}

func liveHeap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// export writes all series of a run, and calls between with each piece that was written.
func export(t testing.TB, db *store.DB, run *ent.Run, f metricfile.Format, w io.Writer, between func()) (points int) {
	t.Helper()
	ctx := context.Background()
	e, err := metric.NewReader(db).Export(ctx, run, nil)
	require.NoError(t, err)
	file := metricfile.NewWriter(w, f, metricfile.Contents{RunID: run.RunID, Keys: e.Keys, StepScale: e.StepScale})
	require.NoError(t, e.Each(ctx, func(c metric.Columns) error {
		points += c.Len()
		err := file.Write(c)
		between()
		return err
	}))
	require.NoError(t, file.Close())
	return points
}

// A long series is never held, whether its points are folded or still in batches: a file takes the memory of a piece.
func TestMemoryDoesNotGrowWithTheSeries(t *testing.T) { // not in parallel: it measures the heap
	const points = 1_500_000
	const held = 24 * points
	db := storetest.SQLite(t)
	run := longRun(t, db, points)
	for _, state := range []string{"in batches", "folded"} {
		if state == "folded" {
			require.NoError(t, metric.CompactAll(context.Background(), db, slog.New(slog.DiscardHandler), nil))
		}
		for _, f := range metricfile.Formats {
			before, most := liveHeap(), int64(0)
			require.Equal(t, points, export(t, db, run, f, io.Discard, func() { most = max(most, liveHeap()-before) }))
			t.Logf("%s, %s: %d KiB", f, state, most>>10)
			require.Less(t, most, int64(held/2), "%s of points that are %s", f, state)
		}
	}
}

func BenchmarkExport(b *testing.B) {
	const points = 1_000_000
	db, err := store.Open(context.Background(), store.Config{URL: "sqlite:" + b.TempDir() + "/cairn.db"})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, db.Close()) })
	run := longRun(b, db, points)
	require.NoError(b, metric.CompactAll(context.Background(), db, slog.New(slog.DiscardHandler), nil))
	for _, f := range metricfile.Formats {
		b.Run(string(f), func(b *testing.B) {
			b.ReportAllocs()
			var size counter
			for b.Loop() {
				size = 0
				export(b, db, run, f, &size, func() {})
			}
			b.ReportMetric(float64(size)/points, "bytes/point")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/points, "ns/point")
		})
	}
}

type counter int64

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}
