package mlflow_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent/token"
	"github.com/cairnml/cairn/internal/auth"
	"github.com/cairnml/cairn/internal/live"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
	"github.com/cairnml/cairn/server/mlflow"
)

// BenchmarkHistory reads a series of 100,000 points page by page, and samples of 100 runs of 1,000, as a client sees it
// without the network.
func BenchmarkHistory(b *testing.B) {
	ctx := auth.With(context.Background(), auth.Principal{Name: "local:tester", Role: token.RoleEDITOR})
	db, err := store.Open(ctx, store.Config{URL: "sqlite:" + b.TempDir() + "/cairn.db"})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, db.Close()) })
	service := tracking.New(db, live.NewHub())
	b.Cleanup(service.Close)
	handler := mlflow.New(mlflow.Deps{Tracking: service, Metrics: metric.NewReader(db)})
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
	long, query := record(100_000), url.Values{"metric_key": {"loss"}, "max_results": {"320"}}
	for range 100 {
		query.Add("run_ids", record(1000))
	}
	require.NoError(b, metric.CompactAll(ctx, db, slog.New(slog.DiscardHandler), nil))
	get := func(path string) []byte {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, api+path, http.NoBody))
		require.Equal(b, http.StatusOK, w.Code, w.Body)
		return w.Body.Bytes()
	}
	b.Run("100000 points", func(b *testing.B) {
		paths := []string{"metrics/get-history?metric_key=loss&max_results=25000&run_id=" + long}
		for range 3 {
			var answer struct {
				Token string `json:"next_page_token"`
			}
			require.NoError(b, json.Unmarshal(get(paths[len(paths)-1]), &answer))
			paths = append(paths, paths[0]+"&page_token="+answer.Token)
		}
		b.ReportAllocs()
		defer storetest.CPUTime(b)()
		for b.Loop() {
			for _, path := range paths {
				get(path)
			}
		}
	})
	b.Run("100 runs of 320 points", func(b *testing.B) {
		b.ReportAllocs()
		defer storetest.CPUTime(b)()
		for b.Loop() {
			get("metrics/get-history-bulk-interval?" + query.Encode())
		}
	})
}
