package mlflow_test

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent/token"
	"github.com/cairnml/cairn/internal/auth"
	"github.com/cairnml/cairn/internal/live"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/search"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
	"github.com/cairnml/cairn/server/mlflow"
)

// BenchmarkSearchRuns searches 1,000 runs of 20 params and 30 metrics, as a client sees it without the network.
func BenchmarkSearchRuns(b *testing.B) {
	ctx := auth.With(context.Background(), auth.Principal{Name: "local:tester", Role: token.RoleEDITOR})
	db, err := store.Open(ctx, store.Config{URL: "sqlite:" + b.TempDir() + "/cairn.db"})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, db.Close()) })
	service := tracking.New(db, live.NewHub())
	b.Cleanup(service.Close)
	handler := mlflow.New(mlflow.Deps{Tracking: service, Search: search.New(db), Metrics: metric.NewReader(db)})
	random := rand.New(rand.NewPCG(1, 1))
	for i := range 1000 {
		experiment := 0
		run, err := service.CreateRun(ctx, tracking.CreateRun{ExperimentID: &experiment, UserID: "tester", StartTime: int64(1_700_000_000_000 + i)})
		require.NoError(b, err)
		batch := tracking.Batch{RunID: run.RunID}
		for k := range 20 {
			batch.Params = append(batch.Params, tracking.Param{Key: "p" + strconv.Itoa(k), Value: strconv.Itoa(random.IntN(10))})
		}
		for k := range 30 {
			batch.Columns = append(batch.Columns, metric.Columns{Key: "m" + strconv.Itoa(k), Steps: []int64{0}, Times: []int64{1}, Values: []float64{random.Float64()}})
		}
		_, err = service.LogBatch(ctx, batch)
		require.NoError(b, err)
	}
	post := func(body map[string]any) []byte {
		text, err := json.Marshal(body)
		require.NoError(b, err)
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, api+"runs/search", bytes.NewReader(text))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		require.Equal(b, http.StatusOK, w.Code, w.Body)
		return w.Body.Bytes()
	}
	experiments := []string{"0"}
	b.Run("filter and order", func(b *testing.B) {
		b.ReportAllocs()
		defer storetest.CPUTime(b)()
		for b.Loop() {
			post(map[string]any{"experiment_ids": experiments, "filter": "metrics.m1 > 0.9 and params.p1 = '3'", "order_by": []string{"metrics.m1 DESC"}, "max_results": 50})
		}
	})
	b.Run("pages 2 to 5", func(b *testing.B) {
		var pages []map[string]any
		token := ""
		for range 5 {
			q := map[string]any{"experiment_ids": experiments, "order_by": []string{"metrics.m1 DESC"}, "max_results": 100, "page_token": token}
			pages = append(pages, q)
			var answer struct {
				Token string `json:"next_page_token"`
			}
			require.NoError(b, json.Unmarshal(post(q), &answer))
			token = answer.Token
		}
		b.ReportAllocs()
		defer storetest.CPUTime(b)()
		for i := 0; b.Loop(); i++ {
			post(pages[1+i%4])
		}
	})
}
