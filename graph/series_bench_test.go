package graph_test

import (
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/graph"
	"github.com/cairnml/cairn/internal/live"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/search"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
)

// counted takes a response and keeps only its size.
type counted struct {
	header http.Header
	bytes  int
}

func (c *counted) Header() http.Header { return c.header }

func (*counted) WriteHeader(int) {}

func (c *counted) Write(b []byte) (int, error) {
	c.bytes += len(b)
	return len(b), nil
}

// BenchmarkSeries reads a series of 100,000 points as they are, and draws a chart of 100 runs with 10,000 points each, as
// a client sees it without the network. CAIRN_BENCH_DATABASE names an empty database other than a new SQLite file.
func BenchmarkSeries(b *testing.B) {
	ctx := admin()
	location := os.Getenv("CAIRN_BENCH_DATABASE")
	if location == "" {
		location = "sqlite:" + b.TempDir() + "/cairn.db"
	}
	db, err := store.Open(ctx, store.Config{URL: location})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, db.Close()) })
	hub := live.NewHub()
	service := tracking.New(db, hub)
	b.Cleanup(service.Close)
	handler := graph.NewHandler(graph.Deps{Tracking: service, Metrics: metric.NewReader(db), Search: search.New(db), Hub: hub}, graph.Options{})
	b.Cleanup(handler.Close)
	random := rand.New(rand.NewPCG(1, 1))
	record := func(points int) string {
		experiment := 0
		run, err := service.CreateRun(ctx, tracking.CreateRun{ExperimentID: &experiment, UserID: "tester"})
		require.NoError(b, err)
		c := metric.Columns{Key: "loss"}
		for i := range int64(points) {
			c.Steps, c.Times, c.Values = append(c.Steps, i), append(c.Times, 1_700_000_000_000+100*i), append(c.Values, random.Float64())
		}
		_, err = service.LogBatch(ctx, tracking.Batch{RunID: run.RunID, Columns: []metric.Columns{c}})
		require.NoError(b, err)
		return run.RunID
	}
	long, many := record(100_000), make([]string, 100)
	for i := range many {
		many[i] = record(10_000)
	}
	require.NoError(b, metric.CompactAll(ctx, db, slog.New(slog.DiscardHandler), nil))
	ask := func(query string, variables vars) func(b *testing.B) {
		body := request(query, variables)
		return func(b *testing.B) {
			b.ReportAllocs()
			defer storetest.CPUTime(b)()
			for b.Loop() {
				w := &counted{header: http.Header{}}
				r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/graphql", strings.NewReader(body))
				r.Header.Set("Content-Type", "application/json")
				handler.ServeHTTP(w, r)
				require.Greater(b, w.bytes, 100_000)
			}
		}
	}
	b.Run("100000 points", ask(`query ($runs: [ID!]!) { metricSeries(runs: $runs, maxPoints: 100000) { series { exact totalPoints steps times last } } }`,
		vars{"runs": []string{long}}))
	b.Run("chart of 100 runs", ask(`query ($runs: [ID!]!) { metricSeries(runs: $runs, keys: ["loss"], maxPoints: 300) {
		series { runId key exact totalPoints stepScale steps min max last } } }`, vars{"runs": many}))
}
